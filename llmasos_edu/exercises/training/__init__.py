"""The bank of lesson 06: the learning rate's way up and down, a step from several parts, an honest test.

Plain arrays and callables, so that the order of things is all there is to get wrong. A loss without the
shift by one stands in lesson 03's bank.
"""

from __future__ import annotations

from llmasos_edu.exercises.training.rates import RATES
from llmasos_edu.exercises.training.step import STEP
from llmasos_edu.exercises.training.testing import EVALUATE, evaluate

__all__ = ["EVALUATE", "EXERCISES", "RATES", "STEP", "evaluate"]

EXERCISES = [RATES, STEP, EVALUATE]
