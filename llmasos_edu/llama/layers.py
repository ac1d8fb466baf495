"""The layers of today's decoder, leaf to root: rotation, attention, feed-forward, block. `model` stacks them.

Leaves out: device and training code, the loss, longer contexts by stretched RoPE, mixtures of experts.
Source: Touvron et al. 2023, "LLaMA", section 2.2; each class names its own. Explained in lessons 06 and 08.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from ..torch_attention import Heads, KVCache
from .settings import LlamaConfig

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Stream = Float[torch.Tensor, "B T D"]
    Mask = Bool[torch.Tensor, "..."] | None
    Inner = Float[torch.Tensor, "..."]
    Turn = Float[torch.Tensor, "..."]  # cos or sin: (T, 1, Dh), or (B, T, 1, Dh) where rows have pads

__all__ = ["Block", "ReLU2", "SelfAttention", "SwiGLU", "norm", "rotary_table", "rotate"]


def rotary_table(
    context_length: int, d_head: int, base: float, device: torch.device | str | None = None
) -> tuple[Float[torch.Tensor, "T Dh"], Float[torch.Tensor, "T Dh"]]:
    """Cosine and sine of the angle by which RoPE turns each pair of numbers at each position.

    Args:
        context_length: T, positions 0 to T - 1.
        d_head: Numbers in a query or key; pair i turns by position · base^(-2i/d_head) radians.
        base: Large bases turn slowly.
        device: Where to build it.

    Returns:
        cos, and sin with the sign that `rotate` needs: minus in the first half.

    Source: Su et al. 2021, "RoFormer", equation 15.
    """
    pair = torch.arange(d_head // 2, device=device, dtype=torch.float32)
    speed = 1.0 / base ** (pair / (d_head // 2))  # radians a token
    angle = torch.arange(context_length, device=device, dtype=torch.float32)[:, None] * speed  # (T, Dh/2)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)


def rotate(x: Float[torch.Tensor, "*batch Dh"], cos: Turn, sin: Turn) -> Float[torch.Tensor, "*batch Dh"]:
    """Turn each pair of numbers by its angle, so that q · k depends on the distance of their positions.

    Args:
        x: Queries or keys.
        cos: From `rotary_table`, at x's positions.
        sin: The same.

    Returns:
        x, turned: its length is unchanged.

    Source: Su et al. 2021, equation 34.
    Differs from source: number i is paired with i + Dh/2 (as all Hugging Face checkpoints have it), not with
    its neighbour; the two differ by a fixed shuffle of each head's numbers.
    """
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


class SelfAttention(nn.Module):
    """Positions look back at each other; each head of keys and values serves a group of query heads."""

    def __init__(self, config: LlamaConfig, layer: int):
        super().__init__()
        c = self.config = config
        self.qkv = nn.Linear(c.d_model, (c.n_heads + 2 * c.n_kv_heads) * c.d_head, bias=c.qkv_bias)
        self.q_norm, self.k_norm = _qk_norm(c), _qk_norm(c)
        self.heads = Heads(layer)
        self.output = nn.Linear(c.n_heads * c.d_head, c.d_model, bias=False)

    def forward(
        self, x: Stream, turn: tuple[Turn, Turn], mask: Mask = None, cache: KVCache | None = None
    ) -> Stream:
        """What every position found by looking back."""
        c = self.config
        heads = self.qkv(x).unflatten(-1, (-1, c.d_head))  # (B, T, H + 2·Hkv, Dh)
        q, k, v = heads.split((c.n_heads, c.n_kv_heads, c.n_kv_heads), dim=2)
        q, k = rotate(self.q_norm(q), *turn), rotate(self.k_norm(k), *turn)
        found = self.heads(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), mask, cache)
        return self.output(found.transpose(1, 2).flatten(2))  # (B, T, D)


class SwiGLU(nn.Module):
    """Each position by itself: down(silu(gate(x)) · up(x)).

    Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6.
    """

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.gate_up = nn.Linear(config.d_model, 2 * config.d_ff, bias=False)  # two matrices in one
        self.down = nn.Linear(config.d_ff, config.d_model, bias=False)

    def forward(self, x: Stream) -> Stream:
        """What every position made of what it had."""
        return self.down(self.activate(self.gate_up(x)))

    def activate(self, x: Inner) -> Inner:
        """(…, 2·d_ff) → (…, d_ff)."""
        gate, up = x.chunk(2, dim=-1)
        return F.silu(gate) * up


class ReLU2(nn.Module):
    """Each position by itself: down(max(0, up(x))²). One matrix less, and it trains as well.

    Source: So et al. 2021, "Primer: Searching for Efficient Transformers", section 4.
    """

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.up = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.down = nn.Linear(config.d_ff, config.d_model, bias=False)

    def forward(self, x: Stream) -> Stream:
        """What every position made of what it had."""
        return self.down(self.activate(self.up(x)))

    def activate(self, x: Inner) -> Inner:
        """(…, d_ff) → (…, d_ff)."""
        return F.relu(x).square()


class Block(nn.Module):
    """One layer: attention, then feed-forward, each reading a normed copy and adding to the stream."""

    def __init__(self, config: LlamaConfig, layer: int):
        super().__init__()
        self.attention_norm = norm(config, config.d_model)
        self.attention = SelfAttention(config, layer)
        self.feed_forward_norm = norm(config, config.d_model)
        self.feed_forward: SwiGLU | ReLU2 = SwiGLU(config) if config.activation == "swiglu" else ReLU2(config)

    def forward(
        self, x: Stream, turn: tuple[Turn, Turn], mask: Mask = None, cache: KVCache | None = None
    ) -> Stream:
        """The stream, two additions later."""
        x = x + self.attention(self.attention_norm(x), turn, mask, cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


def norm(config: LlamaConfig, width: int) -> nn.RMSNorm:
    """x / √(mean(x²) + eps), times a weight for each number if there are weights.

    Source: Zhang & Sennrich 2019, "Root Mean Square Layer Normalization", equation 4.
    """
    return nn.RMSNorm(width, config.norm_eps, elementwise_affine=config.norm_weights)


def _qk_norm(config: LlamaConfig) -> nn.Module:
    """Queries and keys of length √d_head: no score can grow without bound (Henry et al. 2020)."""
    if config.qk_norm == "none":
        return nn.Identity()
    return nn.RMSNorm(config.d_head, config.norm_eps, elementwise_affine=config.qk_norm == "weighted")
