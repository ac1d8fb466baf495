"""One layer's heads at work: where a model calls attention, and where a reader can take its place.

Teaches: everything else in a model is the same at each position alone; only here positions exchange
anything. Leaves out: the projections to queries, keys and values, which belong to each model.
Explained in lessons 04 ("hear your bug") and 08 (heads switched off).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn

from .cache import KVCache
from .formula import causal_mask, fused_attention, share_heads

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Mask = Bool[torch.Tensor, "..."] | None

__all__ = ["Attend", "Heads"]

Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""fn(q, k, v, mask) → out: (B, H, T, Dh) each, mask boolean (…, Tq, Tk), True = may look."""


class Heads(nn.Module):
    """Causal attention of one layer, without parameters.

    Args:
        layer: Number of the layer, which is its place in a cache.
    """

    def __init__(self, layer: int):
        super().__init__()
        self.layer = layer
        self.off: frozenset[int] = frozenset()  # heads whose output is zeros
        self.by: Attend | None = None  # None: the fused kernel

    def forward(
        self,
        q: Float[torch.Tensor, "B H Tq Dh"],
        k: Float[torch.Tensor, "B Hkv T Dh"],
        v: Float[torch.Tensor, "B Hkv T Dh"],
        mask: Mask = None,
        cache: KVCache | None = None,
    ) -> Float[torch.Tensor, "B H Tq Dh"]:
        """What each head found.

        Args:
            q: Queries.
            k: Keys of the same positions; a head may serve a group of query heads.
            v: Their values.
            mask: True = may look; None means nobody looks ahead, and nothing else is hidden.
            cache: Keeps the new keys and values, and gives the earlier ones.

        Returns:
            A mixture of values for each head and query.
        """
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)
        if self.by is None:
            out = fused_attention(q, k, v, mask, causal=mask is None)
        else:
            out = _by_function(self.by, q, k, v, mask)
        if self.off:
            out = out.index_fill(1, torch.tensor(sorted(self.off), device=out.device), 0)
        return out


def _by_function(
    by: Attend, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """The reader's function in attention's place: as many key heads as query heads, and a mask always."""
    if mask is None:
        mask = causal_mask(q.shape[2], k.shape[2], q.device)
    k, v = share_heads(k, q), share_heads(v, q)
    out = by(q, k, v, mask)
    if not isinstance(out, torch.Tensor) or out.shape != q.shape:
        got = tuple(out.shape) if isinstance(out, torch.Tensor) else type(out).__name__
        raise ValueError(f"fn(q, k, v, mask) must return a tensor of q's shape {tuple(q.shape)}; got {got}")
    return out.to(q.dtype)
