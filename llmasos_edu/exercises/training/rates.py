"""The learning rate's way up and down."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number
from llmasos_edu.training import TrainConfig, rate

__all__ = ["RATES", "rates"]


def rates(steps: int, warmup: int) -> list[float]:
    """The rate of each step as a share of its highest: a straight line up, half a cosine wave down."""
    return [rate(step, TrainConfig(steps=steps, warmup=warmup)) for step in range(steps)]


def _by(rise: Callable[[int, int], float], fall: Callable[[int, int, int], float]) -> Callable[..., Any]:
    """Rates whose rise is of (step, warmup), and whose fall is of (step, steps, warmup)."""
    return lambda steps, warmup: [
        min(1.0, rise(step, warmup)) * (fall(step, steps, warmup) if step >= warmup else 1.0)
        for step in range(steps)
    ]


def _rise(step: int, warmup: int) -> float:
    return (step + 1) / max(1, warmup)


def _wave(done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2


def _fall(step: int, steps: int, warmup: int) -> float:
    return _wave((step - warmup) / (steps - warmup))


def _first_step_moves(probe: Probe, got: Any, expected: Any) -> str | None:
    if got[0] == 0:
        return "the first step has rate 0: it computes a gradient and does not move"
    return None


def _highest_is_one(probe: Probe, got: Any, expected: Any) -> str | None:
    if abs(max(got) - 1) > 1e-9:
        return f"the highest rate is {number(float(max(got)))} of the full one, and must be 1"
    return None


def _never_below_zero(probe: Probe, got: Any, expected: Any) -> str | None:
    if min(got) < 0:
        return f"a rate is {number(float(min(got)))}: below zero the loop climbs"
    return None


RATES = Exercise(
    key="training.rates",
    task=(
        "Write rates(steps, warmup): a list with a share of the full learning rate for each step, 0 to "
        "steps − 1. It rises in a straight line and is full after `warmup` steps; then it falls along half a "
        "cosine wave, and would be 0 at step `steps`."
    ),
    reference=rates,
    probes=lambda: [Probe("12 steps, 4 of warm-up", (12, 4)), Probe("10 steps, no warm-up", (10, 0))],
    properties=(
        Property("no rate is negative", _never_below_zero),
        Property("the first step moves", _first_step_moves),
        Property("the highest is the full rate", _highest_is_one),
    ),
    mistakes=(
        Mistake(
            "the rise begins at 0",
            why="The first step then learns nothing, and the full rate comes one step late.",
            where="(step + 1) / warmup.",
            wrong=_by(lambda step, warmup: step / warmup if warmup else 1.0, _fall),
        ),
        Mistake(
            "no warm-up",
            why="The first gradients, of random weights, are followed at full length.",
            where="What happens while step < warmup?",
            wrong=_by(lambda step, warmup: 1.0, _fall),
        ),
        Mistake(
            "the fall is counted from step 0",
            why="It is on its way down before the warm-up is over, and jumps there.",
            where="How far is the fall at step = warmup? It must be 0.",
            wrong=(
                _by(_rise, lambda step, steps, warmup: _wave(step / steps)),
                lambda steps, warmup: [min(1.0, _rise(s, warmup)) * _wave(s / steps) for s in range(steps)],
            ),
        ),
        Mistake(
            "the fall does not reach its end",
            why="It takes `steps` from the warm-up on, but only steps − warmup are left.",
            where="(step − warmup) / (steps − warmup).",
            wrong=_by(_rise, lambda step, steps, warmup: _wave((step - warmup) / steps)),
        ),
        Mistake(
            "a whole step too far down",
            why="The last step has rate 0: one batch is computed for nothing.",
            where="Divide by steps − warmup, not by one less.",
            wrong=_by(_rise, lambda step, steps, warmup: _wave((step - warmup) / (steps - warmup - 1))),
        ),
        Mistake(
            "a quarter of a wave",
            why="cos(π/2 · x) falls fastest at the end, where steps should be small for long.",
            where="(1 + cos(π · x)) / 2.",
            wrong=_by(
                _rise, lambda step, steps, warmup: math.cos(math.pi / 2 * (step - warmup) / (steps - warmup))
            ),
        ),
        Mistake(
            "the wave is not lifted",
            why="cos goes from 1 to −1; half of the run would walk uphill.",
            where="(1 + cos(π · x)) / 2.",
            wrong=_by(
                _rise, lambda step, steps, warmup: math.cos(math.pi * (step - warmup) / (steps - warmup))
            ),
        ),
        Mistake(
            "a straight line down",
            why="Also in use, but another schedule than was asked for.",
            where="(1 + cos(π · x)) / 2.",
            wrong=_by(_rise, lambda step, steps, warmup: 1 - (step - warmup) / (steps - warmup)),
        ),
    ),
    hints=(
        "Two cases: step < warmup, and after. What is the rate at the first step, at warmup, at the end?",
        "After the warm-up, x = (step − warmup) / (steps − warmup) runs from 0 towards 1.",
        "(step + 1) / warmup on the way up; (1 + cos(π · x)) / 2 on the way down.",
    ),
    solution=(rate,),
)
