"""Lesson 02: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="02",
    name="probability",
    question='What does "predict the next word" mean?',
    question_zh="“预测下一个词”是什么意思？",
    cpu_minutes=1,
)

RECALL: dict[str, Recall] = {}
