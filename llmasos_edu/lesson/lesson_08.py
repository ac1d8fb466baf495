"""Lesson 08: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="08",
    name="inside_a_real_model",
    question="Is a real LLM built like ours?",
    question_zh="真正的大语言模型和我们的一样吗？",
    cpu_minutes=2,
    exercises=("inside.induction_score",),
)

RECALL = {
    "r1": Recall(
        question=(
            "In lesson 04's attention by hand, the key of a place was made of the word before it. The text "
            "is: Mia had a red kite. Now a query looks for red. Which word's place does it find?"
        ),
        answer="kite",
        because="the word before kite is red, so kite's place is the one that a query for red finds.",
        wrong={
            "red": "The key of that place is made of the word before it, which is a.",
            "a": "The word before a is had.",
        },
        look="04_attention, look, then mix",
    )
}
