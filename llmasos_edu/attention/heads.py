"""Several attentions side by side: split and joined heads, grouped heads, self- and cross-attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .ladder import attention

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Mask = Bool[np.ndarray, "..."] | Float[np.ndarray, "..."]


def split_heads(x: Float[np.ndarray, "B T D"], n_heads: int) -> Float[np.ndarray, "B {n_heads} T d_head"]:
    """Cut each vector into `n_heads` pieces and give each head its own matrix: (B, T, D) → (B, H, T, D/H).

    Raises:
        ValueError: If D is not a multiple of `n_heads`.
    """
    batch, length, width = x.shape
    if n_heads < 1 or width % n_heads:
        raise ValueError(
            f"width {width} (axis 2 of {x.shape}) cannot be cut into n_heads={n_heads} equal pieces"
        )
    return x.reshape(batch, length, n_heads, width // n_heads).transpose(0, 2, 1, 3)


def merge_heads(x: Float[np.ndarray, "B H T d_head"]) -> Float[np.ndarray, "B T H*d_head"]:
    """Undo `split_heads`: (B, H, T, d_head) → (B, T, H·d_head)."""
    batch, n_heads, length, d_head = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, length, n_heads * d_head)


def share_heads(
    x: Float[np.ndarray, "B Hkv T d_head"], n_heads: int
) -> Float[np.ndarray, "B {n_heads} T d_head"]:
    """Let each key/value head serve `n_heads / Hkv` neighbouring query heads (grouped heads).

    Raises:
        ValueError: If `n_heads` is not a multiple of Hkv.

    Source: Ainslie et al. 2023, "GQA: Training Generalized Multi-Query Transformer Models", section 2.2.
    """
    if n_heads % x.shape[1]:
        raise ValueError(
            f"n_heads={n_heads} is not a multiple of the {x.shape[1]} key/value heads (axis 1 of {x.shape})"
        )
    return np.repeat(x, n_heads // x.shape[1], axis=1)


def multi_head_attention(
    x: Float[np.ndarray, "B Tq d_model"],
    w_q: Float[np.ndarray, "d_model d_q"],
    w_k: Float[np.ndarray, "d_context d_kv"],
    w_v: Float[np.ndarray, "d_context d_values"],
    w_o: Float[np.ndarray, "d_joined d_out"],
    *,
    n_heads: int,
    n_kv_heads: int | None = None,
    mask: Mask | None = None,
    context: Float[np.ndarray, "B Tk d_context"] | None = None,
) -> Float[np.ndarray, "B Tq d_out"]:
    """Several attentions side by side, each on its own projection of the same words.

    Args:
        x: The words that look.
        w_q: Projection to queries; heads lie side by side in its columns.
        w_k: Projection to keys, the same.
        w_v: Projection to values, the same.
        w_o: Mixes the joined heads back to one vector a word.
        n_heads: H, the number of query heads.
        n_kv_heads: Heads of keys and values, a divisor of H (grouped heads); None means H.
        mask: As in `attention`; broadcasts to (B, H, Tq, Tk).
        context: The words that are looked at (cross-attention); None means x itself (self-attention).

    Returns:
        One vector a word of `x`.

    Raises:
        ValueError: If shapes or numbers of heads do not fit, or a number is NaN or infinite.

    Source: Vaswani et al. 2017, section 3.2.2; grouped heads: Ainslie et al. 2023.
    Differs from source: no biases; a weight is applied from the right, `x @ w` (torch stores its transpose).
    """
    context = x if context is None else context
    n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
    for name, words, weight in (("w_q", x, w_q), ("w_k", context, w_k), ("w_v", context, w_v)):
        if words.shape[-1] != weight.shape[0]:
            raise ValueError(f"{name} {weight.shape}: axis 0 must equal axis 2 of the words {words.shape}")
    q = split_heads(x @ w_q, n_heads)  # (B, H, Tq, d_head)
    k = share_heads(split_heads(context @ w_k, n_kv_heads), n_heads)  # (B, H, Tk, d_head)
    v = share_heads(split_heads(context @ w_v, n_kv_heads), n_heads)  # (B, H, Tk, d_value)
    joined = merge_heads(attention(q, k, v, mask))  # (B, Tq, H * d_value)
    if joined.shape[-1] != w_o.shape[0]:
        raise ValueError(f"w_o {w_o.shape}: axis 0 must equal axis 2 of the joined heads {joined.shape}")
    return joined @ w_o
