"""The bank of lesson 08: the score of an induction head, heads switched off, the lens over many stories."""

from llmasos_edu.exercises.inside.over_layers import LENS
from llmasos_edu.exercises.inside.score import SCORE
from llmasos_edu.exercises.inside.switched_off import ABLATE

__all__ = ["EXERCISES"]

EXERCISES = [SCORE, ABLATE, LENS]
