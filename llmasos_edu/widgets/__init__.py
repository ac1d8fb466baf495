"""What a reader touches: widgets that are computed and drawn in the browser, from arrays sent once.

Each widget is one Python file here and one JavaScript file of the same name in `static/`. How to write one
stands in `llmasos_edu.widgets.base`.
"""
