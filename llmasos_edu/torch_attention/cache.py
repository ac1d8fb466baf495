"""The KV cache: keys and values of the tokens so far, so that a new token costs one query and not T.

Teaches: what is kept (keys and values, never queries), how large it is, and that it is allocated once and
written in place. Leaves out: paged caches, eviction, quantisation.
Source: Pope et al. 2022, "Efficiently Scaling Transformer Inference", section 2. Explained in lesson 07.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    Rows = Int[torch.Tensor, " rows"]
    Padding = Int[torch.Tensor, " B"]

__all__ = ["KVCache"]


class KVCache:
    """Keys and values of every layer, with room for `capacity` tokens.

    In one pass each layer calls `extend`; then the model calls `advance` once. `model.new_cache` makes one
    that fits. Rows may begin with pads (`padding`); the first pass says how many.

    Args:
        n_layers: L.
        batch_size: B, rows that are generated together.
        n_kv_heads: Heads of the keys and values.
        length: Tokens there is room for.
        d_head: Numbers in a key or a value.
        dtype: Of keys and values.
        device: Where they lie.

    Example:
        >>> cache = KVCache(1, 1, 2, 8, 4)
        >>> k, v = cache.extend(0, torch.ones(1, 2, 3, 4), torch.ones(1, 2, 3, 4))
        >>> cache.advance(3); (cache.length, cache.capacity, cache.n_bytes)
        (3, 8, 512)
    """

    def __init__(
        self,
        n_layers: int,
        batch_size: int,
        n_kv_heads: int,
        length: int,
        d_head: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ):
        shape = (n_layers, batch_size, n_kv_heads, length, d_head)
        if min(shape) < 1:
            raise ValueError(
                f"a cache needs at least one of (layers, rows, heads, tokens, numbers); got {shape}"
            )
        self.keys = torch.empty(shape, dtype=dtype, device=device)  # (L, B, Hkv, capacity, Dh)
        self.values = torch.empty(shape, dtype=dtype, device=device)
        self.length = 0
        self.padding: torch.Tensor | None = None  # (B,), pads at the left of each row

    @property
    def capacity(self) -> int:
        """Tokens there is room for."""
        return self.keys.shape[3]

    @property
    def batch_size(self) -> int:
        """B, the number of rows."""
        return self.keys.shape[1]

    @property
    def n_bytes(self) -> int:
        """Bytes allocated: 2 · L · B · Hkv · capacity · Dh · bytes a number."""
        return self.keys.nbytes + self.values.nbytes

    def extend(
        self,
        layer: int,
        k: Float[torch.Tensor, "B Hkv T Dh"],
        v: Float[torch.Tensor, "B Hkv T Dh"],
    ) -> tuple[Float[torch.Tensor, "B Hkv Tk Dh"], Float[torch.Tensor, "B Hkv Tk Dh"]]:
        """Write one layer's new keys and values behind the ones kept.

        Args:
            layer: Which layer, from 0.
            k: Keys of the T new tokens.
            v: Their values.

        Returns:
            All keys and values so far, the new ones included: views, nothing is copied.

        Raises:
            ValueError: If there is no room, the shapes differ, or a gradient is asked for.
        """
        end = self.length + k.shape[2]
        if end > self.capacity:
            raise ValueError(
                f"the cache has room for {self.capacity} tokens and holds {self.length}; {k.shape[2]} more "
                "do not fit. Make a longer one with model.new_cache"
            )
        if k.shape[:2] != self.keys.shape[1:3] or k.shape[3] != self.keys.shape[4]:
            _, rows, heads, _, d_head = self.keys.shape
            raise ValueError(
                f"this cache takes keys of shape ({rows}, {heads}, T, {d_head}); got {tuple(k.shape)}"
            )
        if k.requires_grad:
            raise ValueError("a cache is for generation: use it inside torch.no_grad()")
        keys, values = self.keys[layer], self.values[layer]  # (B, Hkv, capacity, Dh)
        keys[:, :, self.length : end] = k
        values[:, :, self.length : end] = v
        return keys[:, :, :end], values[:, :, :end]

    def advance(self, n: int) -> None:
        """Count n tokens as kept, once every layer has been extended by them."""
        self.length += n

    def rewind(self, n: int) -> None:
        """Forget the last n tokens."""
        if not 0 <= n <= self.length:
            raise ValueError(f"the cache holds {self.length} tokens; cannot forget {n}")
        self.length -= n

    def reorder(self, rows: Rows) -> None:
        """Keep these rows, in this order; a row may come twice (beam search), and B may change."""
        self.keys, self.values = self.keys[:, rows], self.values[:, rows]
        self.padding = None if self.padding is None else self.padding[rows]

    def settle_padding(self, padding: Padding | None) -> Padding | None:
        """The rows' pads: those of the first pass, which need not be said again and may not change."""
        if self.length == 0:
            self.padding = padding
        elif padding is None or padding is self.padding:
            pass
        elif self.padding is None or not torch.equal(padding, self.padding):
            began = 0 if self.padding is None else self.padding.tolist()
            raise ValueError(f"this cache began with padding {began}; got {padding.tolist()}")
        return self.padding
