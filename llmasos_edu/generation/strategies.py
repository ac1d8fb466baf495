"""Six ways to shape the distribution of the next token, each a function from logits to logits.

Teaches that all of decoding is: change some logits, set others to −inf, draw. Every function keeps the shape,
so they compose: `top_p(temperature(logits, 0.8), 0.9)`. What is cut gets −inf, which softmax turns into 0.
Leaves out: beam search, which compares whole texts (`beam`), and the many other cuts (typical, eta, …).

Sources: temperature, Ackley, Hinton & Sejnowski 1985; top-k, Fan, Lewis & Dauphin 2018; top-p, Holtzman et
    al.
2020; min-p, Nguyen et al. 2024; repetition penalty, Keskar et al. 2019. Explained in lesson 07. Ties and
edges are decided as in `transformers`; tests hold them equal.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from llmasos_edu.generation.decoding import Decoding

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["draw", "min_p", "repetition_penalty", "shaped", "temperature", "top_k", "top_p"]


def temperature(logits: Float[torch.Tensor, "*B V"], t: float | int) -> Float[torch.Tensor, "*B V"]:
    """Divide by T: below 1 the likely get likelier, above 1 all get more alike; the order stays.

    Args:
        logits: Scores; −inf means impossible.
        t: T > 0. Towards 0 it becomes greedy.

    Raises:
        ValueError: If `t` is not a finite number above 0.

    Source: Ackley, Hinton & Sejnowski 1985, "A Learning Algorithm for Boltzmann Machines".

    Example:
        >>> torch.softmax(temperature(torch.tensor([0.0, math.log(2)]), 0.5), dim=-1)  # 1 : 2 becomes 1 : 4
        tensor([0.2000, 0.8000])
    """
    if not 0 < t < math.inf:
        raise ValueError(f"temperature must be a number above 0; got {t}. For the likeliest token use greedy")
    return logits / t


def top_k(logits: Float[torch.Tensor, "*B V"], k: int) -> Float[torch.Tensor, "*B V"]:
    """Keep the k likeliest tokens (and any as likely as the k-th).

    Args:
        logits: Scores; −inf means impossible.
        k: At least 1; more than V keeps all.

    Raises:
        ValueError: If `k` is not a whole number of at least 1.

    Source: Fan, Lewis & Dauphin 2018, "Hierarchical Neural Story Generation".

    Example:
        >>> top_k(torch.tensor([1.0, 3.0, 2.0]), 2)
        tensor([-inf, 3., 2.])
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1; got {k}")
    kth = logits.topk(min(k, logits.shape[-1])).values[..., -1:]
    return logits.masked_fill(logits < kth, -torch.inf)


def top_p(logits: Float[torch.Tensor, "*B V"], p: float | int) -> Float[torch.Tensor, "*B V"]:
    """Keep the fewest tokens, the likeliest first, that together have at least the share p.

    From the other end: walk up from the unlikeliest, and cut while what is cut weighs at most 1 − p.

    Args:
        logits: Scores; −inf means impossible.
        p: 0 < p ≤ 1; the likeliest token always stays.

    Raises:
        ValueError: If `p` is out of range.

    Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", equation 2 (nucleus).

    Example:
        >>> top_p(torch.tensor([0.5, 0.3, 0.2]).log(), 0.7).exp()  # 0.5 alone is not enough
        tensor([0.5000, 0.3000, 0.0000])
    """
    if not 0 < p <= 1:
        raise ValueError(f"p must be above 0 and at most 1; got {p}")
    rising, places = logits.sort(dim=-1, stable=True)
    tail = rising.softmax(dim=-1).cumsum(dim=-1)  # (..., V): the weight of each token and all below it
    cut = tail <= 1 - p
    cut[..., -1] = False  # the likeliest
    return logits.masked_fill(cut.scatter(-1, places, cut), -torch.inf)


def min_p(logits: Float[torch.Tensor, "*B V"], p: float | int) -> Float[torch.Tensor, "*B V"]:
    """Keep tokens at least p times as likely as the likeliest: few where the model is sure, many where not.

    Args:
        logits: Scores; −inf means impossible.
        p: 0 ≤ p ≤ 1; 0 keeps all.

    Raises:
        ValueError: If `p` is out of range.

    Source: Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling", section 3.

    Example:
        >>> min_p(torch.tensor([0.5, 0.3, 0.2]).log(), 0.5).exp()
        tensor([0.5000, 0.3000, 0.0000])
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p must be at least 0 and at most 1; got {p}")
    probabilities = logits.softmax(dim=-1)
    least = p * probabilities.amax(dim=-1, keepdim=True)
    return logits.masked_fill(probabilities < least, -torch.inf)


def repetition_penalty(
    logits: Float[torch.Tensor, "B V"], ids: Int[torch.Tensor, "B T"], penalty: float | int
) -> Float[torch.Tensor, "B V"]:
    """Make every token that the text already has less likely, however often it has it.

    Args:
        logits: Scores; −inf means impossible.
        ids: The text so far, prompt included.
        penalty: Above 0; 1 changes nothing, 1.2 is the paper's. Positive logits are divided by it, negative
            ones multiplied, so that both sink.

    Raises:
        ValueError: If `penalty` is not a finite number above 0.

    Source: Keskar et al. 2019, "CTRL", section 4.1.
    Differs from source: the paper divides all logits, which lifts negative ones; everybody multiplies those.

    Example:
        >>> repetition_penalty(torch.tensor([[2.0, -2.0, 2.0]]), torch.tensor([[0, 1, 1]]), 2.0)
        tensor([[ 1., -4.,  2.]])
    """
    if not 0 < penalty < math.inf:
        raise ValueError(f"the penalty must be a number above 0; got {penalty}")
    seen = torch.zeros_like(logits, dtype=torch.bool).scatter(1, ids, True)
    return torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def shaped(
    logits: Float[torch.Tensor, "B V"], ids: Int[torch.Tensor, "B T"], decoding: Decoding
) -> Float[torch.Tensor, "B V"]:
    """The logits after all strategies of `decoding`, in its order; one that changes nothing is left out.

    Args:
        logits: The model's scores of the next token.
        ids: The text so far, prompt included.
        decoding: The strategies.
    """
    if decoding.repetition_penalty != 1:
        logits = repetition_penalty(logits, ids, decoding.repetition_penalty)
    if decoding.temperature != 1:
        logits = temperature(logits, decoding.temperature)
    if decoding.top_k:
        logits = top_k(logits, decoding.top_k)
    if decoding.top_p < 1:
        logits = top_p(logits, decoding.top_p)
    if decoding.min_p:
        logits = min_p(logits, decoding.min_p)
    return logits


def draw(logits: Float[torch.Tensor, "B V"], numbers: Float[torch.Tensor, " B"]) -> Int[torch.Tensor, " B"]:
    """Draw a token a row: a number in [0, 1) laid against the running sums of the probabilities.

    Args:
        logits: Scores after the strategies.
        numbers: One random number in [0, 1) a row; the same number and logits give the same token.

    Returns:
        Ids; one of probability 0 never comes.

    Example:
        >>> draw(torch.tensor([0.5, 0.0, 0.5]).log().expand(2, 3), torch.tensor([0.49, 0.51]))
        tensor([0, 2])
    """
    running = logits.double().softmax(dim=-1).cumsum(dim=-1)
    running = running / running[:, -1:]  # the last sum is exactly 1, so that every number finds its place
    return torch.searchsorted(running, numbers.double()[:, None], right=True).squeeze(1)
