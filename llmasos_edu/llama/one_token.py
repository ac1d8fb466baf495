"""One new token through the blocks, on a CPU: the numbers of `layers.Block`, in fewer and cheaper steps.

Teaches: to write a token, every weight is read once, so memory sets the time, unless the small steps between
the products take as long. Three things make them few: a vector instead of a batch of one row; the addition
to the stream inside the product (x + W y in one call); a norm's 1/√(mean square), a single number, as a
factor of the product that reads it. A test holds it equal to the blocks.

Leaves out: batches, gradients, and GPUs, which would have to wait for each norm's number. Lesson 07.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from ..torch_attention import Heads, KVCache
from .layers import Block, ReLU2, SelfAttention, SwiGLU, rotate

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Stream = Float[torch.Tensor, "B T D"]
    Vector = Float[torch.Tensor, " D"]
    Product = Float[torch.Tensor, " out"]
    Turn = Float[torch.Tensor, "..."]
    Mask = Bool[torch.Tensor, "..."] | None

__all__ = ["suits", "through"]

KNOWN = {nn.ModuleList, Block, SelfAttention, SwiGLU, ReLU2, Heads, nn.Linear, nn.RMSNorm, nn.Identity}


def suits(blocks: nn.ModuleList, x: Stream, mask: Mask) -> bool:
    """Whether `through` may take this pass.

    Args:
        blocks: The model's.
        x: The stream before them.
        mask: What hides more than the future.

    Returns:
        True for one row and one token on a CPU in float32 or float64, without a gradient, and if nobody has
        put a layer in another's place (as LoRA does) or watches one.
    """
    if x.shape[:2] != (1, 1) or mask is not None or x.dtype not in (torch.float32, torch.float64):
        return False
    if torch.is_grad_enabled() or x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return False
    return not torch.compiler.is_compiling() and all(
        type(m) in KNOWN and not m._forward_hooks and not m._forward_pre_hooks for m in blocks.modules()
    )


def through(blocks: nn.ModuleList, x: Stream, turn: tuple[Turn, Turn], cache: KVCache) -> Stream:
    """All blocks, one after another.

    Args:
        blocks: The model's.
        x: (1, 1, D), the stream of the one token.
        turn: cos and sin at its position.
        cache: Keys and values of the tokens before it; it grows by its own.

    Returns:
        (1, 1, D), the stream after the last block.
    """
    stream, (cos, sin) = x.flatten(), turn
    for block in cast("Iterable[Block]", blocks):
        stream = _attention(block.attention, block.attention_norm, stream, cos[0], sin[0], cache)
        stream = _feed_forward(block.feed_forward, block.feed_forward_norm, stream)
    return stream.view_as(x)


def _attention(
    layer: SelfAttention, norm: nn.RMSNorm, x: Vector, cos: Turn, sin: Turn, cache: KVCache
) -> Vector:
    c = layer.config
    heads = _product_of_normed(layer.qkv, norm, x).view(1, -1, 1, c.d_head)  # (1, H + 2·Hkv, 1, Dh)
    qk, v = heads.split((c.n_heads + c.n_kv_heads, c.n_kv_heads), dim=1)
    if c.qk_norm != "none":
        qk = torch.cat((layer.q_norm(qk[:, : c.n_heads]), layer.k_norm(qk[:, c.n_heads :])), dim=1)
    q, k = rotate(qk, cos, sin).split((c.n_heads, c.n_kv_heads), dim=1)
    found = layer.heads(q, k, v, None, cache)  # (1, H, 1, Dh)
    return torch.addmv(x, layer.output.weight, found.flatten())


def _feed_forward(layer: SwiGLU | ReLU2, norm: nn.RMSNorm, x: Vector) -> Vector:
    up = layer.gate_up if isinstance(layer, SwiGLU) else layer.up
    return torch.addmv(x, layer.down.weight, layer.activate(_product_of_normed(up, norm, x)))


def _product_of_normed(linear: nn.Linear, norm: nn.RMSNorm, x: Vector) -> Product:
    """W (x / size) = (1/size) · W x, with the norm's weights on x."""
    weighted = x if norm.weight is None else x * norm.weight
    one_over_size = (torch.dot(x, x).item() / x.shape[0] + float(norm.eps or 0)) ** -0.5
    if linear.bias is None:
        return torch.mv(linear.weight, weighted).mul_(one_over_size)
    return torch.addmv(linear.bias, linear.weight, weighted, alpha=one_over_size)
