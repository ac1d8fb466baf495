"""Keeps the keys that a reader presses in a control from reaching the notebook.

With a slider, button or drop-down of ipywidgets focused, "b" adds a cell to the notebook, "d d" deletes one,
and in Notebook 7 the arrow keys do not even move the slider. Jupyter leaves alone the keys of an element that
carries the attribute `data-lm-suppress-shortcuts`; our own widgets have it, and `protect()` stamps it on
every other control in the outputs, now and later. It teaches nothing itself.

Source: Lumino's `CommandRegistry.processKeydownEvent`, which skips elements with this attribute.
"""

from __future__ import annotations

from typing import Any

from IPython.display import display

from llmasos_edu.widgets.base import Widget, assemble


class KeyboardGuard(Widget):
    """An invisible widget: while it is shown, controls in the notebook's outputs keep their keys."""

    _esm = assemble("keyboard")

    def text(self) -> str:
        """What it does, in a sentence."""
        return "Keys pressed in a control stay in it."

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live view and the sentence; there is nothing to see in a page without a kernel."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        del data["text/html"]
        return data, metadata


def protect() -> None:
    """Show the guard: call it once in a notebook that shows sliders or buttons of ipywidgets."""
    display(KeyboardGuard())
