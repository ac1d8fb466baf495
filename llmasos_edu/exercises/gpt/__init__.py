"""The bank of lesson 05: the block, the way from ids to logits, counting parameters, initial sizes.

All four are written with plain arrays, numbers and callables, so that order and arithmetic are all there is
to get wrong. A separate head where the embedding should serve twice shows itself in the count.
"""

from __future__ import annotations

from llmasos_edu.exercises.gpt.order import BLOCK, FORWARD, block, forward
from llmasos_edu.exercises.gpt.sizes import INITIAL_STD, PARAMETERS, initial_std, parameters

__all__ = ["BLOCK", "EXERCISES", "FORWARD", "block", "forward", "initial_std", "parameters"]

EXERCISES = [BLOCK, FORWARD, PARAMETERS, INITIAL_STD]
