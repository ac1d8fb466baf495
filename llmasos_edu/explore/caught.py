"""What one pass through a model leaves behind: each layer's queries, keys and values, and the logits.

Teaches: queries and keys are small (T · d_head numbers a head), weights are large (T · T), and the second
follow from the first. So the first are kept, and the second are computed for the layer that is looked at.
Leaves out: where they come from (`decoders`, `hugging_face`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from llmasos_edu.torch_attention import attention_weights, causal_mask
from llmasos_edu.widgets.attention_data import Layer

__all__ = ["Caught", "Layers", "looks_ahead", "resting"]

CLOSE = 1e-4  # weights further than this from softmax(scale · q·k) are not explained by q and k
TRIED = 64  # queries at which that is looked at, the first and the last among them


@dataclass
class Caught:
    """One pass.

    Attributes:
        layers: For each layer q, k, v (B, H, T, D), grouped heads not yet repeated; or "weights"
            (B, H, T, T) in place of q and k, where q and k alone do not give them.
        scale: What q·k is multiplied by; None means 1/√D.
        causal: Nobody looks ahead.
        logits: (B, T, V), or None where the model gives none.
    """

    layers: list[dict[str, torch.Tensor]] = field(default_factory=list)
    scale: float | None = None
    causal: bool = True
    logits: torch.Tensor | None = None

    def add(
        self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, weights: torch.Tensor, scale: float
    ) -> None:
        """A layer with the model's own weights; q and k are kept if they explain them."""
        self.scale = scale if self.scale is None else self.scale
        self.causal = self.causal and not looks_ahead(weights)
        kept = {"v": v} if weights.shape[1] % v.shape[1] == 0 else {}
        explained = scale == self.scale and self._explain(q, k, weights)
        self.layers.append(kept | ({"q": q, "k": k} if explained else {"weights": weights}))

    def _explain(self, q: torch.Tensor, k: torch.Tensor, weights: torch.Tensor) -> bool:
        """Whether the weights are softmax(scale · q·k) under the mask; tried at up to 64 queries."""
        if weights.shape[1] != q.shape[1] or q.shape[1] % k.shape[1]:
            return False
        rows = _tried(q)
        mask = causal_mask(q.shape[2], device=q.device)[rows] if self.causal else None
        plain = attention_weights(q[:, :, rows].float(), k.float(), mask, self.scale)
        return bool((plain - weights[:, :, rows]).abs().max() <= CLOSE)

    def weights(self, layer: int) -> torch.Tensor:
        """(B, H, T, T) of one layer."""
        kept = self.layers[layer]
        if "weights" in kept:
            return kept["weights"]
        q = kept["q"].float()
        mask = causal_mask(q.shape[2], device=q.device) if self.causal else None
        return attention_weights(q, kept["k"].float(), mask, self.scale)

    def heads(self, layer: int) -> int:
        """How many heads a layer has."""
        kept = self.layers[layer]
        return kept["weights" if "weights" in kept else "q"].shape[1]


class Layers(Sequence[Layer]):
    """The layers of a pass's first row as arrays, each made when it is asked for."""

    def __init__(self, caught: Caught):
        self._caught = caught

    def __len__(self) -> int:
        return len(self._caught.layers)

    def __getitem__(self, layer: Any) -> Any:
        if isinstance(layer, slice):
            return [self[i] for i in range(*layer.indices(len(self)))]
        kept, heads = self._caught.layers[layer], self._caught.heads(layer)
        return Layer(**{name: _array(tensor[0], heads) for name, tensor in kept.items()})


def _array(tensor: torch.Tensor, heads: int) -> np.ndarray:
    array = tensor.detach().float().cpu()
    return array.repeat_interleave(heads // len(array), dim=0).numpy()  # heads that share a key get it each


def looks_ahead(weights: torch.Tensor) -> bool:
    """Whether a query of (…, T, T) looks at a later token; of a long text, 64 queries are asked."""
    rows = _tried(weights)
    later = torch.arange(weights.shape[-1], device=weights.device) > rows[:, None]  # (rows, T)
    return bool((weights[..., rows, :].ne(0) & later).any())


def _tried(x: torch.Tensor) -> torch.Tensor:
    T = x.shape[-2]
    return torch.linspace(0, T - 1, min(T, TRIED), device=x.device).long()


@contextmanager
def resting(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode without gradients, and each of its parts back in the mode that it had."""
    training: Iterable[nn.Module] = [module for module in model.modules() if module.training]
    try:
        for module in training:
            module.training = False
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
