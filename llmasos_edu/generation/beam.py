"""Beam search: several texts at once, so that a worse word now may lead to a better text.

Teaches that the likeliest text is not made of the likeliest words, that a wider beam finds likelier texts,
and that likelier is not better: a wide beam writes short and dull. Leaves out: drawing inside the beam,
diversity between its texts, batches of prompts. Sources: Sutskever, Vinyals & Le 2014, section 3.2; dividing
by a power of the length, Wu et al. 2016, section 7 (here without their constant 5, as in `transformers`).
Explained in lesson 07.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch

from llmasos_edu.generation.asking import check_request
from llmasos_edu.generation.loops import LanguageModel, evaluating

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Beam", "beam_search"]


class Beam(NamedTuple):
    """A text that beam search found.

    Attributes:
        ids: The new tokens, the stop token included.
        log_prob: log P of them all under the model, in nats.
    """

    ids: list[int]
    log_prob: float

    def score(self, length_penalty: float | int) -> float:
        """What it is ranked by."""
        return self.log_prob / len(self.ids) ** length_penalty


@torch.inference_mode()
def beam_search(
    model: LanguageModel,
    prompt: Sequence[int],
    width: int,
    *,
    max_new_tokens: int,
    stop_tokens: Sequence[int] = (),
    length_penalty: float | int = 0.0,
) -> list[Beam]:
    """The likeliest continuations that a search over `width` texts at a time finds.

    Each step scores every next token of every running text and keeps the best `width`; a text that takes a
    stop token is set aside. It ends when no running text can beat the `width` best that were set aside.

    Args:
        model: As for `generate`; prompt and new tokens must fit into its context.
        prompt: Token ids, at least one.
        width: How many texts are followed; 1 without length penalty is greedy.
        max_new_tokens: At most so many new tokens.
        stop_tokens: Ids that end a text.
        length_penalty: Texts are ranked by log P / length to this power, at least 0: 0 by log P, 1 by its
            mean a token.

    Returns:
        At most `width` texts, the best first.

    Raises:
        ValueError: If an argument is out of range, or prompt and new tokens do not fit into the context.
    """
    check_request(model.config, [prompt], max_new_tokens, stop_tokens)
    _check_beam(width, length_penalty)
    device = next(model.parameters()).device
    cache = model.new_cache(1, len(prompt) + max_new_tokens - 1)
    unread = torch.tensor([list(prompt)], device=device)  # (1, T), from then on (W, 1)
    running, finished = [Beam([], 0.0)], list[Beam]()
    with evaluating(model):
        for step in range(1, max_new_tokens + 1):
            log_p = model(unread, cache=cache)[:, -1].log_softmax(dim=-1)  # (W, V)
            found = _candidates(running, log_p, width * (1 + max(1, len(set(stop_tokens)))))
            ends = [step == max_new_tokens or text.ids[-1] in stop_tokens for _, text in found]
            finished += [text for (_, text), end in zip(found[:width], ends, strict=False) if end]
            finished = sorted(finished, key=lambda text: -text.score(length_penalty))[:width]
            going = [pair for pair, end in zip(found, ends, strict=True) if not end][:width]
            if not going:
                break
            best = going[0][1].log_prob / max_new_tokens**length_penalty  # no text that goes on ends above it
            if len(finished) == width and finished[-1].score(length_penalty) >= best:
                break
            running = [text for _, text in going]
            cache.reorder(torch.tensor([row for row, _ in going], device=device))
            unread = torch.tensor([text.ids[-1:] for text in running], device=device)
    return finished


def _candidates(running: list[Beam], log_p: Float[torch.Tensor, "W V"], n: int) -> list[tuple[int, Beam]]:
    """The n likeliest texts that are one token longer, with the row of the text that each goes on from."""
    so_far = torch.tensor([text.log_prob for text in running], dtype=log_p.dtype, device=log_p.device)  # (W,)
    best = (so_far[:, None] + log_p).flatten().topk(min(n, log_p.numel()))  # over W · V
    rows = best.indices // log_p.shape[1]
    ids = best.indices % log_p.shape[1]
    return [
        (row, Beam([*running[row].ids, id], log_prob))
        for row, id, log_prob in zip(rows.tolist(), ids.tolist(), best.values.tolist(), strict=True)
        if log_prob > -math.inf
    ]


def _check_beam(width: int, length_penalty: float | int) -> None:
    if isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise ValueError(f"width must be a whole number of at least 1; got {width!r}")
    if not 0 <= length_penalty < math.inf:
        raise ValueError(f"length_penalty must be a number of at least 0; got {length_penalty!r}")
