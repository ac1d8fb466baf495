"""An honest test: dropout off, no gradients, every token alike, and back to training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe
from llmasos_edu.training import evaluate as package_evaluate

__all__ = ["EVALUATE", "evaluate"]


class Moody(nn.Module):
    """A model that shows in its logits how it was asked: in training mode, with gradients, or at rest."""

    def __init__(self) -> None:
        super().__init__()
        rows = [[2.0, 0.0, -1.0, 0.5], [0.0, 1.0, 0.0, -2.0], [1.0, -1.0, 3.0, 0.0], [0.3, 0.2, 0.1, 0.0]]
        self.table = nn.Parameter(torch.tensor(rows))
        self.train()

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits (B, T, 4)."""
        mood = torch.tensor([1.0 * self.training, 0.7 * torch.is_grad_enabled(), 0.0, 0.0])
        return self.table[ids] + mood

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Moody) and self.training == other.training  # left as it came, or changed

    def __repr__(self) -> str:
        return f"a model in {'training' if self.training else 'evaluation'} mode"

    __hash__ = nn.Module.__hash__


def _windows() -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [
        (torch.tensor([[0, 1, 2, 3], [3, 3, 1, 0]]), torch.tensor([[1, 2, 3, 0], [2, 1, 0, 3]])),
        (torch.tensor([[2, 0, 0, 0]]), torch.tensor([[0, 3, -100, -100]])),
    ]


def evaluate(model: nn.Module, windows: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """Mean nats a token on fixed windows, by the package."""
    return package_evaluate(model, windows)


def _asked(train: bool, grad: bool) -> Callable[[Any, Any], float]:
    """The right sum, of a model asked in this mood."""

    def wrong(model: nn.Module, windows: Any) -> float:
        model.train(train)
        with torch.set_grad_enabled(grad):
            pairs = [(model(x).flatten(0, 1), y.flatten()) for x, y in windows]
        nats = sum(F.cross_entropy(z, y, reduction="sum").item() for z, y in pairs)
        model.train()
        return nats / sum(int((y != -100).sum()) for _, y in pairs)

    return wrong


def _at_rest(measure: Callable[[Any, Any], float]) -> Callable[[Any, Any], float]:
    """A wrong measure of the right logits."""

    def wrong(model: nn.Module, windows: Any) -> float:
        model.eval()
        with torch.no_grad():
            found = measure([model(x).flatten(0, 1) for x, _ in windows], [y.flatten() for _, y in windows])
        model.train()
        return found

    return wrong


def _padding_as_token(zs: Any, ys: Any) -> float:
    z, y = torch.cat(zs), torch.cat(ys).clamp(min=0)
    return F.cross_entropy(z, y).item()


EVALUATE = Exercise(
    key="training.evaluate",
    task=(
        "Write evaluate(model, windows): windows is a list of (inputs, targets), both (B, T), −100 where a "
        "target does not count. Give the mean nats a token over all of them as a float, with dropout off and "
        "without gradients, and leave the model in training mode."
    ),
    reference=evaluate,
    probes=lambda: [
        Probe("two windows of unequal size", (Moody(), _windows())),
        Probe("one window", (Moody(), _windows()[1:])),
    ],
    mistakes=(
        Mistake(
            "dropout left on",
            why="The model is tested with parts of it switched off at random: the loss comes out too high.",
            where="model.eval() before the first window.",
            wrong=_asked(train=True, grad=False),
        ),
        Mistake(
            "gradients left on",
            why="Every activation is kept for a backward pass that never comes: memory, and time.",
            where="with torch.no_grad():",
            wrong=_asked(train=False, grad=True),
        ),
        Mistake(
            "dropout and gradients left on",
            why="It is tested as if it were training.",
            where="model.eval(), and with torch.no_grad():",
            wrong=_asked(train=True, grad=True),
        ),
        Mistake(
            "a mean of the windows' means",
            why="A token in a short window then weighs more than one in a long window.",
            where="Add up nats and targets apart, and divide once.",
            wrong=_at_rest(
                lambda zs, ys: float(
                    np.mean([F.cross_entropy(z, y).item() for z, y in zip(zs, ys, strict=True)])
                )
            ),
        ),
        Mistake(
            "padding in the divisor",
            why="Targets that do not count make the mean smaller.",
            where="Divide by the number of targets that are not −100.",
            wrong=_at_rest(
                lambda zs, ys: (
                    F.cross_entropy(torch.cat(zs), torch.cat(ys), reduction="sum").item() / len(torch.cat(ys))
                )
            ),
        ),
        Mistake(
            "padding taken for a token",
            why="The model is asked for what stands in no text.",
            where="Leave out targets of −100 (ignore_index does).",
            wrong=_at_rest(_padding_as_token),
        ),
        Mistake(
            "a sum for a mean",
            why="The sum grows with the text; nats a token do not.",
            where="Divide by the number of targets that count.",
            wrong=_at_rest(
                lambda zs, ys: F.cross_entropy(torch.cat(zs), torch.cat(ys), reduction="sum").item()
            ),
        ),
    ),
    hints=(
        "What must be switched off before the first window, and on again after the last?",
        "Sum the nats of all windows and count the targets that are not −100; divide once.",
        'F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum") leaves −100 out.',
    ),
    solution=(package_evaluate,),
)
