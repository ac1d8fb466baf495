"""What a notebook must hold, beyond running: read from the file, with nothing executed.

A runner that compares outputs skips, in silence, whatever was stored without a result. So the file itself
is read: every cell executed and in order, most cells with text that is really compared, a claim where nothing
is, alt text on every picture, and nothing in it that belongs to one machine.

`check_notebook` is for any notebook; `check_lesson` adds what a lesson of this course holds. CONTRIBUTING.md
explains both.
"""

from llmasos_edu.contract.cells import compared_share
from llmasos_edu.contract.lesson import check_lesson
from llmasos_edu.contract.notebook import Problem, check_notebook

__all__ = ["Problem", "check_lesson", "check_notebook", "compared_share"]
