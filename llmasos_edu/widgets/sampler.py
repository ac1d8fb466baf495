"""The next-word sampler: choose a model, a temperature, a seed, and watch what it would write.

Teaches that writing is drawing from a list, and what a temperature does to that list. Made of stock
ipywidgets, since a redraw may take a third of a second; call `keyboard.protect()` once in the notebook, so
that keys pressed in its sliders stay in them. Explained in lesson 02.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np

from llmasos_edu.probability import continuation, entropy, softmax
from llmasos_edu.rounding import number

__all__ = ["NextWordSampler"]

SHOWN = 8  # bars
WHOLE = {"description_width": "initial"}  # else Jupyter cuts long labels


class NextWordSampler(ipywidgets.VBox):
    """Bars of the next word, and a text drawn word by word, under the reader's model and temperature."""

    def __init__(
        self,
        models: Mapping[str, Callable[[Sequence[str]], Mapping[str, float]]],
        context: Sequence[str],
        *,
        model: str | None = None,
        temperature: float | int = 1.0,
        seed: int = 0,
        end: str | None = None,
        limit: int = 40,
    ) -> None:
        """Show the sampler's first draw.

        Args:
            models: Name → function from the words so far to the distribution of the next word.
            context: The words to start from, with their spaces.
            model: Which one to open on; the last by default.
            temperature: Where its slider stands, 0.1 to 3.
            seed: Where its slider stands, 0 to 99.
            end: The word that ends a text.
            limit: At most so many new words.

        Raises:
            ValueError: If there is no model, or a slider cannot stand there.
        """
        if not models or (model or next(iter(models))) not in models:
            raise ValueError(f"model must be one of {list(models)}; got {model!r}")
        if not 0.1 <= temperature <= 3 or not 0 <= seed <= 99:
            raise ValueError(
                f"temperature must lie in 0.1 … 3 and seed in 0 … 99; got {temperature} and {seed}"
            )
        self._models, self._context, self._end, self._limit = dict(models), list(context), end, limit
        self.model = ipywidgets.Dropdown(
            options=list(models), value=model or list(models)[-1], description="model", style=WHOLE
        )
        self.temperature = ipywidgets.FloatSlider(
            temperature,
            min=0.1,
            max=3,
            step=0.1,
            description="temperature",
            readout_format=".1f",
            style=WHOLE,
        )
        self.seed = ipywidgets.IntSlider(seed, min=0, max=99, description="seed", style=WHOLE)
        self._view = ipywidgets.HTML()
        super().__init__([ipywidgets.HBox([self.model, self.temperature, self.seed]), self._view])
        for control in (self.model, self.temperature, self.seed):
            control.observe(self._renew, "value")
        self._renew()

    def _renew(self, change: Any = None) -> None:
        self._view.value = self._html()

    def next_word(self) -> dict[str, float]:
        """The distribution of the next word at the chosen temperature, likeliest first."""
        p = self._models[self.model.value](self._context)
        with np.errstate(divide="ignore"):
            hot = softmax(np.log(list(p.values())), temperature=self.temperature.value)
        return dict(sorted(zip(p, hot.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0])))

    def written(self) -> str:
        """What the chosen model writes after the context, with the chosen temperature and seed."""
        rng = np.random.default_rng(self.seed.value)
        options = {"temperature": self.temperature.value, "end": self._end, "limit": self._limit}
        return "".join(continuation(self._models[self.model.value], self._context, rng, **options))

    def text(self) -> str:
        """The same in words: the first lines for the list, the last for the text."""
        p = self.next_word()
        rows = [f"{word.strip():<12} {share:>6.3f}" for word, share in list(p.items())[:SHOWN] if share > 0]
        head = (
            f"{self.model.value} at temperature {self.temperature.value:.1f}: "
            f"{number(float(entropy(list(p.values()))))} nats of choice in the next word"
        )
        return "\n".join([head, *rows, f"seed {self.seed.value}: …{self.written()}"])

    def _html(self) -> str:
        p = self.next_word()
        rows = "".join(_bar(word, share) for word, share in list(p.items())[:SHOWN] if share > 0)
        context, written = html.escape("".join(self._context)), html.escape(self.written())
        choice = number(float(entropy(list(p.values()))))
        return (
            f"<table style='margin:0;line-height:1.4'><caption style='text-align:left;white-space:nowrap'>"
            f"The next word: {choice} nats of choice</caption>{rows}</table>"
            f"<p style='max-width:46em;line-height:1.5'>{context}<b>{written}</b></p>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The live view, and beside it the words and the static form, for wherever nothing is live."""
        data: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        data["text/plain"], data["text/html"] = self.text(), f"<figure>{self._html()}</figure>"
        return data


def _bar(word: str, share: float) -> str:
    """A row of the list: the word, its share, and a bar as long."""
    return (
        f"<tr><td style='text-align:left'>{html.escape(word.strip())}</td><td>{share:.3f}</td>"
        f"<td style='text-align:left'><div style='height:12px;width:{400 * share:.1f}px;"
        "background:var(--jp-brand-color1,#1976d2)'></div></td></tr>"
    )
