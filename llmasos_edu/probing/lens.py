"""The logit lens: what the model would say if it stopped after each layer.

Teaches: every layer adds to one stream, so the last step (norm, then comparison with each token's embedding)
can be put to the stream at any height, and shows the answer growing. Leaves out: lenses that are trained for
each layer, which read early layers better (Belrose et al. 2023, "Eliciting Latent Predictions from
Transformers with the Tuned Lens").
Source: nostalgebraist 2020, "interpreting GPT: the logit lens". Explained in lesson 08.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..torch_attention import Decoder

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["logit_lens"]


@torch.no_grad()
def logit_lens(
    model: Decoder, ids: Int[torch.Tensor, "B T"], at: slice = slice(None)
) -> Float[torch.Tensor, "L1 B t V"]:
    """Logits of the next token, read from the stream before the first layer and after each.

    Args:
        model: A `GPT` or `Llama`.
        ids: Token ids.
        at: The positions to read, by default all; (L + 1) · B · T · V numbers come back.

    Returns:
        Logits; [0] from the embedding, [l] after l layers, [L] what the model itself says.

    Source: nostalgebraist 2020.
    """
    streams = model.residual_streams(ids)
    names = ["embed", *(f"{layer}.feed_forward" for layer in range(model.config.n_layers))]
    return torch.stack([model.logits(streams[name][:, at]) for name in names])  # (L + 1, B, t, V)
