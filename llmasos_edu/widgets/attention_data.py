"""What the Attention Explorer shows, as plain arrays: one text's queries, keys, values or weights.

It teaches nothing itself: here numbers are checked before they are drawn, so that a mistake is answered with
its place and not with an empty picture. Leaves out: models (`llmasos_edu.explore` puts one behind) and
drawing. Source: Vaswani et al. 2017, eq. 1. Explained in lessons 04 and 08.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, UInt8

LONGEST = 1_024  # tokens: past it bytes and picture outgrow a browser's tab
PICTURES = 4_000_000  # bytes of 8-bit weights sent at once


def softmax_rows(
    scores: Float[np.ndarray, "*heads Tq Tk"], allowed: Bool[np.ndarray, "Tq Tk"], temperature: float = 1.0
) -> Float[np.ndarray, "*heads Tq Tk"]:
    """Softmax of scores / temperature over the allowed entries of each row; zeros where none is allowed.

    Args:
        scores: Scaled dot products; −inf is a weight of zero.
        allowed: True where a query may look.
        temperature: Above zero.

    Returns:
        Weights: what the browser shows.
    """
    masked = np.where(allowed, scores, -np.inf)
    most = masked.max(axis=-1, keepdims=True)
    powers = np.exp((masked - np.where(np.isfinite(most), most, 0.0)) / temperature)
    total = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(total > 0, total, 1.0)


@dataclass(frozen=True)
class Layer:
    """One layer's heads for one text: q and k (and v), or weights in their place.

    Args:
        q: Queries (H, Tq, D), as they meet the keys: after rotation and normalisation, if there are any.
        k: Keys (H, Tk, D), one for each head also where heads share them.
        v: Values (H, Tk, Dv).
        weights: (H, Tq, Tk), each ≥ 0; rows need not sum to one.

    Raises:
        ValueError: Neither or both were given, shapes do not fit (both are named), a number is not finite,
            a weight is negative.
    """

    q: Any = None
    k: Any = None
    v: Any = None
    weights: Any = None

    def __post_init__(self) -> None:
        if (self.weights is None) == (self.q is None and self.k is None) or (self.q is None) != (
            self.k is None
        ):
            raise ValueError("give q and k, or weights alone")
        for name in ("q", "k", "v", "weights"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, _finite(value, name))
        if self.weights is not None and (self.weights < 0).any():
            head, row, column = np.argwhere(self.weights < 0)[0]
            raise ValueError(
                f"weights must be ≥ 0; got {self.weights[head, row, column]:.3g} at head {head}, row {row},"
                f" column {column} (are these scores? give q and k, or take the softmax first)"
            )
        if self.q is not None and (self.q.shape[0], self.q.shape[2]) != (self.k.shape[0], self.k.shape[2]):
            raise ValueError(
                "q and k must have one number of heads and one d_head; got q"
                f" {self.q.shape} and k {self.k.shape}"
            )
        if self.v is not None and self.v.shape[:2] != (self.heads, self.shape[1]):
            raise ValueError(
                f"v must have a row for each of {self.heads} heads and {self.shape[1]} keys;"
                f" got {self.v.shape}"
            )

    @property
    def heads(self) -> int:
        """How many heads."""
        return len(self.q if self.weights is None else self.weights)

    @property
    def shape(self) -> tuple[int, int]:
        """(Tq, Tk)."""
        if self.weights is None:
            return self.q.shape[1], self.k.shape[1]
        return self.weights.shape[1], self.weights.shape[2]

    @property
    def d_head(self) -> int:
        """D of queries and keys; 0 where only weights are known."""
        return 0 if self.q is None else self.q.shape[2]

    def scores(self, scale: float, head: int | slice = slice(None)) -> Float[np.ndarray, "*H Tq Tk"]:
        """Scaled dot products, or the logarithms of the weights."""
        if self.weights is None:
            return scale * (self.q[head] @ np.swapaxes(self.k[head], -1, -2))
        with np.errstate(divide="ignore"):
            return np.log(self.weights[head])


def _finite(array: Any, name: str) -> np.ndarray:
    """(H, T, …) in float32 or float64, or a ValueError that says what it must be."""
    found = np.asarray(array)
    if found.dtype not in (np.float32, np.float64):
        found = found.astype(np.float64)
    if found.ndim != 3 or 0 in found.shape:
        raise ValueError(
            f"{name} must have shape (H, T, {'Tk' if name == 'weights' else 'D'}); got {np.shape(array)}"
        )
    if not np.isfinite(found).all():
        head, row, column = np.argwhere(~np.isfinite(found))[0]
        place = f"head {head}, row {row}, column {column}"
        raise ValueError(f"{name} must be finite; got {found[head, row, column]} at {place}")
    return found


@dataclass(frozen=True)
class Reading:
    """What a model did with a text.

    Args:
        tokens: The Tq tokens that look.
        layers: The model's layers, from 0; may be made when asked for (`__len__`, `__getitem__`).
        next_words: For each position the likeliest next tokens with their probabilities, best first.
            Empty: unknown.
        keys: The Tk tokens that are looked at, where they are others than `tokens` (cross-attention).
        causal: Nobody looks ahead.
        scale: What q·k is multiplied by; None means 1/√D.
        text: The sentence.

    Raises:
        ValueError: No layer, another number of tokens than the arrays have, more than 1,024 tokens, a scale
            that is not above zero.
    """

    tokens: list[str]
    layers: Sequence[Layer]
    next_words: list[list[tuple[str, float]]] = field(default_factory=list)
    keys: list[str] | None = None
    causal: bool = True
    scale: float | None = None
    text: str = ""

    def __post_init__(self) -> None:
        if len(self.layers) == 0:
            raise ValueError("a reading needs at least one layer; got none")
        Tq, Tk = self.layers[0].shape
        for name, found, T in (("tokens", self.tokens, Tq), ("keys", self.key_names, Tk)):
            if len(found) != T:
                raise ValueError(
                    f"there must be one of {name} for each of the {T} positions; got {len(found)}"
                )
            if T > LONGEST:
                raise ValueError(
                    f"the Explorer shows at most {LONGEST:,} tokens; got {T:,}: slice the arrays"
                )
        if self.next_words and len(self.next_words) != Tq:
            raise ValueError(
                f"next_words must have a list for each of the {Tq} positions; got {len(self.next_words)}"
            )
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise ValueError(f"scale must be above 0; got {self.scale}")

    @property
    def key_names(self) -> list[str]:
        """The tokens that are looked at."""
        return self.tokens if self.keys is None else self.keys

    @property
    def natural_scale(self) -> float:
        """What q·k is multiplied by; 1 where only weights are known."""
        return self.scale or 1 / math.sqrt(self.layers[0].d_head or 1)

    def weights(self, layer: int) -> Float[np.ndarray, "H Tq Tk"]:
        """A layer's weights as the model had them."""
        found = self.layers[layer]
        if found.weights is not None:
            return found.weights
        return softmax_rows(found.scores(self.natural_scale), allowed(self.layers[0].shape, self.mask))

    @property
    def mask(self) -> str:
        """The mask as the model had it."""
        return "causal" if self.causal and self.keys is None else "none"


def allowed(
    shape: tuple[int, int], mask: str, window: int = 1, hide_first: bool = False
) -> Bool[np.ndarray, "Tq Tk"]:
    """Who may look where, as `mayLook` of `static/attention_math.js` says it.

    Args:
        shape: (Tq, Tk).
        mask: "causal", "none", or "window": nobody looks ahead, nor back further than `window` tokens,
            itself among them.
        window: Of the mask "window".
        hide_first: Nobody looks at token 0.

    Returns:
        True where a query may look.

    Example:
        >>> allowed((3, 3), "window", 2).astype(int)
        array([[1, 0, 0],
               [1, 1, 0],
               [0, 1, 1]])
    """
    back = np.arange(shape[0])[:, None] - np.arange(shape[1])
    found = np.ones(shape, dtype=bool) if mask == "none" else back >= 0
    if mask == "window":
        found &= back < window
    return found & ~(hide_first & (np.arange(shape[1]) == 0))


def of_arrays(
    q: Any, k: Any, v: Any, weights: Any, tokens: Sequence[str], keys: Sequence[str] | None, **rest: Any
) -> Reading:
    """A reading of plain arrays: (T, D), (H, T, D) or (L, H, T, D); weights with Tk in place of D."""
    if weights is not None and rest.get("scale") is not None:
        raise ValueError("scale needs q and k: weights are already scaled")
    arrays = {"q": q, "k": k, "v": v, "weights": weights}
    layers: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        if array is None:
            continue
        found = np.asarray(array)
        if found.ndim not in (2, 3, 4):
            last = "Tk" if name == "weights" else "D"
            shapes = f"(T, {last}), (H, T, {last}) or (L, H, T, {last})"
            raise ValueError(f"{name} must have shape {shapes}; got {found.shape}")
        layers[name] = found.reshape(*(1,) * (4 - found.ndim), *found.shape)
    sizes = {name: len(found) for name, found in layers.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the arrays must have one number of layers; got {sizes}")
    count = next(iter(sizes.values()), 1)
    made = [Layer(**{name: found[i] for name, found in layers.items()}) for i in range(count)]
    return Reading(list(tokens), made, keys=None if keys is None else list(keys), **rest)


def bits8(weights: Float[np.ndarray, "H Tq Tk"], pool: int = 1) -> UInt8[np.ndarray, "H rows columns"]:
    """Weights × 255, rounded; of each block of `pool` × `pool` the largest."""
    H, Tq, Tk = weights.shape
    if pool > 1:
        rows, columns = -(-Tq // pool), -(-Tk // pool)
        room = np.zeros((H, rows * pool, columns * pool), dtype=weights.dtype)
        room[:, :Tq, :Tk] = weights
        weights = room.reshape(H, rows, pool, columns, pool).max(axis=(2, 4))
    return np.round(255 * np.clip(weights, 0, 1)).astype(np.uint8)


def pooling(heads: int, shape: tuple[int, int]) -> int:
    """The least side of a block with which one layer's pictures have at most 4 MB."""
    pool = 1
    while heads * -(-shape[0] // pool) * -(-shape[1] // pool) > PICTURES:
        pool += 1
    return pool
