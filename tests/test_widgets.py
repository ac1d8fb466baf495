"""The ground under the widgets, without a browser."""

import base64

import numpy as np
import pytest
import traitlets

from llmasos_edu.widgets import base
from llmasos_edu.widgets.base import Widget, as_bytes, assemble, bytes_from_js, escape, svg_image
from llmasos_edu.widgets.keyboard import KeyboardGuard

MODULES = sorted(p.stem for p in base.STATIC.glob("*.js"))


class Dial(Widget):
    _esm = assemble("base")
    angle = traitlets.Int(30).tag(sync=True)
    state = bytes_from_js()

    def text(self) -> str:
        return f"The dial stands at {self.angle} degrees.\nIt turns <right>."

    def static_html(self) -> str:
        return f"<p>{'/' * (self.angle // 10)}</p>"


@pytest.mark.parametrize("name", MODULES)
def test_every_module_becomes_one_small_string(name):
    text = assemble(name)
    assert len(text.encode()) <= (64_000 if name == "attention_explorer" else 40_000)
    assert not [line for line in text.splitlines() if line.startswith("import ")]
    assert "http:" not in text
    assert "https:" not in text


def test_imports_are_inlined_once_and_before_their_use(tmp_path):
    (tmp_path / "c.css").write_text('p { content: "x"; }')
    (tmp_path / "b.js").write_text("export const two = 2;\n")
    (tmp_path / "a.js").write_text(
        'import { two } from "./b.js";\nimport CSS from "./c.css";\n'
        'import {\n  h,\n} from "./base.js";\nh(two, CSS);\n'
    )
    text = assemble("a", tmp_path)
    assert text.startswith('export const two = 2;\nconst CSS = "p { content: \\"x\\"; }";\n')
    assert text.endswith("h(two, CSS);\n")
    assert text.count("export class View") == 1


def test_a_large_module_is_refused(tmp_path):
    (tmp_path / "a.js").write_text("x" * 64_001)
    with pytest.raises(ValueError, match="at most 64,000 bytes; got 64,001: split it"):
        assemble("a", tmp_path)


def test_a_widget_says_what_it_shows():
    dial = Dial(angle=50)
    assert dial.summary == "The dial stands at 50 degrees."
    data, _ = dial._repr_mimebundle_()
    assert data["text/plain"] == dial.text()
    assert data["text/html"] == (
        "<figure><p>/////</p><figcaption>"
        "The dial stands at 50 degrees.<br>It turns &lt;right&gt;.</figcaption></figure>"
    )
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == dial.model_id


def test_push_raises_seq_even_for_equal_values():
    dial = Dial()
    dial.push(angle=30)
    dial.push(angle=30)
    assert (dial.angle, dial.seq) == (30, 2)


def test_bytes_both_ways():
    numbers = np.array([[1.5, -2.0], [0.25, 3.0]])
    assert as_bytes(numbers.T) == np.array([1.5, 0.25, -2.0, 3.0], dtype="<f4").tobytes()
    dial = Dial()
    dial.set_state({"state": memoryview(b"abc")})
    assert dial.state == b"abc"


def test_text_of_a_token_shows_as_text():
    assert escape("<b>\n\t&") == "&lt;b&gt;⏎⇥&amp;"
    assert escape("") == "∅"


def test_an_svg_travels_as_an_image():
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><text>风筝</text></svg>'
    image = svg_image(svg, 'a "kite"')
    assert 'alt="a &quot;kite&quot;"' in image
    assert base64.b64decode(image.split("base64,")[1].removesuffix('">')).decode() == svg


def test_the_guard_has_words_and_no_picture():
    data, _ = KeyboardGuard()._repr_mimebundle_()
    assert data["text/plain"] == "Keys pressed in a control stay in it."
    assert "text/html" not in data
