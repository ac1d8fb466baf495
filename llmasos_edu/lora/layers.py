"""One linear layer with adapters: W x + (α/r)·B(A x), W frozen.

Teaches: B starts at zero, so a new adapter changes nothing; A must not, or nothing would ever learn. Leaves
out: which layers get one (`adapters`); adapters more exact than their base (peft keeps them in float32 beside
a bfloat16 base, here they have its dtype). Source: Hu et al. 2021, section 4.1. Explained in lesson 09.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from llmasos_edu.config import Config, setting

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["LoraConfig", "LoraLinear", "LoraPair"]


@dataclass(frozen=True)
class LoraConfig(Config):
    """An adapter's settings. Targets are shell patterns (fnmatch) over the names of linear layers.

    A stacked layer also answers to the names of its parts: ``blocks.0.attention.qkv`` to ``….attention.q``,
    ``.k`` and ``.v``; ``….feed_forward.gate_up`` to ``….feed_forward.gate`` and ``.up``.

    Raises:
        ValueError: If rank, alpha or dropout is out of bounds.

    Source: Hu et al. 2021, section 4.1; for rslora Kalajdzievski 2023, "A Rank Stabilization Scaling Factor
    for Fine-Tuning with LoRA".

    Example:
        >>> LoraConfig(rank=4, alpha=8.0).scale, LoraConfig(rank=4, alpha=8.0, rslora=True).scale
        (2.0, 4.0)
    """

    rank: int = setting(8, "rows of A, columns of B", least=1)
    alpha: float = setting(16.0, "α: the product counts α/rank times")
    dropout: float = setting(0.0, "share of A's inputs dropped in training", least=0)
    targets: tuple[str, ...] = setting(("*.attention.q", "*.attention.v"), "which layers, by pattern")
    rslora: bool = setting(False, "count the product α/√rank times, as suits high ranks")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha <= 0:
            raise ValueError(f"alpha must be above 0; got {self.alpha}")
        if self.dropout >= 1:
            raise ValueError(f"dropout must be below 1; got {self.dropout}")

    @property
    def scale(self) -> float:
        """What B(A x) is multiplied by."""
        return self.alpha / self._divisor(self.rank)

    def with_rank(self, rank: int) -> LoraConfig:
        """Another rank and the alpha that keeps the scale."""
        return self.replace(rank=rank, alpha=self.scale * self._divisor(rank))

    def _divisor(self, rank: int) -> float:
        return math.sqrt(rank) if self.rslora else float(rank)


class LoraPair(nn.Module):
    """A and B of one layer, or of one part of a stacked layer."""

    def __init__(self, weight: torch.Tensor, config: LoraConfig, generator: torch.Generator):
        super().__init__()
        out, into = weight.shape
        self.config = config
        self.dropout = nn.Dropout(config.dropout)
        bound = 1 / math.sqrt(into)  # Kaiming-uniform with a = √5, as peft draws it
        drawn = torch.rand(config.rank, into, generator=generator, device=generator.device)
        self.A = nn.Parameter(((2 * drawn - 1) * bound).to(weight))
        self.B = nn.Parameter(torch.zeros(out, config.rank).to(weight))

    def forward(self, x: Float[torch.Tensor, "*rows into"]) -> Float[torch.Tensor, "*rows out"]:
        """(…, in) → (…, out), what the adapter adds."""
        return F.linear(F.linear(self.dropout(x), self.A), self.B) * self.config.scale

    def product(self) -> Float[torch.Tensor, "out into"]:
        """The same as one matrix, to add to W."""
        return self.B @ self.A * self.config.scale


class LoraLinear(nn.Linear):
    """A linear layer that keeps its weight's name, and its adapters under ``lora.<adapter>.<part>``.

    Args:
        base: The layer; its parameters are shared, not copied.
        parts: Rows of each part of a stacked layer; ``"all"`` is the whole.
    """

    def __init__(self, base: nn.Linear, parts: dict[str, slice]):
        with torch.device("meta"):
            super().__init__(base.in_features, base.out_features, bias=base.bias is not None)
        self.weight, self.bias = base.weight, base.bias
        self.train(base.training)
        self.parts = parts
        self.lora = nn.ModuleDict()
        self.active: str | None = None
        self.kept: torch.Tensor | None = None  # the weight before a merge, (out, in)

    def pairs(self, name: str | None) -> dict[str, nn.Module]:
        """The pairs of an adapter by part; none where it has none here."""
        if name is None or name not in self.lora:
            return {}
        return dict(self.lora[name].items())  # type: ignore[operator]

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The base's answer, and on its rows what the active adapter adds."""
        y = super().forward(input)
        if self.kept is None:
            for part, pair in self.pairs(self.active).items():
                rows = self.parts[part]
                before, after = rows.start, self.out_features - rows.stop
                y = y + F.pad(pair(input), (before, after))  # (…, out)
        return y

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """A merged weight saved beside its adapter would count the adapter twice once both are loaded."""
        if self.kept is not None:
            raise ValueError(
                "an adapter is merged; unmerge(model) before saving, or drop_lora(model) to keep it"
            )
        super()._save_to_state_dict(destination, prefix, keep_vars)
