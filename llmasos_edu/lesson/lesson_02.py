"""Lesson 02: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="02",
    name="probability",
    question='What does "predict the next word" mean?',
    question_zh="“预测下一个词”是什么意思？",
    cpu_minutes=1,
    exercises=("probability.softmax", "probability.cross_entropy"),
)

RECALL: dict[str, Recall] = {
    "r1": Recall(
        question="Before its first merge, how many tokens does byte-level BPE know (special tokens aside)?",
        answer=256,
        because="one for each value of a byte, so that any text can be written.",
        wrong={255: "Zero is a byte, too.", 128: "That is ASCII; a byte has 8 bits, not 7."},
        look="01_tokens, from bytes to merges",
    ),
}
