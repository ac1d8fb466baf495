"""Which heads a prediction needs: switch some off, and as many others for comparison.

Teaches: that a head looks somewhere says little about what the model does with it; taking it away says
more, but only beside heads taken away by lot.

Leaves out: replacing a head's output by its mean, or by that on another text (patching), which disturb the
layers above less than zeros do.
Source: Olsson et al. 2022, "In-context Learning and Induction Heads", on ablations. Explained in lesson 08.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from ..torch_attention import Decoder

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["random_heads", "strongest_heads", "token_nats"]


def strongest_heads(scores: Float[np.ndarray, "L H"], n: int) -> list[tuple[int, int]]:
    """The n heads with the highest scores, as (layer, head), the highest first; equal ones in their order.

    Example:
        >>> strongest_heads(np.array([[0.1, 0.9], [0.8, 0.2]]), 2)
        [(0, 1), (1, 0)]
    """
    if not 1 <= n <= scores.size:
        raise ValueError(f"n must be 1 to {scores.size}, the number of heads; got {n}")
    order = np.argsort(-scores, axis=None, kind="stable")[:n]
    return [divmod(int(i), scores.shape[1]) for i in order]


def random_heads(
    shape: tuple[int, int], n: int, *, spare: Collection[tuple[int, int]] = (), generator: torch.Generator
) -> list[tuple[int, int]]:
    """n different heads by lot, for comparison.

    Args:
        shape: (n_layers, n_heads).
        n: How many.
        spare: Heads (layer, head) that are not drawn.
        generator: Draws them.

    Returns:
        (layer, head), in order.

    Raises:
        ValueError: If fewer than n remain.
    """
    left = [(layer, head) for layer in range(shape[0]) for head in range(shape[1])]
    left = [head for head in left if head not in spare]
    if not 1 <= n <= len(left):
        raise ValueError(f"n must be 1 to {len(left)}, the heads that may be drawn; got {n}")
    chosen = torch.randperm(len(left), generator=generator, device=generator.device)[:n]
    return sorted(left[i] for i in chosen.tolist())


@torch.no_grad()
def token_nats(model: Decoder, ids: Int[torch.Tensor, "B T"]) -> Float[torch.Tensor, "B T1"]:
    """What the model pays for each token but the first, in nats; inside `model.heads_off(…)` without them.

    Args:
        model: A `GPT` or `Llama`.
        ids: Token ids, T at least 2.

    Returns:
        (B, T - 1): −ln P(ids[t + 1] | ids[≤ t]) at [t].

    Raises:
        ValueError: If there is nothing to predict.
    """
    if ids.shape[1] < 2:
        raise ValueError(f"a row needs at least 2 tokens, so that one can be predicted; got {ids.shape[1]}")
    logits = model(ids[:, :-1]).float()  # (B, T - 1, V)
    return F.cross_entropy(logits.mT, ids[:, 1:], reduction="none")
