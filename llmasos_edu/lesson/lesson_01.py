"""Lesson 01: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="01",
    name="tokens",
    question="How does text become numbers?",
    question_zh="文字怎样变成数字？",
    cpu_minutes=1,
)

RECALL: dict[str, Recall] = {}
