"""The loop that trains them: documents to batches, the loss, the steps; and what a trained model says.

Runs on the CPU, where these models take seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    Ids = Int[torch.Tensor, "B T"]
    Logits = Float[torch.Tensor, "B T V"]

__all__ = [
    "IGNORE",
    "document_nats",
    "make_batches",
    "mean_nats",
    "next_word",
    "pad_documents",
    "train_steps",
]

IGNORE = -100  # a target that counts for nothing; torch's own default


def mean_nats(logits: Logits, targets: Int[torch.Tensor, "*shape"]) -> Float[torch.Tensor, ""]:
    """The loss: cross-entropy in nats, averaged over the targets that count.

    Args:
        logits: Scores of the next word at each place.
        targets: The words that came next (B, T); `IGNORE` where none counts.

    Returns:
        One number with its gradient.

    Raises:
        ValueError: If targets do not fit the logits, or none counts.
    """
    if logits.shape[:-1] != targets.shape:
        raise ValueError(
            f"logits (B, T, V) need targets (B, T); got {tuple(logits.shape)} and {tuple(targets.shape)}"
        )
    if not (targets != IGNORE).any():
        raise ValueError("at least one target must count; all are IGNORE")
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE)


def train_steps(
    model: nn.Module,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    *,
    steps: int,
    lr: float,
    watch: Callable[[int], None] | None = None,
) -> list[float]:
    """The loop: predict, measure the loss, follow its gradient downhill; `steps` times.

    Args:
        model: Any module from ids (B, T) to logits (B, T, V); changed in place.
        batches: Pairs (inputs, targets); endless, or it stops when they do.
        steps: How many batches to take.
        lr: The learning rate at the beginning; it falls to zero in a straight line.
        watch: Called as `watch(step)` before each step and once after the last, to look at the model.

    Returns:
        The loss before each step, in nats a word.

    Source: Kingma and Ba 2015, "Adam", with torch's defaults.
    """
    if steps < 1 or not lr > 0:
        raise ValueError(f"steps must be at least 1 and lr above 0; got steps={steps}, lr={lr}")
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=steps)
    losses: list[float] = []
    for inputs, targets in islice(batches, steps):
        if watch:
            watch(len(losses))
        loss = mean_nats(model(inputs), targets)
        optimizer.zero_grad()  # or the gradients of all earlier steps would add up
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    if watch:
        watch(len(losses))
    return losses


def pad_documents(documents: Sequence[Sequence[int]], *, end_id: int) -> tuple[Ids, Ids]:
    """Documents as two tables: what the model reads, and what comes next.

    Args:
        documents: Word ids of each, without end tokens.
        end_id: The end token; it stands before and after each document, and fills up short rows.

    Returns:
        Inputs and targets (N, T), int64, T = longest document + 1; targets are `IGNORE` past the end.

    Raises:
        ValueError: If there is no document.

    Example:
        >>> inputs, targets = pad_documents([[5, 6], [7]], end_id=0)
        >>> inputs.tolist(), targets.tolist()
        ([[0, 5, 6], [0, 7, 0]], [[5, 6, 0], [7, 0, -100]])
    """
    if not documents:
        raise ValueError("at least one document is needed; got none")
    width = max(map(len, documents)) + 1
    inputs = torch.full((len(documents), width), end_id)
    targets = torch.full((len(documents), width), IGNORE)
    for row, document in enumerate(documents):
        ids = torch.tensor([*document, end_id])
        inputs[row, 1 : len(ids)] = ids[:-1]
        targets[row, : len(ids)] = ids
    return inputs, targets


def make_batches(
    documents: Sequence[Sequence[int]], *, end_id: int, batch_size: int, generator: torch.Generator
) -> Iterator[tuple[Ids, Ids]]:
    """Batches without end, in a new order each time round, each only as wide as its longest document.

    Args:
        documents: Word ids of each, without end tokens.
        end_id: The end token.
        batch_size: B, documents a batch; at most as many as there are.
        generator: Draws the order.

    Yields:
        Inputs and targets (B, T), as from `pad_documents`.

    Raises:
        ValueError: If `batch_size` is below 1 or above the number of documents.
    """
    inputs, targets = pad_documents(documents, end_id=end_id)
    if not 1 <= batch_size <= len(documents):
        raise ValueError(f"batch_size must be from 1 to {len(documents)} documents; got {batch_size}")
    return _shuffled(inputs, targets, batch_size, generator)


def _shuffled(
    inputs: Ids, targets: Ids, batch_size: int, generator: torch.Generator
) -> Iterator[tuple[Ids, Ids]]:
    lengths = (targets != IGNORE).sum(dim=1)
    while True:
        order = torch.randperm(len(inputs), generator=generator)
        for rows in order[: len(order) // batch_size * batch_size].view(-1, batch_size):
            width = int(lengths[rows].max())
            yield inputs[rows, :width], targets[rows, :width]


@torch.no_grad()
def document_nats(
    model: nn.Module, documents: Sequence[Sequence[int]], *, end_id: int
) -> Float[torch.Tensor, " N"]:
    """What each document costs the model, its end included, in nats.

    Args:
        model: Any module from ids (B, T) to logits (B, T, V).
        documents: Word ids of each, without end tokens.
        end_id: The end token.

    Returns:
        Nats of each document.
    """
    costs = []
    for start in range(0, len(documents), 64):  # 64 at a time: logits are the largest table here
        inputs, targets = pad_documents(documents[start : start + 64], end_id=end_id)
        logits = model(inputs).transpose(1, 2)  # (B, V, T), as torch wants it
        costs.append(F.cross_entropy(logits, targets, ignore_index=IGNORE, reduction="none").sum(dim=1))
    return torch.cat(costs)


@torch.no_grad()
def next_word(model: nn.Module, ids: Sequence[int], *, end_id: int) -> Float[torch.Tensor, " V"]:
    """The model's distribution over the word after `ids`, a document's beginning.

    Args:
        model: Any module from ids (B, T) to logits (B, T, V).
        ids: Word ids so far, without end token; may be empty.
        end_id: The end token, which stands before the first word.

    Returns:
        Probabilities, summing to 1.
    """
    return torch.softmax(model(torch.tensor([[end_id, *ids]]))[0, -1], dim=-1)
