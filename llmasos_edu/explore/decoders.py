"""A pass through one of our models, `GPT` or `Llama`, with what its heads used.

Teaches: a model whose attention can be replaced by a function can be looked into by a function that does the
same and takes notes. Leaves out: models of others (`hugging_face`). Explained in lesson 08.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from llmasos_edu.explore.caught import Caught, resting
from llmasos_edu.torch_attention import Decoder, fused_attention

if TYPE_CHECKING:
    from jaxtyping import Int

__all__ = ["DecoderPasses"]


class DecoderPasses:
    """Passes through a `GPT` or `Llama`.

    Args:
        model: Left as it was, mode included.

    Attributes:
        vocab_size: V.
        context_length: T that it can read at most.
    """

    def __init__(self, model: Decoder):
        self._model = model
        self.vocab_size = model.config.vocab_size
        self.context_length = model.config.context_length
        self.device = model.embedding.weight.device

    def __call__(self, ids: Int[torch.Tensor, "B T"], off: frozenset[tuple[int, int]]) -> Caught:
        """One pass with these heads (layer, head) switched off.

        Raises:
            ValueError: If there is no such head.
        """
        caught = Caught()

        def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            caught.layers.append({"q": q, "k": k, "v": v})
            return fused_attention(q, k, v, causal=True)

        with resting(self._model), self._model.attention_by(attend), self._model.heads_off(off):
            caught.logits = self._model(ids.to(self.device))
        return caught
