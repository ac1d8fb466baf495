"""Lesson 10: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="10",
    name="hugging_face",
    question="How do I use this outside?",
    question_zh="怎样在课程之外使用它？",
    cpu_minutes=1,
    exercises=("hugging_face.render",),
)

RECALL = {
    "r1": Recall(
        question=(
            "A prompt has 14 tokens. The model gives 14 lists of logits in one pass, one for each place. "
            "Which of them, counted from 1, chooses the first new token?"
        ),
        answer=14,
        because="the list at a place is about the token after it, and the new token comes after the last.",
        wrong={
            1: "The first list is about the second token of the prompt, which is known.",
            13: "That list is about the prompt's last token, which is known.",
            15: "There are 14 lists; the last of them looks one place ahead.",
        },
        look="07_generation, from a list to a word",
    )
}
