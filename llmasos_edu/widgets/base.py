"""The ground that every widget stands on: how it is assembled, how it tells in words what it shows.

It teaches nothing itself. What follows a reader's hand is computed and drawn in the browser (a trip to the
kernel takes five frames), so a widget is a small Python class that checks arrays and sends them once, and a
JavaScript file that draws. No network: the JavaScript is inlined into one string.

How to write a widget, say `dial`:

1. `static/dial.js`, a module that imports from `./base.js` (and may import other files of `static/`):

        import { h, slider, widget } from "./base.js";
        import STYLES from "./dial.css";

        export default widget(STYLES, (view) => {
          // build the page once; view.follow() stores the reader's state, which redraws
          const dial = slider("angle", { min: 0, max: 90 }, (value) => view.follow({ angle: value }));
          const needle = h("output");
          view.body.append(dial.element, needle);
          view.watch("angle"); // redraw when this trait changes, here or in Python
          return () => {
            // draw: called at most once a frame; returns the sentence that says what is shown
            dial.show(view.get("angle"), `${view.get("angle")}°`);
            needle.textContent = "/".repeat(view.get("angle") / 10);
            return `The dial stands at ${view.get("angle")} degrees.`;
          };
        });

2. `dial.py`:

        class Dial(Widget):
            _esm = assemble("dial")
            angle = traitlets.Int(30).tag(sync=True)

            def text(self) -> str:  # the same sentence first, then further facts, a line each
                return f"The dial stands at {self.angle} degrees."

            def static_html(self) -> str:  # for a page without a kernel: the same bytes every time, no SVG
                return f"<p>{'/' * (self.angle // 10)}</p>"

What base.js does for you: the shadow root whose host keeps the notebook's shortcuts away from the controls
(`data-lm-suppress-shortcuts`), the styles inside it from the theme's colours, `data-rev` on the host (one
more after each draw, for tests to wait on), `summary` in Python, a polite live region (`view.say`), and the
parts that all widgets share: `h` (elements; strings go in as text, never as HTML), `slider`, `select`,
`checkbox`, `button`, `listbox` (roving tabindex), `canvas` (sharp on every screen, sized by its box). Read
`static/base.js`: it is short.

Rules that cost an afternoon each:

- Arrays go down as bytes (`as_bytes`, float32, little-endian) in a `traitlets.Bytes` trait and come up
  rarely; a Bytes trait that JavaScript sets needs `from_json` (`bytes_from_js()`). Upward messages stay small
  (< 10 MiB).
- Traits that belong together are sent together: `self.push(weights=…, tokens=…)`. It also raises `seq`, since
  equal bytes are not sent again; JavaScript watches `seq` alone.
- Hover is the browser's own business (`view.redraw()`); what is chosen is state (`view.set`), and what a
  hand drags is state once the hand rests (`view.follow`).
- Sizes come from the box (`canvas` does it): Lab hides cells, and a hidden cell measures zero.

Left out: the export to a file that works without a kernel (`export.py`).
Sources: anywidget's model of a widget (anywidget.dev); the WAI-ARIA authoring practices for listboxes and
sliders. Explained in no lesson: lesson 04 uses what stands on it.
"""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

STATIC = Path(__file__).resolve().parent / "static"
LARGEST = 64_000  # bytes of one assembled module
_COMMENT = re.compile(  # whole lines of it, and what follows a statement on its line
    r"^\s*(//[^\n]*|/\*.*?\*/)\n|(?<=[;,{)\]]) //[^\n]*$", re.MULTILINE | re.DOTALL
)
_IMPORT = re.compile(r'^import (\{[^}]*\}|\w+) from "\./([\w.]+)";\n', re.MULTILINE)


def _inline(file: str, folder: Path, seen: set[str]) -> str:
    """The text of `file` after the text of all that it imports, each once."""
    if file in seen:
        return ""
    seen.add(file)
    path = folder / file if (folder / file).exists() else STATIC / file
    text = path.read_text(encoding="utf-8")
    before = ""
    for binding, other in _IMPORT.findall(text):
        if other.endswith(".css"):
            css = (folder / other if (folder / other).exists() else STATIC / other).read_text(
                encoding="utf-8"
            )
            before += f"const {binding} = {json.dumps(' '.join(css.split()))};\n"
        else:
            before += _inline(other, folder, seen)
    return before + _IMPORT.sub("", text)


def assemble(name: str, folder: Path = STATIC) -> str:
    """A widget's whole JavaScript as one module without imports, comments and indentation.

    Args:
        name: The module's name: `static/<name>.js` is the file, which may import others by `"./other.js"` and
            stylesheets by `import NAME from "./other.css"`. All names at the top level share one scope.
        folder: Where the file lies; what is not there is taken from the package's `static/`.

    Returns:
        The text of the module, at most 64,000 bytes.

    Raises:
        ValueError: The module is larger than that.
    """
    text = _COMMENT.sub("", _inline(f"{name}.js", folder, set()))
    text = re.sub(r"^\s+", "", text, flags=re.MULTILINE)
    if (size := len(text.encode())) > LARGEST:
        raise ValueError(
            f"{name}.js with its imports must have at most {LARGEST:,} bytes; got {size:,}: split it"
        )
    return text


def as_bytes(array: np.ndarray) -> bytes:
    """The array's numbers as float32 in the order of its axes: what `new Float32Array(…)` reads."""
    return np.ascontiguousarray(array, dtype="<f4").tobytes()


def bytes_from_js() -> traitlets.Bytes:
    """A Bytes trait that JavaScript may set: a memoryview arrives, which traitlets alone would drop."""
    return traitlets.Bytes(b"").tag(sync=True, from_json=lambda value, widget: bytes(value))


def escape(text: str) -> str:
    """Text for a page: markup shows as text, and so do line breaks (as ⏎) and empty tokens (as ∅)."""
    return html.escape(text.replace("\n", "⏎").replace("\t", "⇥") or "∅")


def svg_image(svg: str, alt: str) -> str:
    """An SVG as an image for a static form: bare SVG is taken out of a notebook that Jupyter does not trust.

    Args:
        svg: The text of the picture, with `xmlns="http://www.w3.org/2000/svg"`; it cannot follow the theme.
        alt: What it shows, in a sentence.

    Returns:
        An `<img>` that carries the picture, the same bytes for the same text.
    """
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}">'


class Widget(anywidget.AnyWidget):
    """A widget that also says what it shows: in `summary`, in `text()`, and in pages without a kernel.

    Subclasses set `_esm = assemble(name)`, and write `text()` and `static_html()`.

    Attributes:
        summary: One sentence about what the reader sees now; the browser renews it after each draw.
        seq: Counts the calls of `push`.
    """

    summary = traitlets.Unicode("").tag(sync=True)
    seq = traitlets.Int(0).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.summary = self.text().partition("\n")[0]

    def shown_traits(self) -> list[str]:
        """Names of the traits that the browser's code reads."""
        frame = {"layout", "tabbable", "tooltip"}  # what ipywidgets itself reads
        return sorted(n for n in self.traits(sync=True) if not n.startswith("_") and n not in frame)

    def push(self, **traits: Any) -> None:
        """Set several traits in one message, and raise `seq` so that the browser draws even equal bytes."""
        with self.hold_sync():
            for name, value in traits.items():
                setattr(self, name, value)
            self.seq += 1

    def text(self) -> str:
        """What the widget shows, in words: the summary's sentence first, then further facts, a line each."""
        return self.summary

    def static_html(self) -> str:
        """What a page without a kernel shows: HTML or SVG from the state alone, the same bytes every time."""
        return ""

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view, and beside it the words and the static form, for wherever nothing is live."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        caption = "<br>".join(html.escape(line) for line in self.text().splitlines())
        data["text/plain"] = self.text()
        data["text/html"] = f"<figure>{self.static_html()}<figcaption>{caption}</figcaption></figure>"
        return data, metadata
