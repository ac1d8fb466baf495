"""Lesson 04: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="04",
    name="attention",
    question="How does a word look at other words?",
    question_zh="一个词怎样看别的词？",
    cpu_minutes=1,
    exercises=("attention.weights",),
)

RECALL = {
    "r1": Recall(
        question=(
            'A counted 5-gram has just read "… Mia left the red". It sees these four words. How many words '
            "before them can still change what it says next?"
        ),
        answer=0,
        because="its whole memory is four words; what stood before might as well not exist.",
        wrong={
            5: "A 5-gram is five words together with the one that it predicts.",
            4: "Those four are all that it sees; the question is about the words before them.",
            1: "A 5-gram looks up its last four words, and nothing else.",
        },
        look="02_probability, n-grams",
    )
}
