"""Where words lie while a model learns: a slider over training steps, the words as points on a plane.

Teaches that words used alike end up side by side, though nobody said which are alike. A word's numbers are
its row of the embedding matrix; the plane is the one on which the last step's rows are spread most
(principal components), the same for all steps, so that a point moves only when its row does. Neighbours are
found in the whole space, not on the plane.

Leaves out: other projections (t-SNE, UMAP), which draw clusters even where there are none. Source: Pearson
1901, "On lines and planes of closest fit". Explained in lesson 03.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import traitlets

from llmasos_edu.widgets.base import Widget, as_bytes, assemble, escape, svg_image

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["EmbeddingPlane", "nearest", "principal_plane"]

NEIGHBOURS = 3
# light theme's colour, dark theme's, marker as an SVG path around 0, 0: colour and shape both tell the group
MARKERS = (
    ("#0072b2", "#6fc0f5", "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1 -5 0Z"),
    ("#c24e00", "#f0a050", "M-4.5 -4.5H4.5V4.5H-4.5Z"),
    ("#007a5a", "#4fd1a5", "M0 -6L5.5 4.5H-5.5Z"),
    ("#a23b88", "#ec9dd0", "M0 -6.5L6.5 0L0 6.5L-6.5 0Z"),
    ("#7a6a00", "#e0cf4a", "M-2 -6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z"),
    ("#5b5b5b", "#c4c4c4", "M-5.5 -4.5H5.5L0 6Z"),
)
LIGHT, DARK, PATHS = zip(*MARKERS, strict=True)


def principal_plane(snapshots: Float[np.ndarray, "S W D"]) -> Float[np.ndarray, "S W 2"]:
    """The rows of every snapshot on the plane on which the last one is spread most.

    Args:
        snapshots: Embeddings at S moments, W words, D numbers each, D at least 2.

    Returns:
        Coordinates; the middle of the last snapshot is 0, 0.

    Raises:
        ValueError: If the shape is not (S, W, D) with D ≥ 2 and W ≥ 2, or a number is not finite.

    Source: Pearson 1901; computed by the singular value decomposition.
    """
    snapshots = np.asarray(snapshots, dtype=float)
    if snapshots.ndim != 3 or snapshots.shape[1] < 2 or snapshots.shape[2] < 2 or not len(snapshots):
        raise ValueError(
            f"snapshots must be (steps, words, numbers), at least (1, 2, 2); got {snapshots.shape}"
        )
    if not np.isfinite(snapshots).all():
        raise ValueError("snapshots must be finite; there is a NaN or an infinity: did training diverge?")
    middle = snapshots[-1].mean(axis=0)  # (D,)
    axes = np.linalg.svd(snapshots[-1] - middle, full_matrices=False)[2][:2]  # (2, D)
    if len(axes) < 2:
        axes = np.vstack([axes, np.zeros_like(axes)])
    largest = np.abs(axes).argmax(axis=1)
    axes *= np.sign(axes[[0, 1], largest])[
        :, None
    ]  # the SVD leaves the sign open; the largest part is positive
    return (snapshots - middle) @ axes.T


def nearest(
    embeddings: Float[np.ndarray, "W D"], n: int = NEIGHBOURS
) -> tuple[Int[np.ndarray, "W n"], Float[np.ndarray, "W n"]]:
    """Each word's nearest words by cosine, itself left out.

    Args:
        embeddings: A row a word.
        n: How many.

    Returns:
        (indices, cosines), nearest first.
    """
    rows = embeddings - embeddings.mean(axis=0)  # what all words share says nothing about any
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -np.inf)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :n]
    return order, np.take_along_axis(cosines, order, axis=1)


class EmbeddingPlane(Widget):
    """Words as points that move while a model trains; pick one to see its nearest words.

    Args:
        snapshots: Embeddings at S moments (S, W, D).
        words: W words.
        groups: The group of each word, such as "people"; at most six different ones, for the reader's eye:
            the model never sees them.
        steps: The training step of each snapshot.
        at: Which snapshot is shown first; the last by default.
        word: A word picked from the start.

    Raises:
        ValueError: If lengths do not fit, there are more than six groups, or `word` is none of `words`.
    """

    _esm = assemble("embedding_plane")
    words = traitlets.List(traitlets.Unicode()).tag(sync=True)
    groups = traitlets.List(traitlets.Int()).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    markers = traitlets.List(traitlets.Unicode(), list(PATHS)).tag(sync=True)
    colours = traitlets.Dict({"light": list(LIGHT), "dark": list(DARK)}).tag(sync=True)
    steps = traitlets.List(traitlets.Int()).tag(sync=True)
    points = traitlets.Bytes(b"").tag(sync=True)  # float32 (S, W, 2)
    neighbours = traitlets.Bytes(b"").tag(sync=True)  # float32 (S, W, n, 2): index, cosine
    at = traitlets.Int(0).tag(sync=True)
    picked = traitlets.Int(-1).tag(sync=True)

    def __init__(
        self,
        snapshots: Float[np.ndarray, "S W D"],
        words: Sequence[str],
        groups: Sequence[str],
        steps: Sequence[int],
        *,
        at: int | None = None,
        word: str | None = None,
    ):
        names = list(dict.fromkeys(groups))
        _check(np.shape(snapshots), words, groups, names, steps, word)
        self._plane = principal_plane(snapshots)  # (S, W, 2)
        found = [nearest(np.asarray(s, dtype=float)) for s in snapshots]
        self._neighbours = np.stack([np.stack(pair, axis=-1) for pair in found])  # (S, W, n, 2)
        super().__init__(
            words=list(words),
            groups=[names.index(g) for g in groups],
            names=names,
            steps=[int(s) for s in steps],
            points=as_bytes(self._plane),
            neighbours=as_bytes(self._neighbours),
            at=len(steps) - 1 if at is None else at,
            picked=-1 if word is None else list(words).index(word),
        )

    def together(self, at: int | None = None) -> float:
        """Share of words whose nearest word is of their own group, at the snapshot shown or at another."""
        groups = np.array(self.groups)
        first = self._neighbours[self.at if at is None else at, :, 0, 0].astype(int)
        return float((groups == groups[first]).mean())

    def by_chance(self) -> float:
        """The share that `together` would be if neighbours were drawn blindly."""
        sizes = np.bincount(self.groups)
        return float((sizes * (sizes - 1)).sum() / (sizes.sum() * (sizes.sum() - 1)))

    def text(self) -> str:
        """What the widget shows, in words."""
        sentence = (
            f"At step {self.steps[self.at]:,} of {self.steps[-1]:,}: {_percent(self.together())} of the "
            f"words have their nearest word in their own group; by chance {_percent(self.by_chance())}."
        )
        first = [self.groups.index(g) for g in range(len(self.names))]
        shown = [self.picked] if self.picked >= 0 else first
        return "\n".join([sentence, *map(self._neighbours_of, shown)])

    def _neighbours_of(self, i: int) -> str:
        near = [f"{self.words[int(j)]} {c:.2f}" for j, c in self._neighbours[self.at, i]]
        return f"Nearest to {self.words[i]} ({self.names[self.groups[i]]}), by cosine: {', '.join(near)}."

    def static_html(self) -> str:
        """The shown snapshot as an image, with its legend above."""
        return svg_image(self._svg(), self.text().splitlines()[0])

    def _svg(self) -> str:
        """The picture; names that would cover others are left out."""
        width, height, legend = 640, 400, 30
        plane = self._plane[self.at]
        low, high = plane.min(axis=0), plane.max(axis=0)
        scale = ([width - 120, height - 40] / (high - low).clip(1e-9)).min()  # one for both axes
        centred = (plane - (low + high) / 2) * [scale, -scale]
        middle = np.array([width / 2 - 10, height / 2 + legend])
        xy = np.rint(centred + middle).astype(int)  # (W, 2) in pixels
        marks = "".join(_mark(x, y, g) for (x, y), g in zip(xy.tolist(), self.groups, strict=True))
        key = "".join(
            _mark(12 + 120 * i, 15, i) + _name(21 + 120 * i, 19, n) for i, n in enumerate(self.names)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + legend}" width="{width}"'
            f' height="{height + legend}" style="background:#fff">'
            '<g font-family="sans-serif" font-size="12" fill="#1f1f1f">'
            f"{key}{marks}{_names(xy, self.words)}</g></svg>"
        )


def _mark(x: int, y: int, group: int) -> str:
    return f'<path transform="translate({x} {y})" d="{PATHS[group]}" fill="{LIGHT[group]}"/>'


def _name(x: int, y: int, word: str) -> str:
    return f'<text x="{x}" y="{y}">{escape(word)}</text>'


def _names(xy: Int[np.ndarray, "W 2"], words: Sequence[str]) -> str:
    """Names to the right of their points, those left out that would cover a point or a name."""
    taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in xy.tolist()]
    shown = []
    for (x, y), word in zip(xy.tolist(), words, strict=True):
        box = (x + 8, y - 7, x + 10 + 7 * len(word), y + 7)
        if not any(box[0] < t[2] and box[2] > t[0] and box[1] < t[3] and box[3] > t[1] for t in taken):
            taken.append(box)
            shown.append(_name(x + 9, y + 4, word))
    return "".join(shown)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _check(
    shape: tuple[int, ...],
    words: Sequence[str],
    groups: Sequence[str],
    names: Sequence[str],
    steps: Sequence[int],
    word: str | None,
) -> None:
    if len(shape) != 3 or shape[:2] != (len(steps), len(words)) or len(groups) != len(words):
        raise ValueError(
            f"snapshots must be (steps, words, numbers), with a group for each word; got {shape} for "
            f"{len(steps)} steps, {len(words)} words, {len(groups)} groups"
        )
    if shape[1] <= NEIGHBOURS:
        raise ValueError(f"at least {NEIGHBOURS + 1} words are needed for neighbours; got {shape[1]}")
    if len(names) > len(MARKERS):
        raise ValueError(f"at most {len(MARKERS)} groups can be told apart; got {len(names)}: {list(names)}")
    if word is not None and word not in words:
        raise ValueError(f"word must be one of the {len(words)} words; got {word!r}")
