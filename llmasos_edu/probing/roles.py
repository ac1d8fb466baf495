"""What a head does, measured on random tokens that come twice.

Teaches: on such a text there is nothing to understand, so where a head looks is its habit and not the
sentence's doing; and the second time each token has an earlier twin, so a head that looks behind that twin
(an induction head) can be told from one that looks at the token before, at itself, at the start or all over.

Leaves out: habits that need words (names, brackets, subjects), heads that only sometimes do a thing.
Source: Olsson et al. 2022, "In-context Learning and Induction Heads", the prefix-matching score of its head
activation evaluators; Xiao et al. 2023, "Efficient Streaming Language Models with Attention Sinks".
Explained in lesson 08.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..torch_attention import Decoder

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["LABEL_FROM", "ROLES", "label", "repeated_ids", "role_scores", "roles"]

ROLES = ("previous token", "first token", "self", "induction", "uniform")
LABEL_FROM = 0.5
"""A head is called by its strongest role if it puts at least this share of its weight there."""


def repeated_ids(
    vocab: int | Int[torch.Tensor, " V"],
    n: int,
    *,
    batch: int,
    generator: torch.Generator,
    first: int | None = None,
) -> Int[torch.Tensor, "{batch} T"]:
    """A text nobody has seen: n random tokens, no two alike, and the same n once more.

    Args:
        vocab: How many ids there are, or the ids to draw from.
        n: Tokens in a copy, at least 3 (below, the token behind the twin is the token before).
        batch: B, rows drawn apart.
        generator: Draws them, on its device.
        first: An id that stands before each row, such as the start token that a model expects.

    Returns:
        (B, 2n), or (B, 2n + 1) with `first`.

    Raises:
        ValueError: If n or batch is too small, or there are fewer than n ids.

    Example:
        >>> repeated_ids(9, 3, batch=1, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([1, 6])
    """
    device = generator.device
    allowed = torch.arange(vocab, device=device) if isinstance(vocab, int) else vocab.to(device)
    if n < 3 or batch < 1:
        raise ValueError(f"n must be at least 3 and batch at least 1; got n={n}, batch={batch}")
    if len(allowed) < n:
        raise ValueError(f"{n} different tokens cannot be drawn from {len(allowed)}; take a smaller n")
    rows = [torch.randperm(len(allowed), generator=generator, device=device)[:n] for _ in range(batch)]
    once = allowed[torch.stack(rows)]  # (B, n)
    start = [] if first is None else [torch.full_like(once[:, :1], first)]
    return torch.cat((*start, once, once), dim=1)


def role_scores(
    weights: Float[torch.Tensor, "L B H T T"], n: int, first: bool
) -> dict[str, Float[np.ndarray, "L H"]]:
    """How much of its weight each head spends on each role, on average over the second copy.

    Args:
        weights: Attention weights on `repeated_ids(…, n, …)`, nobody looking ahead.
        n: Tokens in a copy.
        first: Whether a start token stands before the two copies.

    Returns:
        role → mean weight in [0, 1] on the token before ("previous token"), on position 0 ("first token"), on
        itself ("self"), on the token behind the earlier twin ("induction"); and "uniform", the weight that
        would stay where it is if the query's N keys all got 1/N: Σ min(weight, 1/N), 1 where they do.

    Raises:
        ValueError: If T is not 2n (+ 1), n is below 3, or a weight is negative or NaN.

    Source: Olsson et al. 2022.
    Differs from source: only the second copy counts, for every role, since in the first no token has a twin.
    """
    T = weights.shape[-1]
    if n < 3 or 2 * n + first != T:
        raise ValueError(f"two copies of n={n} tokens (n ≥ 3){' after a start token' * first} are not T={T}")
    if not bool((weights >= 0).all()):
        raise ValueError("weights must be at least 0; got a negative one or NaN")
    query = torch.arange(n + first, T, device=weights.device)  # (n,) the second copy
    keys = {
        "previous token": query - 1,
        "first token": torch.zeros_like(query),
        "self": query,
        "induction": query - n + 1,
    }
    scores = {role: weights[..., query, key].double().mean(dim=(1, 3)) for role, key in keys.items()}
    even = 1.0 / (query + 1)[:, None]  # (n, 1): a query may look at itself and what is before it
    scores["uniform"] = weights[..., query, :].double().minimum(even).sum(dim=-1).mean(dim=(1, 3))
    return {role: score.clamp(0, 1).cpu().numpy() for role, score in scores.items()}  # 1 + 1e-8 → 1


def roles(
    model: Decoder,
    *,
    n: int = 32,
    batch: int = 8,
    generator: torch.Generator,
    vocab: int | Int[torch.Tensor, " V"] | None = None,
    first: int | None = None,
) -> dict[str, Float[np.ndarray, "L H"]]:
    """`role_scores` of one of our models, on rows drawn for it.

    Args:
        model: A `GPT` or `Llama`.
        n: Tokens in a copy; 2n (+ 1) must fit its context.
        batch: B; one row is read at a time, so memory is that of one.
        generator: Draws the rows.
        vocab: Ids to draw from; None means all of the model's.
        first: The start token that the model expects, if any.

    Returns:
        As `role_scores`.
    """
    vocab = model.config.vocab_size if vocab is None else vocab
    ids = repeated_ids(vocab, n, batch=batch, generator=generator, first=first)
    ids = ids.to(model.embedding.weight.device)
    each = [role_scores(model.attention_weights(row[None]), n, first is not None) for row in ids]
    return {role: np.mean([scores[role] for scores in each], axis=0) for role in ROLES}


def label(scores: Mapping[str, Float[np.ndarray, "L H"]], layer: int, head: int) -> tuple[str, float]:
    """A head's strongest role and its score; "mixed" where that is below `LABEL_FROM`.

    Example:
        >>> label({"self": np.array([[0.1, 0.7]]), "induction": np.array([[0.2, 0.3]])}, 0, 1)
        ('self', 0.7)
    """
    role = max(scores, key=lambda name: scores[name][layer, head])
    score = float(scores[role][layer, head])
    return (role if score >= LABEL_FROM else "mixed"), score
