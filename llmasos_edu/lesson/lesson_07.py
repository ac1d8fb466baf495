"""Lesson 07: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="07",
    name="generation",
    question="How does it speak?",
    question_zh="它怎样说话？",
    cpu_minutes=2,
    exercises=("generation.top_p",),
)

RECALL = {
    "r1": Recall(
        question=(
            "Four words have the probabilities 0.4, 0.3, 0.2 and 0.1, in this order. As in lesson 02, a "
            "random number is laid against their running sums. Which word does 0.75 pick: 1, 2, 3 or 4?"
        ),
        answer=3,
        because="the running sums are 0.4, 0.7, 0.9, 1: 0.75 lies past the second and before the third.",
        wrong={
            1: "That is the likeliest. Drawing does not always take it.",
            2: "The second word ends at 0.7, and 0.75 lies past it.",
            4: "The fourth word begins at 0.9.",
        },
        look="02_probability, drawing",
    )
}
