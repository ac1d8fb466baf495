"""Lesson 00: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="00",
    name="start_here",
    question="What is an LLM, and will this machine run one?",
    question_zh="什么是大语言模型？这台机器跑得动吗？",
    cpu_minutes=0.5,
)

RECALL: dict[str, Recall] = {}
