"""The attention map: which token looks at which, with scale, temperature and mask under the finger.

It teaches that attention is a softmax over scaled scores, row by row: a hotter or smaller scale spreads a
row, a colder or larger one sharpens it, a mask takes entries away and the rest is renormalised. The browser
computes all of it from q and k, sent once. Left out: V and the output, several heads side by side, new
sentences (the Attention Explorer's work).

Sources: Vaswani et al. 2017, eq. 1 (scaled dot-product attention); Xiao et al. 2023, "Efficient Streaming
Language Models with Attention Sinks" (why token 0 takes so much, hence the switch that hides it). Explained
in lesson 04.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from llmasos_edu.widgets.attention_picture import percent, picture, row_table, sentence, visible
from llmasos_edu.widgets.base import Widget, as_bytes, assemble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float

LONGEST = 512  # tokens: past it the bytes sent and the picture both outgrow a notebook
MASKS = ("causal", "none")


def softmax_rows(
    scores: Float[np.ndarray, "Tq Tk"], allowed: Bool[np.ndarray, "Tq Tk"], temperature: float = 1.0
) -> Float[np.ndarray, "Tq Tk"]:
    """Softmax of scores / temperature over the allowed entries of each row; zeros where none is allowed.

    Args:
        scores: (Tq, Tk), scaled dot products; −inf is a weight of zero.
        allowed: (Tq, Tk), True where a query may look.
        temperature: Above zero.

    Returns:
        (Tq, Tk) weights: what the browser shows, in float64.
    """
    masked = np.where(allowed, scores, -np.inf)
    most = masked.max(axis=-1, keepdims=True)
    powers = np.exp((masked - np.where(np.isfinite(most), most, 0.0)) / temperature)
    total = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(total > 0, total, 1.0)


def _heads(array: Any, name: str, last: str) -> np.ndarray:
    """The array as float64 (H, T, …), or a ValueError that says what it must be."""
    found = np.asarray(array, dtype=np.float64)
    if found.ndim == 2:
        found = found[None]
    if found.ndim != 3 or 0 in found.shape:
        raise ValueError(f"{name} must have shape (T, {last}) or (H, T, {last}); got {np.shape(array)}")
    if not np.isfinite(found).all():
        head, row, column = np.argwhere(~np.isfinite(found))[0]
        place = f"head {head}, row {row}, column {column}"
        raise ValueError(f"{name} must be finite; got {found[head, row, column]} at {place}")
    return found


def _check_weights(weights: Any) -> np.ndarray:
    found = _heads(weights, "weights", "T")
    if found.shape[1] != found.shape[2]:
        raise ValueError(f"weights must have shape (T, T) or (H, T, T); got {np.shape(weights)}")
    if (found < 0).any():
        head, row, column = np.argwhere(found < 0)[0]
        place = f"head {head}, row {row}, column {column}"
        raise ValueError(
            f"weights must be ≥ 0; got {found[head, row, column]:.3g} at {place}"
            " (are these scores? give q and k, or take the softmax first)"
        )
    return found


class AttentionMap(Widget):
    """A map of attention weights, recomputed in the browser as its controls move.

    Args:
        q: Queries, (T, D) or (H, T, D), any float type.
        k: Keys, of the same shape as q.
        tokens: The T tokens as text.
        weights: Attention weights (T, T) or (H, T, T) in place of q and k; shown as they are while the
            temperature is 1, whatever their rows add up to.
        mask: "causal" (a token looks at itself and what came before) or "none"; the default is "causal" with
            q and k, and "none" with weights.
        scale: What q·k is multiplied by; the default is 1/√d_head. Only with q and k.
        temperature: What the scores are then divided by.
        head: The head shown first, and
        row: the query whose row is pinned first; the default is where a token looks most decidedly at
        another.

    Attributes:
        summary: The pinned row in a sentence, renewed by the browser.
        row, head, scale, temperature, mask, hide_first, palette: What the reader set; may be set here too.

    Raises:
        ValueError: Shapes that do not fit (both are named), numbers that are not finite, negative weights,
            more than 512 tokens, an unknown mask, a scale or temperature that is not above zero.

    Example:
        >>> q = k = np.eye(3)
        >>> AttentionMap(q, k, ["the", "cat", "sat"], mask="none", row=2).text().splitlines()[0]
        "'sat' attends most to itself, 47 %."
    """

    _esm = assemble("attention_map")
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    data = traitlets.Bytes().tag(sync=True)
    heads = traitlets.Int(1).tag(sync=True)
    d_head = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    row = traitlets.Int(0).tag(sync=True)
    scale = traitlets.Float(1.0).tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)
    mask = traitlets.Enum(MASKS, "causal").tag(sync=True)
    hide_first = traitlets.Bool(False).tag(sync=True)
    palette = traitlets.Enum(("cividis", "viridis", "grey"), "cividis").tag(sync=True)

    def __init__(
        self,
        q: Any = None,
        k: Any = None,
        tokens: Sequence[str] = (),
        *,
        weights: Any = None,
        mask: str | None = None,
        scale: float | None = None,
        temperature: float = 1.0,
        head: int | None = None,
        row: int | None = None,
    ) -> None:
        state = _state(q, k, list(tokens), weights, mask, scale, temperature)
        super().__init__(**state)
        best_head, best_row = self._most_decided()
        self.head = self._within("head", head, self.heads, best_head)
        decided = self._most_decided(self.head)[1] if head is not None else best_row
        self.row = self._within("row", row, len(self.tokens), decided)
        self.summary = self.text().partition("\n")[0]

    @staticmethod
    def _within(name: str, value: int | None, n: int, default: int) -> int:
        if value is not None and not 0 <= value < n:
            raise ValueError(f"{name} must be from 0 to {n - 1}; got {value}")
        return default if value is None else value

    def update(
        self, q: Any = None, k: Any = None, tokens: Sequence[str] = (), *, weights: Any = None
    ) -> None:
        """Show other arrays, for the same controls: arguments as at the start."""
        tokens = list(tokens) or self.tokens
        state = _state(q, k, tokens, weights, self.mask, None, self.temperature)
        head, row = min(self.head, state["heads"] - 1), min(self.row, len(tokens) - 1)
        self.push(**{**state, "head": head, "row": row})

    def weights(self, head: int | None = None) -> Float[np.ndarray, "T T"]:
        """The weights that the map shows now (of one head), computed here as the browser computes them."""
        T = len(self.tokens)
        head = self.head if head is None else head
        data = np.frombuffer(self.data, dtype="<f4").astype(np.float64)
        allowed = np.tri(T, dtype=bool) if self.mask == "causal" else np.ones((T, T), dtype=bool)
        allowed = allowed & ~(self.hide_first & (np.arange(T) == 0))
        if self.d_head:
            q, k = data.reshape(2, self.heads, T, self.d_head)[:, head]
            return softmax_rows(self.scale * (q @ k.T), allowed, self.temperature)
        given = data.reshape(self.heads, T, T)[head]
        with np.errstate(divide="ignore"):
            scores = np.log(given)
        return softmax_rows(scores, allowed, self.temperature) * given.sum(axis=-1, keepdims=True)

    def _most_decided(self, only: int | None = None) -> tuple[int, int]:
        """Head and row where a token looks most decidedly at another than itself and token 0."""
        T, best = len(self.tokens), (0.0, 0 if only is None else only, len(self.tokens) - 1)
        for head in range(self.heads) if only is None else [only]:
            others = self.weights(head) * (1 - np.eye(T)) * (np.arange(T) > 0)
            gain = others.max(axis=-1) - 1 / np.arange(1, T + 1)  # against an even look at what came before
            row = int(np.argmax(np.round(gain, 6)))
            best = max(best, (round(float(gain[row]), 6), head, row), key=lambda found: found[0])
        return best[1], best[2]

    def text(self) -> str:
        """The pinned row in words, what the map is, and whether token 0 is a sink."""
        weights, names = self.weights(), [visible(token) for token in self.tokens]
        scale = f", scale {self.scale:.3g}" if self.d_head else ""
        heads = f"head {self.head} of {self.heads}, " if self.heads > 1 else ""
        lines = [
            sentence(weights[self.row], names, self.row),
            f"Attention map of {len(names)} tokens: {heads}mask {self.mask}{scale},"
            f" temperature {self.temperature:.3g}.",
        ]
        sink = weights[1:, 0].mean() if len(names) > 1 else 0.0
        if sink > 0.5:
            lines.append(f"Token 0, '{names[0]}', is a sink: it takes {percent(sink)} of this head.")
        return "\n".join(lines)

    def static_html(self) -> str:
        """The map and the pinned row as tables."""
        T = len(self.tokens)
        weights, names = self.weights(), [visible(token) for token in self.tokens]
        shown = np.tri(T, dtype=bool) if self.mask == "causal" else np.ones((T, T), dtype=bool)
        return picture(weights, names, shown, self.row) + row_table(weights[self.row], names, self.row)


def _state(
    q: Any, k: Any, tokens: list[str], weights: Any, mask: str | None, scale: float | None, temperature: float
) -> dict[str, Any]:
    """The traits for these arguments, checked."""
    if (weights is None) == (q is None and k is None) or (q is None) != (k is None):
        raise ValueError("give q and k, or weights alone")
    if weights is None:
        arrays = [_heads(q, "q", "D"), _heads(k, "k", "D")]
        if arrays[0].shape != arrays[1].shape:
            raise ValueError(f"q and k must have one shape; got q {np.shape(q)} and k {np.shape(k)}")
        heads, T, d_head = arrays[0].shape
    else:
        arrays = [_check_weights(weights)]
        (heads, T, _), d_head = arrays[0].shape, 0
        if scale is not None:
            raise ValueError("scale needs q and k: weights are already scaled")
    if len(tokens) != T:
        raise ValueError(f"there must be one token for each of the {T} positions; got {len(tokens)} tokens")
    if T > LONGEST:
        raise ValueError(f"the map shows at most {LONGEST} tokens; got {T}: slice the arrays")
    mask = mask or ("causal" if weights is None else "none")
    if mask not in MASKS:
        raise ValueError(f"mask must be one of {MASKS}; got {mask!r}")
    scale = 1 / math.sqrt(d_head or 1) if scale is None else scale
    for name, value in (("scale", scale), ("temperature", temperature)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name} must be above 0; got {value}")
    return {
        "tokens": tokens, "data": as_bytes(np.stack(arrays)), "heads": heads, "d_head": d_head,
        "scale": float(scale), "temperature": float(temperature), "mask": mask,
    }  # fmt: skip
