"""The loop: predict, measure, follow the gradient downhill; on one processor or a thousand.

Teaches: all of training in reading order. A step is a pure function of the weights, the optimizer's memory
and the step's number: its batch, its learning rate and its dropout follow from (seed, step). So a run that
was killed goes on from its last checkpoint to the very same weights, and two processes make the steps of one.
Leaves out: optimizers (`optimizers`), what is kept (`records`, `saving`), many processes (`distributed`).
Source: nanoGPT's train.py, for the order of things. Explained in lesson 06.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..batches import IGNORE
from .distributed import quiet, whole
from .measuring import Measure, as_measure
from .records import Event, History
from .running import Batches, Run
from .settings import TrainConfig, rate

__all__ = ["train"]


def train(
    model: nn.Module,
    batches: Batches,
    config: TrainConfig,
    *,
    validation: Measure | Sequence[tuple[torch.Tensor, torch.Tensor]] | None = None,
    run_dir: str | Path | None = None,
    callbacks: Sequence[Callable[[Event], Any]] = (),
    resume: bool = True,
) -> History:
    """Train a model, in place.

    Args:
        model: Any module from ids (B, T) to logits (B, T, V), on the device to train on.
        batches: Gives batch number `step`, always the same one.
        config: How to train.
        validation: What to test every `evaluate_every` steps, before the first and after the last too: a
            function of the model that returns names and numbers, or fixed windows (inputs, targets), whose
            mean nats a token are then called "loss".
        run_dir: Where checkpoints and metrics.jsonl go; None keeps nothing.
        callbacks: Each is called with an `Event` before each step and after the last; one that returns True
            ends the run. So does Ctrl-C (the stop button), once the step is done. Either way it is saved.
        resume: Go on from the last checkpoint in `run_dir`, if there is one. False refuses a used folder.

    Returns:
        The numbers of every step, those before a resumption too.

    Raises:
        Diverged: If the loss or its gradient is no number any more; the last good checkpoint stays.
        ValueError: If the arguments do not fit, or the checkpoint does not fit the model.
    """
    test = as_measure(validation)
    run = Run(model, batches, config, run_dir, resume)
    with run.going():
        for step in range(run.first, config.steps + 1):
            loss = gradients(run, step)
            length = clip(model, config.clip)
            run.refuse_no_number(step, loss, length)
            share = rate(step, config)
            with run.clock.stopped():  # looking at the model is no training
                tested = test(model) if run.is_time(step, config.evaluate_every) else {}
                run.tell(step, loss, length, share * config.lr, tested, callbacks)
            if run.is_time(step, config.save_every):
                run.save(step)  # these weights have just given a loss that is a number
            if run.ends(step):
                break
            update(run, share)
    return run.records.history


def gradients(run: Run, step: int) -> float:
    """Forward and backward through batch number `step`; afterwards each parameter has its gradient.

    The loss is the mean over all targets of the batch, however it is split: over processes, and in each of
    them over `accumulate` parts, whose gradients add up. So a part is one of `parts` equals, and has its own
    dropout.

    Returns:
        Mean nats a token of the whole batch.
    """
    config, ranks, device = run.config, run.ranks, run.device
    mine = [ranks.rank * config.accumulate + i for i in range(config.accumulate)]
    parts = [run.batches.batch(step, part, ranks.count * config.accumulate) for part in mine]
    count = ranks.total(sum(int((targets != IGNORE).sum()) for _, targets in parts), device)
    losses = []
    run.model.zero_grad()  # or the gradients of all earlier steps would add up
    for part, (inputs, targets) in zip(mine, parts, strict=True):
        seed_dropout(config.seed, step, part)
        with quiet(run.forward, last=part == mine[-1]):
            with torch.autocast(device.type, torch.bfloat16, enabled=config.dtype == "bfloat16"):
                logits = run.forward(inputs.to(device))  # (B, T, V)
            loss = run.nats(logits, targets.to(device)) / count
            (loss * ranks.count).backward()  # times count, because processes then take their mean
        losses.append(loss.detach())
    run.in_hand = int(count)
    return ranks.total(torch.stack(losses).sum().item(), device)


def seed_dropout(seed: int, step: int, part: int) -> None:
    """Let dropout draw what it always draws in this part of this step."""
    (state,) = np.random.SeedSequence((seed, step, part)).generate_state(1)
    torch.manual_seed(int(state))


def clip(model: nn.Module, longest: float | None) -> float:
    """Shorten the gradient, all parameters together, to `longest`; returns how long it was."""
    length = nn.utils.clip_grad_norm_(model.parameters(), math.inf if longest is None else longest)
    return float(whole(length))


def update(run: Run, share: float) -> None:
    """Let each optimizer change its parameters, at this share of its highest learning rate."""
    run.tokens += run.in_hand
    for optimizer in run.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = share * group["full_lr"]
        optimizer.step()
