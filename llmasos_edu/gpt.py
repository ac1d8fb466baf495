"""GPT-2: the parts of the earlier lessons, stacked into a model. Read it from top to bottom, leaf to root.

Tokens become vectors (embedding + position). Each block lets positions exchange something (attention), then
lets each position think alone (feed-forward); both add their result to the stream that runs through the
model. At the end the stream is compared with every token's embedding: the logits of the next token.

Leaves out: device and training code, the loss (`training`), and what came after 2019 (`llama`).
Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3, and OpenAI's
code for it. Explained in lesson 05.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

__all__ = ["GPT", "GPTConfig"]


@dataclass(frozen=True)
class GPTConfig(Config):
    """The numbers that make a GPT-2.

    Raises:
        ValueError: If n_heads does not divide d_model, or a number is out of bounds.

    Example:
        >>> GPTConfig.preset("small", dropout=0.1).d_head
        64
    """

    vocab_size: int = setting(50_257, "different tokens", "tokens", least=1)
    context_length: int = setting(1024, "the longest row the model can read", "tokens", least=1)
    d_model: int = setting(768, "width of the stream at each position", "numbers", least=1)
    n_heads: int = setting(12, "attention heads in a layer; must divide d_model", "heads", least=1)
    n_layers: int = setting(12, "blocks, one after another", "layers", least=1)
    d_ff: int = setting(3072, "width inside the feed-forward part; GPT-2 has 4 × d_model", "numbers", least=1)
    dropout: float = setting(0.0, "share of numbers set to zero in training; GPT-2 had 0.1", "share", least=0)
    bias: bool = setting(True, "biases in linear layers and norms, as GPT-2 has them")
    tied: bool = setting(True, "the head is the embedding, as in GPT-2")
    norm_eps: float = setting(1e-5, "added to the variance in a norm", least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.d_model % self.n_heads:
            raise ValueError(
                f"n_heads must divide d_model; got d_model={self.d_model}, n_heads={self.n_heads}"
            )
        if self.dropout >= 1:
            raise ValueError(f"dropout must be below 1; got {self.dropout}")

    @property
    def d_head(self) -> int:
        """Numbers in a head's query, key or value."""
        return self.d_model // self.n_heads

    @property
    def n_kv_heads(self) -> int:
        """Heads of keys and values: as many as of queries."""
        return self.n_heads

    @classmethod
    def preset(cls, name: str, **changes: Any) -> GPTConfig:
        """A size by name, with changes.

        Args:
            name: GPT-2's "small", "medium", "large", "xl", or "tiny" (nanoGPT's characters on a CPU).
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
    "tiny": GPTConfig(65, context_length=64, d_model=128, n_heads=4, n_layers=4, d_ff=512),
    "small": GPTConfig(d_model=768, n_heads=12, n_layers=12, d_ff=3072),
    "medium": GPTConfig(d_model=1024, n_heads=16, n_layers=24, d_ff=4096),
    "large": GPTConfig(d_model=1280, n_heads=20, n_layers=36, d_ff=5120),
    "xl": GPTConfig(d_model=1600, n_heads=25, n_layers=48, d_ff=6400),
}


class SelfAttention(nn.Module):
    """Positions look back at each other, in several heads at once."""

    def __init__(self, config: GPTConfig, layer: int):
        super().__init__()
        self.n_heads = config.n_heads
        self.qkv = nn.Linear(config.d_model, 3 * config.d_model, bias=config.bias)  # three matrices in one
        self.heads = Heads(layer)
        self.output = nn.Linear(config.d_model, config.d_model, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Stream, mask: Mask = None, cache: KVCache | None = None) -> Stream:
        """What every position found by looking back."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)  # each (B, T, D)
        q, k, v = (y.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for y in (q, k, v))  # (B, H, T, Dh)
        found = self.heads(q, k, v, mask, cache)  # (B, H, T, Dh)
        return self.dropout(self.output(found.transpose(1, 2).flatten(2)))  # (B, T, D)


class FeedForward(nn.Module):
    """Each position by itself: up to d_ff, through GELU, and back."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.up = nn.Linear(config.d_model, config.d_ff, bias=config.bias)
        self.down = nn.Linear(config.d_ff, config.d_model, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Stream) -> Stream:
        """What every position made of what it had; GPT-2 takes GELU's tanh form."""
        return self.dropout(self.down(F.gelu(self.up(x), approximate="tanh")))


class Block(nn.Module):
    """One layer: attention, then feed-forward, each reading a normed copy and adding to the stream."""

    def __init__(self, config: GPTConfig, layer: int):
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.d_model, config.norm_eps, bias=config.bias)
        self.attention = SelfAttention(config, layer)
        self.feed_forward_norm = nn.LayerNorm(config.d_model, config.norm_eps, bias=config.bias)
        self.feed_forward = FeedForward(config)

    def forward(self, x: Stream, mask: Mask = None, cache: KVCache | None = None) -> Stream:
        """The stream, two additions later."""
        x = x + self.attention(self.attention_norm(x), mask, cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


class GPT(Decoder):
    """GPT-2.

    Args:
        config: Its numbers.
        generator: Draws the first weights, on its device; None leaves them unset, for `pretrained` to fill.

    Differs from source: no dropout on the attention weights, which the fused kernel never stores; positions
    start at the same 0.02 as everything else (OpenAI's code draws them at 0.01). Dropout, when training,
    draws from torch's global generator: torch's layer takes no other.

    Example:
        >>> model = GPT(GPTConfig.preset("tiny"), generator=torch.Generator().manual_seed(0))
        >>> model(torch.tensor([[3, 1, 4]])).shape
        torch.Size([1, 3, 65])
    """

    config: GPTConfig

    def __init__(self, config: GPTConfig, *, generator: torch.Generator | None):
        super().__init__()
        self.config = config
        with torch.device("meta"):  # shapes alone: all numbers come from `initialise`
            self.embedding = Embedding(config.vocab_size, config.d_model)
            self.position = Embedding(config.context_length, config.d_model)
            self.dropout = nn.Dropout(config.dropout)
            self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
            self.norm = nn.LayerNorm(config.d_model, config.norm_eps, bias=config.bias)
            self.head = None if config.tied else nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.allocate(generator)

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
        x = self.dropout(self.embedding(ids) + self.position(positions))  # (B, T, D)
        for block in self.blocks:
            x = block(x, mask, cache)
        if cache is not None:
            cache.advance(ids.shape[1])
        return self.logits(x)

    def logits(self, x: Stream) -> Float[torch.Tensor, "B T V"]:
        """The last step: the stream, normed, beside each token's embedding (or its row of an own head)."""
        head = self.embedding if self.head is None else self.head
        return F.linear(self.norm(x), head.weight)  # (B, T, V)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """GPT-2's first weights, all of them.

        Matrices and embeddings: normal, 0.02. What is added to the stream: 0.02/√(2·n_layers), because
        2·n_layers of them add up. Biases 0, norms 1.

        Source: Radford et al. 2019, section 2.3; 0.02 from GPT-1 (Radford et al. 2018).
        """
        for name, weight in self.named_parameters():
            if name.endswith("bias"):
                weight.zero_()
            elif "norm" in name:
                weight.fill_(1)
            elif name.endswith(("output.weight", "down.weight")):
                weight.normal_(0, 0.02 / math.sqrt(2 * self.config.n_layers), generator=generator)
            else:
                weight.normal_(0, 0.02, generator=generator)
