"""Heads switched off by one's own hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["ABLATE", "ablate"]

Pairs = Sequence[tuple[int, int]]


def ablate(found: np.ndarray, heads: Pairs, layer: int) -> np.ndarray:
    """What this layer's heads found, (B, H, T, d_head), with zeros where a head of this layer is off."""
    out = found.copy()
    out[:, [head for at, head in heads if at == layer]] = 0
    return out


def _ablate_probes() -> list[Probe]:
    found = np.random.default_rng(3).standard_normal((4, 4, 4, 4))  # all axes alike: a wrong one fits too
    heads = [(1, 2), (0, 1), (1, 0), (2, 3)]
    return [
        Probe("layer 1, of which heads 2 and 0 are off", (found, heads, 1)),
        Probe("layer 2, of which head 3 is off", (found.copy(), list(heads), 2)),
        Probe("layer 3, of which none is off", (found.copy(), list(heads), 3)),
    ]


def _right_ones_are_silent(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    for head in range(got.shape[1]):
        silent, should = not got[:, head].any(), not expected[:, head].any()
        if should and not silent:
            return (
                f"head {head} is off in this layer, and still hands over {number(np.abs(got[:, head]).max())}"
            )
        if silent and not should:
            return f"head {head} is on in this layer, and hands over nothing"
    return None


def _silence(which: Callable[[Pairs, int], list[int]], axis: int = 1) -> Callable[..., np.ndarray]:
    """Zeros at the indices `which(heads, layer)` of an axis."""

    def wrong(found: np.ndarray, heads: Pairs, layer: int) -> np.ndarray:
        out = found.copy()
        out.swapaxes(0, axis)[which(heads, layer)] = 0
        return out

    return wrong


def _here(heads: Pairs, layer: int) -> list[int]:
    return [head for at, head in heads if at == layer]


def _by(change: Callable[[np.ndarray, list[int]], Any]) -> Callable[..., np.ndarray]:
    """`change(out, off)` works on a copy."""

    def wrong(found: np.ndarray, heads: Pairs, layer: int) -> np.ndarray:
        out, off = found.copy(), _here(heads, layer)
        change(out, off)
        return out

    return wrong


def _rescale(out: np.ndarray, off: list[int]) -> None:
    out[:, off] = 0
    out *= out.shape[1] / (out.shape[1] - len(off))


def _to_mean(out: np.ndarray, off: list[int]) -> None:
    out[:, off] = out[:, off].mean(axis=2, keepdims=True)


ABLATE = Exercise(
    key="inside.ablate",
    task=(
        "Write ablate(found, heads, layer): found (B, H, T, d_head) is what the heads of this layer hand "
        "over; heads lists (layer, head) pairs that are off. Give found with zeros for this layer's heads "
        "that are off, and leave found itself as it is."
    ),
    reference=ablate,
    probes=_ablate_probes,
    properties=(Property("those that are off are silent, and no others", _right_ones_are_silent),),
    mistakes=(
        Mistake(
            "layer and head exchanged",
            why="A pair is (layer, head): the first says where, the second who.",
            where="Which of the two is compared with layer?",
            wrong=_silence(lambda heads, layer: [at for at, head in heads if head == layer]),
        ),
        Mistake(
            "the layer is not asked for",
            why="Heads of other layers are switched off here, too.",
            where="Take only the pairs whose layer is this one.",
            wrong=_silence(lambda heads, layer: [head for _, head in heads]),
        ),
        Mistake(
            "zeros along the wrong axis",
            why="Texts, places or numbers are wiped out in every head.",
            where="Axes are (B, H, T, d_head): heads are axis 1.",
            wrong=(_silence(_here, 0), _silence(_here, 2), _silence(_here, 3)),
        ),
        Mistake(
            "all but those are off",
            why="It keeps what should go.",
            where="The condition is the wrong way round.",
            wrong=_silence(lambda heads, layer: [h for h in range(4) if h not in _here(heads, layer)]),
        ),
        Mistake(
            "one head only",
            why="A layer may have several heads that are off.",
            where="Is there a return or a break inside the loop?",
            wrong=(
                _silence(lambda heads, layer: _here(heads, layer)[:1]),
                _silence(lambda heads, layer: _here(heads, layer)[-1:]),
            ),
        ),
        Mistake(
            "the others are made louder",
            why="That is what dropout does in training; here the others must stay as they are.",
            where="Leave out the factor.",
            wrong=_by(_rescale),
        ),
        Mistake(
            "the heads are taken out",
            why="The next matrix expects every head at its place; one that is off hands over zeros.",
            where="Write zeros; the shape stays.",
            wrong=lambda found, heads, layer: np.delete(found, _here(heads, layer), axis=1),
        ),
        Mistake(
            "its mean in place of zeros",
            why="Another experiment, and a good one: here zeros are asked for.",
            where="What is written in place of the head.",
            wrong=_by(_to_mean),
        ),
        Mistake(
            "minus infinity in place of zeros",
            why="That hides a score before softmax; this is what comes after.",
            where="Write 0.",
            wrong=_by(lambda out, off: out.__setitem__((slice(None), off), -np.inf)),
        ),
    ),
    hints=(
        "Which of the pairs belong to this layer, and on which axis are heads?",
        "off = the second of each pair whose first is layer; work on a copy.",
        "out = found.copy(); out[:, off] = 0; return out.",
    ),
)
