"""What a model says on text that it does not learn from: the loss on fixed windows, on stories, on one word.

Teaches: a number is comparable only on the same text, counted token by token, with dropout off. Leaves out:
metrics of answers (`evaluation`). Explained in lesson 06.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from ..batches import IGNORE
from ..first_models import pad_documents

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["Measure", "Watch", "as_measure", "at_rest", "evaluate", "on_stories", "on_word", "total_nats"]

Measure = Callable[[nn.Module], dict[str, float]]  # what `train` takes as validation


def total_nats(
    logits: Float[torch.Tensor, "B T V"], targets: Int[torch.Tensor, "B T"]
) -> Float[torch.Tensor, ""]:
    """Cross-entropy in nats, summed over the targets that count; of bfloat16 logits in float32."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORE, reduction="sum")


@contextmanager
def at_rest(model: nn.Module) -> Iterator[None]:
    """Dropout off and no gradients; afterwards the model is as it was."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def evaluate(model: nn.Module, windows: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """Mean nats a token on fixed windows.

    Args:
        model: Any module from ids (B, T) to logits (B, T, V).
        windows: Pairs (inputs, targets), such as from `batches.consecutive_windows`; targets that are
            `IGNORE` do not count.

    Returns:
        All nats of all windows ÷ all targets that count: no window weighs more for being short.

    Raises:
        ValueError: If no target counts.
    """
    device = next(model.parameters()).device
    nats, count = 0.0, 0
    with at_rest(model):
        for inputs, targets in windows:
            nats += total_nats(model(inputs.to(device)), targets.to(device)).item()
            count += int((targets != IGNORE).sum())
    if not count:
        raise ValueError("windows must hold at least one target that counts; an iterator may be used up")
    return nats / count


def as_measure(validation: Measure | Sequence[tuple[torch.Tensor, torch.Tensor]] | None) -> Measure:
    """A function of the model, made of what `train` was given."""
    if validation is None:
        return lambda model: {}
    if callable(validation):
        return validation
    windows = validation
    if not isinstance(windows, Sequence):  # an iterator would be empty at the second test
        raise TypeError(f"validation must be a function or a list of windows; got {type(windows).__name__}")
    return lambda model: {"loss": evaluate(model, windows)}


def on_stories(documents: Sequence[Sequence[int]], *, end_id: int, floor: float) -> Measure:
    """Nats a story, and how far they lie above what nobody can get under.

    Args:
        documents: Ids of each story, without end tokens; always the same ones.
        end_id: The end token.
        floor: Mean nats of the same stories under the exact distribution (`Story.nats`).

    Returns:
        A function of a model: ``{"nats": mean nats a story, "above": the same minus the floor}``.
    """

    ordered = sorted(documents, key=len)  # alike in length together: less padding
    windows = [pad_documents(ordered[i : i + 64], end_id=end_id) for i in range(0, len(ordered), 64)]
    tokens_a_story = sum(len(document) + 1 for document in ordered) / max(1, len(ordered))

    def measure(model: nn.Module) -> dict[str, float]:
        nats = evaluate(model, windows) * tokens_a_story
        return {"nats": nats, "above": nats - floor}

    return measure


def on_word(text: Sequence[int], words: dict[str, int], *, end_id: int) -> Measure:
    """The probability of each of some words as the next one, such as the blank's right and wrong answer.

    Args:
        text: Ids of the text before the blank, without an end token.
        words: Name → id of each word that may fill it.
        end_id: The end token, which stands before a text.

    Returns:
        A function of a model: name → probability.
    """

    ids = torch.tensor([[end_id, *text]])

    def measure(model: nn.Module) -> dict[str, float]:
        with at_rest(model):
            logits = model(ids.to(next(model.parameters()).device))[0, -1]  # (V,)
        p = torch.softmax(logits.float(), dim=-1)
        return {name: float(p[i]) for name, i in words.items()}

    return measure


class Watch:
    """A callback that measures the model every few steps, to be drawn beside the loss.

    Args:
        measure: A function of a model, such as from `on_word`.
        every: Steps between two looks.

    Attributes:
        steps: Where it looked.
        values: Name → what it saw there.
    """

    def __init__(self, measure: Measure, every: int = 10):
        self.measure, self.every = measure, every
        self.steps: list[int] = []
        self.values: dict[str, list[float]] = {}

    def __call__(self, event: Any) -> None:
        """Look, if it is time."""
        if event.step % self.every:
            return
        self.steps.append(event.step)
        for name, value in self.measure(event.model).items():
            self.values.setdefault(name, []).append(value)

    def first_above(self, name: str, level: float) -> float:
        """The first step at which a value was above a level; inf where it never was."""
        pairs = zip(self.steps, self.values.get(name, []), strict=False)
        return next((float(step) for step, value in pairs if value > level), math.inf)
