"""Lesson 03: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="03",
    name="learning",
    question="How can numbers be learned?",
    question_zh="数字怎样学出来？",
    cpu_minutes=1,
    exercises=("learning.gradient", "learning.train"),
)

RECALL = {
    "r1": Recall(
        question="A model gave the word that came a probability of 1/4. What does that word cost, in nats?",
        answer=1.386,
        because="−ln(1/4) = ln 4.",
        wrong={
            2: "That is the cost in bits: a logarithm to base 2.",
            0.25: "That is the probability itself; the cost is minus its logarithm.",
            -1.386: "A cost is positive: minus the logarithm.",
        },
        look="02_probability, surprise in nats",
    )
}
