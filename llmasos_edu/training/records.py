"""What a run tells while it goes on, and what stays of it: events, the history, a line of JSON a step.

Teaches: a curve is data; keep every step's numbers where any program can read them. Leaves out: drawing
(`plots`; a chart is a callback). Explained in lesson 06.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from ..files import atomic_write

__all__ = ["Diverged", "Event", "History", "Records"]


@dataclass(frozen=True)
class Event:
    """One step, told to every callback before the weights change.

    Attributes:
        step: How often the weights have been changed so far; from 0 to `steps`, both included.
        steps: How often they will have been at the end.
        loss: Nats a token of batch number `step` under the weights as they are now.
        gradient: Length of the gradient before it is clipped.
        lr: AdamW's learning rate of the step to come.
        seconds: Time spent training so far, without tests and callbacks.
        tokens: Tokens learned from so far, each target that counts once.
        validation: What the test gave, where it is time for one; else empty.
        model: The model, to be looked at.
    """

    step: int
    steps: int
    loss: float
    gradient: float
    lr: float
    seconds: float
    tokens: int
    validation: dict[str, float]
    model: nn.Module


NUMBERS = ("step", "loss", "gradient", "lr", "seconds", "tokens", "validation")  # of an event, kept


@dataclass
class History:
    """What stays of a run: a number for each step, and one for each test.

    Attributes:
        steps: 0, 1, …: the weights have been changed so often.
        losses: Nats a token of that step's batch.
        gradients: Length of its gradient, before clipping.
        lrs: AdamW's learning rate.
        seconds: Time spent training until then.
        tokens: Tokens learned from until then.
        validation: ``"step"``, ``"seconds"`` and each name that a test gave → its values, one a test.
        stopped_by: ``"steps"`` when it ran to its end, ``"callback"``, or ``"interrupt"``.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    lrs: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    validation: dict[str, list[float]] = field(default_factory=dict)
    stopped_by: str = "steps"

    def add(self, line: dict[str, Any]) -> None:
        """Take in one step's numbers."""
        self.steps.append(line["step"])
        self.losses.append(line["loss"])
        self.gradients.append(line["gradient"])
        self.lrs.append(line["lr"])
        self.seconds.append(line["seconds"])
        self.tokens.append(line["tokens"])
        if line["validation"]:
            for name, value in {**{k: line[k] for k in ("step", "seconds")}, **line["validation"]}.items():
                self.validation.setdefault(name, []).append(value)


class Diverged(ArithmeticError):
    """The loss or its gradient is no number any more; the weights are still those before that step.

    Attributes:
        step: Where it happened.
        history: The steps before it.
    """

    def __init__(self, step: int, loss: float, gradient: float, history: History, kept: Path | None):
        where = f"The last good checkpoint is {kept}." if kept else "No checkpoint was kept."
        super().__init__(
            f"at step {step} the loss is {loss} and its gradient's length {gradient}: stopped before the "
            f"weights took harm. {where} A lower learning rate, a longer warm-up or clipping usually helps."
        )
        self.step, self.history = step, history


class Records:
    """The history, and `metrics.jsonl` in the run's folder: one line a step.

    Args:
        run_dir: The folder; None keeps the history in memory alone.
        first: The step that a run goes on with; later lines, of steps that were lost, are dropped.
    """

    def __init__(self, run_dir: Path | None, first: int):
        self.history, self.file = History(), None
        if run_dir is None:
            return
        path = run_dir / "metrics.jsonl"
        lines = _lines_before(path, first)
        with atomic_write(path) as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        for line in lines:
            self.history.add(line)
        self.file = open(path, "a", encoding="utf-8", newline="\n", buffering=1)  # noqa: SIM115

    def add(self, event: Event) -> None:
        """Keep a step."""
        line = {name: getattr(event, name) for name in NUMBERS}
        self.history.add(line)
        if self.file:
            self.file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Put the lines on the disk."""
        if self.file:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()


def _lines_before(path: Path, first: int) -> list[dict[str, Any]]:
    """The whole lines of steps before `first`; the process may have been killed within the last one."""
    if not path.exists():
        return []
    lines = [line for line in path.read_text(encoding="utf-8").split("\n")[:-1] if line]
    return [line for line in map(json.loads, lines) if line["step"] < first]
