"""The exercises of lesson 02: a softmax with a temperature, and the cross-entropy in nats."""

from llmasos_edu.exercises.probability.cross_entropy import CROSS_ENTROPY
from llmasos_edu.exercises.probability.softmax import SOFTMAX

__all__ = ["CROSS_ENTROPY", "EXERCISES", "SOFTMAX"]

EXERCISES = [SOFTMAX, CROSS_ENTROPY]
