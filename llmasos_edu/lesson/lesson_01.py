"""Lesson 01: its title line and its recall questions."""

from __future__ import annotations

from llmasos_edu.lesson.about import Lesson, Recall

LESSON = Lesson(
    number="01",
    name="tokens",
    question="How does text become numbers?",
    question_zh="文字怎样变成数字？",
    cpu_minutes=1,
    exercises=("tokens.encode",),
)

RECALL: dict[str, Recall] = {
    "r1": Recall(
        question="In the list behind the next word you choose a word of probability 0.5, and in the list "
        "after it one of probability 0.2. How probable are the two words together?",
        answer=0.1,
        because="the probability of a text is the product of its words' probabilities.",
        wrong={
            0.7: "That is their sum, which could pass 1.",
            0.35: "That is their mean; a longer text does not stay as probable as its words.",
            0.2: "That is the second word alone; the first had to come as well.",
        },
        look="00_start_here, the list behind the word",
    ),
}
