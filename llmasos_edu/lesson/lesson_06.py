"""Lesson 06: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="06",
    name="pretraining",
    question="How does it learn a language?",
    question_zh="它怎样学会一种语言？",
    cpu_minutes=4,
    exercises=("training.rates",),
)

RECALL = {
    "r1": Recall(
        question=(
            "The matrices of a model hold 1,000,000 numbers, and in training it reads 5,000,000 tokens. "
            "About how many operations is that, looking back apart?"
        ),
        answer=3e13,
        because="6 a number and token: 2 forward and 4 backward; 6 · 1e6 · 5e6.",
        wrong={
            1e13: "Those are the forward passes alone; backward takes about twice as many.",
            5e12: "Each number is used once a token, but takes six operations: 2 forward, 4 backward.",
            2e13: "Those are the backward passes alone.",
            6e6: "That is one token; it reads 5,000,000.",
        },
        look="05_gpt, what it costs",
    )
}
