"""A text whose words are tinted by a number each, such as the nats that a model pays for them.

Drawn as HTML that we write, so that words stay words: they can be selected and read aloud, and 中文 needs no
font of ours. The strongest carry their number, so colour never speaks alone.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmasos_edu.plots.base import Row, visible
from llmasos_edu.rounding import number, table

__all__ = ["TintedWords", "tinted_words"]

LEVELS = 8  # steps of tint: two machines that differ in the last digit draw the same
FULL = (230, 120, 30)  # an orange on which black text has a contrast of 7 : 1
NUMBERED = 0.5  # from this share of the full tint on, a word carries its number


@dataclass(frozen=True, eq=False)
class TintedWords:
    """Tinted words with a title and a twin. At the end of a cell it shows both.

    Attributes:
        words: As given; a word keeps its leading space.
        values: One a word.
        title: What the tint means.
        unit: Of the values.
        top: The value of the full tint.
    """

    words: Sequence[str]
    values: Sequence[float]
    title: str
    unit: str
    top: float

    def twin(self) -> str:
        """The strongest words with their place and number, in order of place; at most 12 lines."""
        order = sorted(range(len(self.words)), key=lambda i: (-round(self.values[i], 6), i))
        strongest = sorted(order[:10])
        rows = [[i + 1, visible(self.words[i]), float(self.values[i])] for i in strongest]
        return table(rows, ["place", "word", self.unit])

    def to_html(self) -> str:
        """The words as HTML: escaped, the same for the same input, readable on light and dark pages."""
        spans = "".join(map(self._span, self.words, self.values))
        return (
            f"<div style='background:#fff;color:#111;padding:8px 12px;max-width:46em;line-height:1.9'>"
            f"<div style='font-size:90%;color:#444'>{html.escape(self.title)}</div>"
            f"<div style='white-space:pre-wrap'>{spans}</div></div>"
        )

    def _span(self, word: str, value: float) -> str:
        share = min(max(value / self.top, 0.0), 1.0)
        level = round(share * LEVELS) / LEVELS
        colour = "#" + "".join(f"{round(255 + (c - 255) * level):02x}" for c in FULL)
        body = word.lstrip(" ")
        sub = f"<sub>{number(value, 2)}</sub>" if level >= NUMBERED else ""
        style = f" style='background:{colour}'" if level > 0 else ""
        spaces = " " * (len(word) - len(body))
        return f"{spaces}<span{style}>{html.escape(body)}{sub}</span>"

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display({"text/html": self.to_html(), "text/plain": self.title}, raw=True)
        print(self.twin())

    def __repr__(self) -> str:
        return f"{self.title}\n{self.twin()}"


def tinted_words(
    words: Sequence[str], values: Row, *, title: str, unit: str = "nats", top: float | None = None
) -> TintedWords:
    """Show a text, each word tinted by its number.

    Args:
        words: In order; a word brings its own leading space (" kite"), 中文 words bring none.
        values: One a word; negative ones stay untinted.
        title: What the tint means: "what the trigram pays over the floor".
        unit: Of the values.
        top: The value of the full tint; the largest where None.

    Returns:
        The words, ready to show.

    Raises:
        ValueError: If words and values differ in number, or a value is not finite.
    """
    array = np.asarray(values, dtype=float)
    if array.shape != (len(words),) or not len(words) or not np.isfinite(array).all():
        raise ValueError(
            f"tinted_words needs one finite value a word; got {len(words)} words, shape {array.shape}"
        )
    full = float(array.max()) if top is None else float(top)
    return TintedWords(list(words), array.tolist(), title, unit, full if full > 0 else 1.0)
