"""Lesson 03: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="03",
    name="learning",
    question="How can numbers be learned?",
    question_zh="数字怎样学出来？",
    cpu_minutes=1,
)

RECALL: dict[str, Recall] = {}
