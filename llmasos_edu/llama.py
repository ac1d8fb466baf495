"""Today's decoder: GPT-2 with five parts exchanged, as Llama, Qwen and SmolLM have them. Read leaf to root.

    LayerNorm           → RMSNorm              no mean, no bias                   Zhang & Sennrich 2019
    learned positions   → RoPE                 q and k turned by their position   Su et al. 2021
    a key for each head → grouped heads        a smaller KV cache                 Ainslie et al. 2023
    GELU                → SwiGLU               one half decides about the other   Shazeer 2020
    biases              → none                                                    Touvron et al. 2023

and, each by an option, what small models are trained with today: norms on queries and keys, norms without
weights, ReLU², projections that start at zero, capped logits.

Leaves out: device and training code, the loss, longer contexts by stretched RoPE, mixtures of experts.
Source: Touvron et al. 2023, "LLaMA", section 2.2. Explained in lessons 06 and 08.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from .config import Config, setting
from .torch_attention import Decoder, Embedding, Heads, KVCache

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    Ids = Int[torch.Tensor, "B T"]
    Padding = Int[torch.Tensor, " B"]
    Stream = Float[torch.Tensor, "B T D"]
    Mask = Bool[torch.Tensor, "..."] | None
    Turn = Float[torch.Tensor, "..."]  # cos or sin: (T, 1, Dh), or (B, T, 1, Dh) where rows have pads

__all__ = ["Llama", "LlamaConfig", "rotary_table", "rotate"]


@dataclass(frozen=True)
class LlamaConfig(Config):
    """The numbers and options that make a decoder of the Llama family.

    Raises:
        ValueError: If n_kv_heads does not divide n_heads, d_head is odd, or a number is out of bounds.

    Example:
        >>> LlamaConfig.preset("smollm2").d_head
        64
    """

    vocab_size: int = setting(512, "different tokens", "tokens", least=1)
    context_length: int = setting(256, "the longest row the model can read", "tokens", least=1)
    d_model: int = setting(128, "width of the stream at each position", "numbers", least=1)
    n_heads: int = setting(4, "heads of queries", "heads", least=1)
    n_kv_heads: int = setting(4, "heads of keys and values; must divide n_heads", "heads", least=1)
    n_layers: int = setting(4, "blocks, one after another", "layers", least=1)
    d_head: int = setting(
        32, "numbers in a query or key; n_heads × d_head need not be d_model", "numbers", least=2
    )
    d_ff: int = setting(384, "width inside the feed-forward part", "numbers", least=1)
    rope_base: float = setting(
        10_000.0, "RoPE: the slowest pair turns once in about 2π × base tokens", least=1
    )
    norm_eps: float = setting(1e-5, "added to the mean square in a norm", least=0)
    tied: bool = setting(True, "the head is the embedding")
    qkv_bias: bool = setting(False, "biases on queries, keys and values (Qwen2)")
    qk_norm: Literal["none", "weighted", "plain"] = setting(
        "none", "RMSNorm on each query and key: with weights over d_head (Qwen3), or without any"
    )
    norm_weights: bool = setting(True, "norms have weights")
    activation: Literal["swiglu", "relu2"] = setting("swiglu", "of the feed-forward part")
    zero_projections: bool = setting(False, "what is added to the stream, and an untied head, start at zero")
    logit_cap: float = setting(0.0, "logits are bent to stay within ± this; 0 means free", least=0)
    init_std: float = setting(0.02, "standard deviation of the first matrices", least=0)
    embedding_std: float = setting(0.02, "standard deviation of the first embedding", least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_heads % self.n_kv_heads:
            raise ValueError(
                f"n_kv_heads must divide n_heads; got n_heads={self.n_heads}, n_kv_heads={self.n_kv_heads}"
            )
        if self.d_head % 2:
            raise ValueError(f"d_head must be even, RoPE turns pairs; got {self.d_head}")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> LlamaConfig:
        """A model by name, with changes.

        Args:
            name: "tinyworld" (a plain small Llama) or "smollm2" (SmolLM2-135M).
            **changes: Fields to set otherwise.

        Returns:
            The config.

        Raises:
            ValueError: If there is no such preset or field.
        """
        if name not in PRESETS:
            raise ValueError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
        return PRESETS[name].replace(**changes)


PRESETS = {
    "tinyworld": LlamaConfig(),
    "smollm2": LlamaConfig(
        vocab_size=49_152, context_length=8192, d_model=576, n_heads=9, n_kv_heads=3, n_layers=30, d_head=64,
        d_ff=1536, rope_base=100_000.0,
    ),
}  # fmt: skip


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
        gate, up = self.gate_up(x).chunk(2, dim=-1)  # each (B, T, d_ff)
        return self.down(F.silu(gate) * up)


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
        return self.down(F.relu(self.up(x)).square())


class Block(nn.Module):
    """One layer: attention, then feed-forward, each reading a normed copy and adding to the stream."""

    def __init__(self, config: LlamaConfig, layer: int):
        super().__init__()
        self.attention_norm = _norm(config, config.d_model)
        self.attention = SelfAttention(config, layer)
        self.feed_forward_norm = _norm(config, config.d_model)
        self.feed_forward = SwiGLU(config) if config.activation == "swiglu" else ReLU2(config)

    def forward(
        self, x: Stream, turn: tuple[Turn, Turn], mask: Mask = None, cache: KVCache | None = None
    ) -> Stream:
        """The stream, two additions later."""
        x = x + self.attention(self.attention_norm(x), turn, mask, cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Llama(Decoder):
    """A decoder of the Llama family: Llama, SmolLM2, Qwen2, Qwen3, and today's small-model options.

    Args:
        config: Its numbers and options.
        generator: Draws the first weights, on its device; None leaves them unset, for `pretrained` to fill.

    Example:
        >>> model = Llama(LlamaConfig.preset("tinyworld"), generator=torch.Generator().manual_seed(0))
        >>> model(torch.tensor([[3, 1, 4]])).shape
        torch.Size([1, 3, 512])
    """

    config: LlamaConfig
    cos: torch.Tensor
    sin: torch.Tensor

    def __init__(self, config: LlamaConfig, *, generator: torch.Generator | None):
        super().__init__()
        c = self.config = config
        with torch.device("meta"):  # shapes alone: all numbers come from `initialise`
            self.embedding = Embedding(c.vocab_size, c.d_model)
            self.blocks = nn.ModuleList(Block(c, layer) for layer in range(c.n_layers))
            self.norm = _norm(c, c.d_model)
            self.head = None if c.tied else nn.Linear(c.d_model, c.vocab_size, bias=False)
        self.allocate(generator)
        cos, sin = rotary_table(c.context_length, c.d_head, c.rope_base, self.embedding.weight.device)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(
        self,
        ids: Ids,
        cache: KVCache | None = None,
        padding: Padding | None = None,
    ) -> Float[torch.Tensor, "B T V"]:
        """Logits of the next token at each position.

        Args:
            ids: Token ids.
            cache: Keys and values of the tokens before these; it grows by these.
            padding: Pads at the left of each row: never looked at, positions count after them, and the logits
                at them mean nothing. With a cache it is needed in the first pass only.

        Returns:
            Logits; softmax over V gives the distribution.

        Raises:
            ValueError: If ids are out of range or too many; see `Decoder.place`.
        """
        positions, mask = self.place(ids, cache, padding)
        x = self.embedding(ids)  # (B, T, D)
        cos, sin = (table[positions].unsqueeze(-2).to(x.dtype) for table in (self.cos, self.sin))
        for block in self.blocks:
            x = block(x, (cos, sin), mask, cache)
        if cache is not None:
            cache.advance(ids.shape[1])
        head = self.embedding if self.head is None else self.head
        logits = F.linear(self.norm(x), head.weight)  # (B, T, V)
        cap = self.config.logit_cap
        return cap * torch.tanh(logits / cap) if cap else logits  # Gemma Team 2024, "Gemma 2", section 2

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """The first weights, all of them.

        Matrices: normal, init_std; the embedding: embedding_std; biases 0, norms 1. What is added to the
        stream is smaller by √(2·n_layers), as in GPT-2, or zero: then every block starts by passing the
        stream on unchanged, and an untied head starts at ln V nats.
        """
        c = self.config
        for name, weight in self.named_parameters():
            added = name.endswith(("output.weight", "down.weight"))
            if name.endswith("bias") or (c.zero_projections and (added or name == "head.weight")):
                weight.zero_()
            elif "norm" in name:
                weight.fill_(1)
            elif name == "embedding.weight":
                weight.normal_(0, c.embedding_std, generator=generator)
            else:
                shrink = math.sqrt(2 * c.n_layers) if added else 1
                weight.normal_(0, c.init_std / shrink, generator=generator)


def _norm(config: LlamaConfig, width: int) -> nn.Module:
    """x / √(mean(x²) + eps), times a weight for each number if there are weights."""
    return nn.RMSNorm(width, config.norm_eps, elementwise_affine=config.norm_weights)


def _qk_norm(config: LlamaConfig) -> nn.Module:
    """Queries and keys of length √d_head: no score can grow without bound (Henry et al. 2020)."""
    if config.qk_norm == "none":
        return nn.Identity()
    return nn.RMSNorm(config.d_head, config.norm_eps, elementwise_affine=config.qk_norm == "weighted")
