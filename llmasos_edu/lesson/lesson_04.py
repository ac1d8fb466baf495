"""Lesson 04: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="04",
    name="attention",
    question="How does a word look at other words?",
    question_zh="一个词怎样看别的词？",
    cpu_minutes=1,
)

RECALL: dict[str, Recall] = {}
