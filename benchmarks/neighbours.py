"""Every part of a model is also shown the token before, which it would otherwise learn to look for.

Two cheap features, put into a `Llama` from outside. Letters depend most on the letters just before them; a
plain decoder must first learn to look one place back. Only for training and testing whole rows: with a cache
the places before would be missing.
Source: token shift, Peng et al. 2023, "RWKV: Reinventing RNNs for the Transformer Era", section 3.1; a table
for each of the last few tokens, Bengio et al. 2003, "A Neural Probabilistic Language Model", section 2.
Differs from source: the share of the token before is added, not interpolated, and begins at zero; where
Bengio et al. have one table and a matrix for each place, here each place has a table.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from llmasos_edu.llama import Llama
from llmasos_edu.torch_attention import Embedding

__all__ = ["Recent", "Shift", "show_neighbours"]


class Recent(nn.Module):
    """A token's row, plus a row for each of the tokens before it, each place with a table of its own.

    Args:
        first: The model's own table.
        before: How many tokens before it are shown.
        generator: Draws the new tables, N(0, 1).
    """

    def __init__(self, first: Embedding, before: int, generator: torch.Generator):
        super().__init__()
        shape = first.weight.shape
        more = [Embedding(*shape, device=generator.device) for _ in range(before)]
        self.tables = nn.ModuleList([first, *more])
        for table in self.tables:
            nn.init.normal_(table.weight, generator=generator)

    @property
    def weight(self) -> torch.Tensor:
        """The model's own table (V, D)."""
        return self.tables[0].weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(B, T) → (B, T, D), of mean square 1; before a row's first token stands id 0."""
        x = self.tables[0](ids)
        for distance, table in enumerate(list(self.tables)[1:], start=1):
            x = x + table(F.pad(ids, (distance, 0))[:, : ids.shape[1]])
        return F.rms_norm(x, x.shape[-1:])


class Shift(nn.Module):
    """A norm, and behind it a learned share of the position before, for each number of the stream.

    Args:
        norm: What the part reads through.
        width: D, numbers in the stream.
        device: Where.
    """

    def __init__(self, norm: nn.Module, width: int, device: torch.device):
        super().__init__()
        self.norm = norm
        self.share = nn.Parameter(torch.zeros(width, device=device))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, D) → (B, T, D)."""
        x = self.norm(x)
        return x + self.share * F.pad(x[:, :-1], (0, 0, 1, 0))


def show_neighbours(model: Llama, before: int, generator: torch.Generator) -> Llama:
    """Give a model both features, in place: `Recent` as its embedding, `Shift` before each part."""
    width = model.config.d_model
    model.embedding = Recent(model.embedding, before, generator)  # type: ignore[assignment]
    for block in model.blocks:
        block.attention_norm = Shift(block.attention_norm, width, generator.device)
        block.feed_forward_norm = Shift(block.feed_forward_norm, width, generator.device)
    return model
