"""What the Attention Explorer sends to the browser, and where it opens: arrays in, bytes and plain data out.

It teaches nothing itself. A picture of every head travels in 8 bits, in as many layers as 4 MB hold (blocks
pooled by their largest weight where one layer alone has more); the numbers behind it, q, k and v or weights
in float32, for all heads of the layer while they are small, past that for the chosen head. Left out: drawing.
Explained in no lesson.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llmasos_edu.widgets.attention_data import PICTURES, Layer, Reading, bits8, pooling
from llmasos_edu.widgets.base import as_bytes

if TYPE_CHECKING:
    from jaxtyping import Float

#: Numbers of weights past which only one layer is looked through before the reader asks for more.
LOOKED_THROUGH = 2**23
#: Bytes of q, k and v up to which all heads of a layer travel at once.
AT_ONCE = 600_000
#: A head is named after a role from this score, as in `probing`, which cannot be imported without torch.
LABEL_FROM = 0.5
ENTROPY = "entropy of this text, 1 the highest"


@dataclass(frozen=True)
class Scan:
    """A look through a reading's layers (or through one, where they are large).

    Args:
        pictures: Layer → 8-bit weights (H, rows, columns), pooled.
        pool: The side of a pooled block, 1 for none.
        gains: (L, H): how much more than an even look the most decided row gives to another token than
            itself and token 0; −1 where a layer was not looked through.
        rows: (L, H): that row.
        entropy: (L, H): mean entropy of a row as a share of the highest possible; 0 where not looked through.
    """

    pictures: dict[int, np.ndarray]
    pool: int
    gains: np.ndarray
    rows: np.ndarray
    entropy: np.ndarray

    @property
    def whole(self) -> bool:
        """All layers were looked through."""
        return bool((self.gains >= 0).all())


def scan(reading: Reading, layer: int | None = None) -> Scan:
    """Look through the layers; if they are large, through `layer` (the middle one) alone."""
    L, H, shape = len(reading.layers), reading.layers[0].heads, reading.layers[0].shape
    pool = pooling(H, shape)
    few = L * H * shape[0] * shape[1] > LOOKED_THROUGH
    found = Scan({}, pool, np.full((L, H), -1.0), np.zeros((L, H), dtype=int), np.zeros((L, H)))
    for at in [L // 2 if layer is None else layer] if few else range(L):
        weights = reading.weights(at)
        found.gains[at], found.rows[at] = _most_decided(weights, reading.keys is None)
        found.entropy[at] = _evenness(weights)
        found.pictures[at] = bits8(weights, pool)
    return found


def _most_decided(weights: Float[np.ndarray, "H Tq Tk"], same: bool) -> tuple[np.ndarray, np.ndarray]:
    """Of each head: the gain over an even look, ≥ 0, and the row where it is largest."""
    seen = np.maximum((weights > 0).sum(axis=-1), 1)
    others = weights.copy()
    if same:
        others[:, np.arange(weights.shape[1]), np.arange(weights.shape[1])] = 0
        others[:, :, 0] = 0
    gain = np.round(others.max(axis=-1) - 1 / seen, 6)
    return np.maximum(gain.max(axis=-1), 0), gain.argmax(axis=-1)


def _evenness(weights: Float[np.ndarray, "H Tq Tk"]) -> Float[np.ndarray, " H"]:
    """Mean over rows of entropy / ln(number of tokens seen)."""
    seen = (weights > 0).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        nats = -np.where(weights > 0, weights * np.log(weights), 0).sum(axis=-1)
    return (nats / np.log(np.maximum(seen, 2))).mean(axis=-1)


def opening(
    reading: Reading, looked: Scan, layer: int | None, head: int | None, row: int | None
) -> tuple[int, int, int]:
    """Layer, head and row that are shown first: as given, else where a token looks most decidedly at another.

    Raises:
        ValueError: There is no such layer, head or row.
    """
    L, H, Tq = len(reading.layers), reading.layers[0].heads, len(reading.tokens)
    for name, value, n in (("layer", layer, L), ("head", head, H), ("row", row, Tq)):
        if value is not None and not 0 <= value < n:
            raise ValueError(f"{name} must be from 0 to {n - 1}; got {value}")
    if layer is not None and (looked.gains[layer] < 0).any():
        looked = scan(reading, layer)
    gains = looked.gains.copy()
    if layer is not None:
        gains[np.arange(L) != layer] = -2
    if head is not None:
        gains[:, np.arange(H) != head] = -2
    at = divmod(int(gains.argmax()), H)
    if gains[at] <= 0:  # nobody looks at another: the last row
        return *at, Tq - 1 if row is None else row
    return *at, int(looked.rows[at]) if row is None else row


def check_roles(roles: Mapping[str, Any] | None, reading: Reading) -> dict[str, np.ndarray]:
    """Role → (L, H) scores in [0, 1], or a ValueError."""
    shape = (len(reading.layers), reading.layers[0].heads)
    found = {name: np.asarray(scores, dtype=np.float64) for name, scores in (roles or {}).items()}
    for name, scores in found.items():
        if scores.shape != shape:
            raise ValueError(f"roles[{name!r}] must have shape (layers, heads) = {shape}; got {scores.shape}")
        if not ((scores >= 0) & (scores <= 1 + 1e-6)).all():
            raise ValueError(
                f"roles[{name!r}] must lie in [0, 1]; got {scores.min():.3g} to {scores.max():.3g}"
            )
    return found


def check_before(before: Reading, reading: Reading, answer: Any) -> None:
    """Refuse a reading that cannot be compared with the one that is shown."""
    if answer is not None:
        raise ValueError("give before, or answer to ask a model for more; not both")
    for name, was, now in (
        ("tokens", before.tokens, reading.tokens),
        ("keys", before.keys, reading.keys),
        ("number of layers", len(before.layers), len(reading.layers)),
        ("mask and scale", (before.mask, before.natural_scale), (reading.mask, reading.natural_scale)),
        ("next words where it has them", bool(before.next_words), bool(reading.next_words)),
    ):
        if was != now:
            raise ValueError(f"before must have the {name} of the reading, {now}; got {was}")
    for at, layers in enumerate(zip(before.layers, reading.layers, strict=True)):
        ours, theirs = ({name: getattr(one, name).shape for name in _parts(one)} for one in layers)
        if ours != theirs:
            raise ValueError(f"layer {at} of before must be shaped like the reading's, {theirs}; got {ours}")


def label(roles: Mapping[str, np.ndarray], layer: int, head: int) -> list[Any] | None:
    """[role, score] of the role that fits best, ["mixed", score] below 0.5, None without a probe."""
    if not roles:
        return None
    best = max(roles, key=lambda name: roles[name][layer, head])
    score = round(float(roles[best][layer, head]), 4)
    return [best if score >= LABEL_FROM else "mixed", score]


def causal(mask: str | None, weights: Any, keys: Any) -> bool:
    """Does nobody look ahead? Unless said otherwise: with q and k of one text."""
    if mask not in (None, "causal", "none"):
        raise ValueError(f"mask must be 'causal' or 'none'; got {mask!r}")
    return (weights is None and keys is None) if mask is None else mask == "causal"


def one_head(layer: Layer, head: int, edits: list[list[Any]] | None = None) -> Layer:
    """One head of a layer, with the reader's edits [which, position, d, value]."""
    parts = {name: getattr(layer, name)[head : head + 1] for name in _parts(layer)}
    for which, position, d, value in edits or []:
        if which in parts and position < parts[which].shape[1] and d < parts[which].shape[2]:
            parts[which] = parts[which].astype(np.float64)
            parts[which][0, position, d] = value
    return Layer(**parts)


def _parts(layer: Layer) -> list[str]:
    return [name for name in ("q", "k", "v", "weights") if getattr(layer, name) is not None]


def of_layer(
    reading: Reading, before: Reading, looked: Scan, layer: int, head: int, alone: bool = False
) -> dict[str, Any]:
    """Pictures and exact numbers for a layer and head, and what `meta` says of them.

    Args:
        reading: What is shown,
        before: and what the model did with all heads on.
        looked: What was already looked through.
        layer: The layer, and
        head: the head that are shown.
        alone: For a page without a kernel: one layer, one head.

    Returns:
        pictures, exact (bytes) and sent (plain data).
    """
    found = reading.layers[layer]
    H = found.heads
    all_pictures = looked.whole and sum(p.size for p in looked.pictures.values()) <= PICTURES and not alone
    if all_pictures:
        first, shown = 0, [looked.pictures[at] for at in sorted(looked.pictures)]
    else:
        picture = looked.pictures.get(layer)
        first, shown = layer, [bits8(reading.weights(layer), looked.pool) if picture is None else picture]
    size = 4 * sum(getattr(found, name)[0].size for name in _parts(found))
    heads = list(range(H)) if H * size <= AT_ONCE and not alone else [head]
    sources = [found] if before is reading else [found, before.layers[layer]]
    arrays = [getattr(source, name)[h] for h in heads for source in sources for name in _parts(source)]
    return {
        "pictures": b"".join(p.tobytes() for p in shown),
        "exact": b"".join(map(as_bytes, arrays)),
        "sent": {
            "pool": looked.pool,
            "first": first,
            "count": len(shown),
            "exact_layer": layer,
            "exact_heads": heads,
            "parts": _parts(found),
            "twice": len(sources) == 2,
            "d_v": 0 if found.v is None else found.v.shape[2],
        },
    }


def measures(roles: Mapping[str, np.ndarray], looked: Scan) -> dict[str, np.ndarray]:
    """What layers × heads are coloured by: the roles, and the entropy of this text."""
    return {**roles, **({ENTROPY: np.clip(looked.entropy, 0, 1)} if looked.whole else {})}


def left_out(reading: Reading, looked: Scan) -> str:
    """What a long text leaves out, in a sentence, or ""."""
    told = []
    if not looked.whole:
        told.append("other layers are fetched when they are chosen, and their entropies are not computed")
    if looked.pool > 1:
        told.append(f"thumbnails show the largest of {looked.pool} × {looked.pool} weights")
    return f"{len(reading.tokens):,} tokens: {'; '.join(told)}." if told else ""
