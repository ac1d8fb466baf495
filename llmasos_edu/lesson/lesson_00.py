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
        question="From school: a coin shows heads with probability 1/2, a die shows six with 1/6. "
        "How probable is it that both happen?",
        answer=1 / 12,
        because="what happens one after the other multiplies: 1/2 × 1/6 = 1/12.",
        wrong={
            2 / 3: "Both together are rarer than either, so nothing is added.",
            1 / 3: "A mean lies between the two; both together are rarer than either.",
        },
        look="any school book; section 3 of this lesson needs it",
    ),
}
