"""A training run as a film: the loss, one next-word distribution and a story told, at each moment of it.

Teaches that a loss glides while abilities click: the curve sinks smoothly, and between two of its points the
model has learned to look back, its answer jumps, and its stories hold together a sentence longer. A slider
runs through the moments that were kept.

Leaves out: the training itself (`training`), and how a story is judged (`tinyworld`); it shows what it is
given. Source for the jump: Olsson et al. 2022, "In-context Learning and Induction Heads", argument 1.
Explained in lesson 06.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from llmasos_edu.rounding import number
from llmasos_edu.widgets.base import Widget, as_bytes, assemble, escape

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["TrainingFilm"]

BAR = 24  # signs in the longest bar of the static form


class TrainingFilm(Widget):
    """The moments of a training run under a slider.

    Args:
        steps: The training step of each of S moments, rising.
        above: Nats a story above the floor at each (S,), positive: drawn on a logarithmic axis.
        words: W words that may fill the blank; the right one first.
        p: Their probabilities at each moment (S, W).
        stories: What the model tells at each moment, as (what is possible, the rest from the first
            impossible word on, empty where there is none).
        blank: The text before the blank.
        at: The moment that is shown first; the last by default.

    Raises:
        ValueError: If lengths do not fit, a loss is not positive, or a row of `p` is no share of a whole.

    Example:
        >>> film = TrainingFilm([0, 9], [50, 1], ["kite"], [[0.1], [0.9]], [("", "hat"), ("A.", "")], "red")
        >>> film.text().splitlines()[1]
        'red ___: kite 0.900'
    """

    _esm = assemble("training_film")
    steps = traitlets.List(traitlets.Int()).tag(sync=True)
    above = traitlets.List(traitlets.Float()).tag(sync=True)
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    p = traitlets.Bytes(b"").tag(sync=True)  # float32 (S, W)
    stories = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    blank = traitlets.Unicode("").tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        steps: Sequence[int],
        above: Sequence[float | int],
        words: Sequence[str],
        p: Sequence[Sequence[float | int]] | Float[np.ndarray, "S W"],
        stories: Sequence[tuple[str, str]],
        blank: str,
        *,
        at: int | None = None,
    ):
        self._p = np.asarray(p, dtype=float)  # (S, W)
        _check(steps, above, words, self._p, stories)
        at = len(steps) - 1 if at is None else at
        if not 0 <= at < len(steps):
            raise ValueError(f"at must be one of the {len(steps)} moments, from 0; got {at}")
        super().__init__(
            steps=[int(s) for s in steps],
            above=[float(a) for a in above],
            words=list(words),
            p=as_bytes(self._p),
            stories=[list(pair) for pair in stories],
            blank=blank,
            at=at,
        )

    def sentence(self, at: int) -> str:
        """What one moment shows, in a sentence."""
        rest = self.stories[at][1]
        broken = "every word of its story is possible" if not rest else f"its story breaks at {_first(rest)}"
        return (
            f"Step {self.steps[at]:,}: {number(self.above[at])} nats above the floor; {self.words[0]} has "
            f"{number(self._p[at, 0])}; {broken}."
        )

    def text(self) -> str:
        """The moment's sentence, the distribution, the story."""
        shares = zip(self.words, self._p[self.at], strict=True)
        told = ", ".join(f"{word} {number(share)}" for word, share in shares)
        possible, rest = self.stories[self.at]
        return "\n".join(
            [self.sentence(self.at), f"{self.blank} ___: {told}", f"It tells: {possible}{_marked(rest)}"]
        )

    def static_html(self) -> str:
        """A line for each of at most eight moments."""
        chosen = np.unique(np.linspace(0, len(self.steps) - 1, 8).round().astype(int))
        rows = "".join(
            f"<tr><td>{self.steps[i]:,}</td><td>{number(self.above[i])}</td><td>{number(self._p[i, 0])}</td>"
            f"<td style='text-align:left'>{'█' * round(BAR * self._p[i, 0])}</td></tr>"
            for i in chosen
        )
        heads = ("step", "nats above the floor", f"P({escape(self.words[0])})", "")
        return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{rows}</table>"


def _first(text: str) -> str:
    return f"“{text.split()[0]}”"


def _marked(rest: str) -> str:
    return f" ✗{rest}" if rest else ""


def _check(steps: Any, above: Any, words: Any, p: np.ndarray, stories: Any) -> None:
    n = len(steps)
    if n < 1 or not len(above) == len(stories) == n:
        raise ValueError(
            "steps, above and stories must be equally long, at least 1; "
            f"got {n}, {len(above)}, {len(stories)}"
        )
    if p.shape != (n, len(words)) or not words:
        raise ValueError(f"p must be (moments, words) = {(n, len(words))}, at least one word; got {p.shape}")
    if any(b <= a for a, b in pairwise(steps)):
        raise ValueError("steps must rise")
    if not all(np.isfinite(a) and a > 0 for a in above):
        raise ValueError("above must be positive and finite, for a logarithmic axis; take out what is not")
    if not (np.isfinite(p).all() and p.min() >= 0 and p.sum(axis=1).max() <= 1 + 1e-6):
        raise ValueError("each row of p must hold probabilities, at least 0 and at most 1 together")
    if any(not rest.strip() for _, rest in stories if rest):
        raise ValueError("the rest of a story begins with its first impossible word; got only spaces")
