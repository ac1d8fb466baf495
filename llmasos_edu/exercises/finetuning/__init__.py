"""The bank of lesson 09: the LoRA layer, its first numbers, what a chat teaches, what stands still.

Arrays, lists and names, without a model: four places where a finetuning goes wrong, mostly without an error.
Tests hold each reference equal to `lora` and `finetuning`.
"""

from __future__ import annotations

from llmasos_edu.exercises.finetuning.frozen import LEARNING, learning
from llmasos_edu.exercises.finetuning.layer import FIRST_PAIR, LORA_LINEAR, first_pair, lora_linear
from llmasos_edu.exercises.finetuning.mask import CHAT_TARGETS, chat_targets

__all__ = ["EXERCISES", "chat_targets", "first_pair", "learning", "lora_linear"]

EXERCISES = [LORA_LINEAR, FIRST_PAIR, CHAT_TARGETS, LEARNING]
