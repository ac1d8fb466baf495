"""Today's decoder: GPT-2 with five parts exchanged, as Llama, Qwen and SmolLM have them.

    LayerNorm           → RMSNorm              no mean, no bias                   Zhang & Sennrich 2019
    learned positions   → RoPE                 q and k turned by their position   Su et al. 2021
    a key for each head → grouped heads        a smaller KV cache                 Ainslie et al. 2023
    GELU                → SwiGLU               one half decides about the other   Shazeer 2020
    biases              → none                                                    Touvron et al. 2023

and, each by an option, what small models are trained with today: norms on queries and keys, norms without
weights, ReLU², projections that start at zero, capped logits. `layers` has the parts, leaf to root.

Leaves out: device and training code, the loss, longer contexts by stretched RoPE, mixtures of experts.
Source: Touvron et al. 2023, "LLaMA", section 2.2. Explained in lessons 06 and 08.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from ..torch_attention import Decoder, Embedding, KVCache
from . import one_token
from .layers import Block, norm, rotary_table
from .settings import LlamaConfig

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    Ids = Int[torch.Tensor, "B T"]
    Padding = Int[torch.Tensor, " B"]
    Stream = Float[torch.Tensor, "B T D"]

__all__ = ["Llama"]


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
            self.norm = norm(c, c.d_model)
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
        if cache is not None and one_token.suits(self.blocks, x, mask):
            x = one_token.through(self.blocks, x, (cos, sin), cache)  # the same numbers, sooner
        else:
            for block in self.blocks:
                x = block(x, (cos, sin), mask, cache)
        if cache is not None:
            cache.advance(ids.shape[1])
        return self.logits(x)

    def logits(self, x: Stream) -> Float[torch.Tensor, "B T V"]:
        """The last step: the stream, normed, beside each token's embedding (or its row of an own head)."""
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
