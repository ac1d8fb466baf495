"""Lesson 05: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="05",
    name="gpt",
    question="How do these parts make a GPT?",
    question_zh="这些部件怎样组成 GPT？",
    cpu_minutes=1,
    exercises=("gpt.block",),
)

RECALL = {
    "r1": Recall(
        question=(
            "A causal mask lies over the attention weights of a text of 4 words, a table of 4 × 4. How many "
            "of the 16 weights may differ from zero?"
        ),
        answer=10,
        because="place 1 looks at 1 place, place 2 at 2, and so on: 1 + 2 + 3 + 4.",
        wrong={
            6: "Those are the hidden ones, above the diagonal.",
            16: "That is an attention without a mask.",
            8: "It is not half: each place may also look at itself.",
            4: "Those are the places' looks at themselves; they may look back too.",
        },
        look="04_attention, masks",
    )
}
