"""Lesson 00: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="00",
    name="start_here",
    question="What is an LLM, and will this machine run one?",
    question_zh="什么是大语言模型？这台机器跑得动吗？",
    cpu_minutes=0.5,
    core_minutes=25,
    exercise_minutes=15,
    exercises=("start.text_probability",),
)

RECALL: dict[str, Recall] = {
    "r1": Recall(
        question="Two words are chosen, the first with probability 0.5, the second with 0.2 after it. "
        "How probable is the text of both?",
        answer=0.1,
        because="what is chosen one after the other multiplies: 0.5 × 0.2.",
        wrong={
            0.7: "Together they are rarer than either, so nothing is added.",
            0.35: "A mean lies between the two; a text of both is rarer than either.",
        },
        look="00_start_here, the product",
    ),
}
