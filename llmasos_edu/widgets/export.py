"""A widget as one file: a page that works with no kernel and no network.

It teaches nothing itself. The page holds the widget's own JavaScript, its state as JSON, its bytes in base64,
and a stand-in for the model that a notebook would give it: `get`, `set`, and listeners, all in the page.
Left out: whatever asks the kernel. Source: anywidget's front-end module (anywidget.dev). Explained in no
lesson.
"""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmasos_edu.files import atomic_write

if TYPE_CHECKING:
    from llmasos_edu.widgets.base import Widget

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src blob:">
<title>{title}</title>
</head>
<body>
<main id="widget"><p>{text}</p></main>
<script type="application/json" id="state">{state}</script>
<script type="text/plain" id="module">{esm}</script>
<script type="module">
const {{ plain, bytes }} = JSON.parse(document.getElementById("state").textContent);
const read = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
for (const name in bytes) plain[name] = read(bytes[name]);
const listeners = {{}};
const model = {{
  get: (name) => plain[name],
  set(name, value) {{
    plain[name] = value;
    for (const tell of listeners[`change:${{name}}`] ?? []) tell();
  }},
  save_changes() {{}},
  on: (event, tell) => (listeners[event] ??= new Set()).add(tell),
  off: (event, tell) => listeners[event]?.delete(tell),
}};
const el = document.getElementById("widget");
const source = new Blob([document.getElementById("module").textContent], {{ type: "text/javascript" }});
const module = await import(URL.createObjectURL(source));
el.replaceChildren();
module.default.render({{ model, el }});
</script>
</body>
</html>
"""


def page(widget: Widget, title: str, **instead: Any) -> str:
    """The text of a page that shows the widget as it stands.

    Args:
        widget: Any widget of ours.
        title: Of the page.
        **instead: Traits that the page shall have in place of the widget's own.

    Returns:
        HTML; all text in it is escaped.
    """
    state = {name: instead.get(name, getattr(widget, name)) for name in widget.shown_traits()}
    binary = {name: value for name, value in state.items() if isinstance(value, bytes)}
    encoded = {name: base64.b64encode(value).decode() for name, value in binary.items()}
    rest = {name: value for name, value in state.items() if name not in binary}
    data = json.dumps({"plain": rest, "bytes": encoded}, ensure_ascii=False).replace("<", "\\u003c")
    text = "<br>".join(html.escape(line) for line in widget.text().splitlines())
    esm = str(widget._esm).replace("</script", "<\\/script")
    return _PAGE.format(title=html.escape(title), text=text, state=data, esm=esm)


def write_page(path: str | Path, widget: Widget, title: str, **instead: Any) -> Path:
    """Write that page, in one step: an older file stays whole until the new one is there."""
    with atomic_write(Path(path)) as file:
        file.write(page(widget, title, **instead))
    return Path(path)
