"""A run in progress: everything that the loop holds on to from step to step.

Teaches: what lives in a training process: parameters, the optimizers' memory, a step number, counters. Leaves
out what is done with them (`loop`).
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from ..checkpoint import place
from .distributed import Ranks, parallel
from .measuring import total_nats
from .optimizers import make_optimizers
from .records import Diverged, Event, Records
from .saving import load_memory, resume_from, save
from .settings import TrainConfig

__all__ = ["Batches", "Clock", "Run"]


@runtime_checkable
class Batches(Protocol):
    """Where text comes from: `batches.Windows`, `batches.Documents`, or any class with this method."""

    def batch(self, step: int, rank: int = 0, ranks: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
        """Part `rank` of the `ranks` parts of batch number `step`: inputs and targets (B, T), int64."""
        ...


class Clock:
    """Seconds of training, without those when it was stopped, going on from an earlier run's."""

    def __init__(self, seconds: float = 0.0):
        self.before = seconds
        self.began: float | None = time.perf_counter()

    @property
    def seconds(self) -> float:
        """So far; within `stopped`, until then."""
        return self.before if self.began is None else self.before + time.perf_counter() - self.began

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Time within it does not count."""
        self.before, self.began = self.seconds, None
        yield
        self.began = time.perf_counter()


class Run:
    """One training run.

    Args:
        model: What learns.
        batches: What it learns from.
        config: How.
        run_dir: Its folder, or None.
        resume: Whether to go on from the folder's last checkpoint.
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        config: TrainConfig,
        run_dir: str | Path | None,
        resume: bool,
    ):
        if not isinstance(batches, Batches):
            raise TypeError(
                "batches must have a method batch(step, rank, ranks), as batches.Windows and "
                f"batches.Documents have; got {type(batches).__name__}"
            )
        self.model, self.batches, self.config = model, batches, config
        self.run_dir = Path(run_dir) if run_dir is not None else None
        self.ranks, self.device = Ranks.now(), next(model.parameters()).device
        saved = resume_from(self.run_dir, model, config, resume)
        self.first = saved.step if saved else 0
        self.kept = saved.step if saved else None  # the last checkpoint's step
        self.tokens = int(saved.extra["tokens"]) if saved else 0
        self.forward = parallel(model, config, self.ranks)  # the same parameters
        # compiled too: of 50,000 logits a token, the steps of a loss take as long as many layers
        self.nats = torch.compile(total_nats) if config.compile else total_nats
        self.optimizers = make_optimizers(model, config)
        if saved:
            load_memory(model, self.optimizers, saved.optimizer_tensors)
        self.records = Records(self.run_dir if self.ranks.first else None, self.first)
        self.clock = Clock(float(saved.extra["seconds"]) if saved else 0.0)
        self.in_hand = 0  # tokens of the batch whose gradient is there and not yet used
        self.asked = self.stopped_by = ""  # what this process heard; what all have agreed on

    @contextmanager
    def going(self) -> Iterator[None]:
        """Around the loop: a bar, the stop button, and the caller's random numbers left as they were."""
        cuda = [self.device] if self.device.type == "cuda" else []
        off = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")  # tqdm's bar for notebooks does not ask
        hidden = off or not self.ranks.first
        before = self.model.training
        self.model.train()  # dropout on
        self.bar = tqdm(total=self.config.steps, initial=self.first, unit="step", disable=hidden)
        try:
            with self.bar, self.stop_button(), torch.random.fork_rng(cuda):
                yield
        finally:
            self.model.train(before)
            self.records.close()

    @contextmanager
    def stop_button(self) -> Iterator[None]:
        """Ctrl-C, or a polite kill, ends the run after the step that is going on; twice, at once."""

        def ask(number: int, frame: Any) -> None:
            self.asked = "interrupt"
            signal.signal(number, before[number])

        main = threading.current_thread() is threading.main_thread()  # only it hears signals
        numbers = (signal.SIGINT, signal.SIGTERM) if main else ()
        before: dict[int, Any] = {number: signal.signal(number, ask) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def refuse_no_number(self, step: int, loss: float, length: float) -> None:
        """Stop before weights are changed by a gradient that is no number."""
        if not (math.isfinite(loss) and math.isfinite(length)):
            good = place(self.run_dir, self.kept) if self.run_dir and self.kept is not None else None
            raise Diverged(step, loss, length, self.records.history, good)

    def is_time(self, step: int, every: int) -> bool:
        """Every so many steps, and at the end."""
        return step % every == 0 or step == self.config.steps or bool(self.stopped_by)

    def tell(
        self, step: int, loss: float, length: float, lr: float, tested: dict[str, float],
        callbacks: Sequence[Callable[[Event], Any]],
    ) -> None:  # fmt: skip
        """Keep the step's numbers, show them, call the callbacks, and agree on whether to stop."""
        event = Event(
            step, self.config.steps, loss, length, lr, self.clock.seconds, self.tokens, tested, self.model
        )
        self.records.add(event)
        self.bar.update(step - self.bar.n)
        self.bar.set_postfix_str(f"{loss:.3f} nats a token", refresh=False)
        for callback in callbacks if self.ranks.first else ():
            answer = callback(event)
            if isinstance(answer, bool | np.bool_) and answer:
                self.asked = "callback"
        if self.ranks.total(bool(self.asked), self.device):
            self.stopped_by = self.asked or "another process"

    def save(self, step: int) -> None:
        """Write the checkpoint of this step, where the run has a folder."""
        if self.run_dir is not None and step != self.kept:
            save(
                self.run_dir, step, self.model, self.optimizers, self.config,
                seconds=self.clock.seconds, tokens=self.tokens,
            )  # fmt: skip
            self.kept = step

    def ends(self, step: int) -> bool:
        """Whether this was the last step."""
        if self.stopped_by and step < self.config.steps:
            self.records.history.stopped_by = self.stopped_by
        return step == self.config.steps or bool(self.stopped_by)
