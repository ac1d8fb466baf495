"""What the frozen test items of the tasks cost without a model, in both languages.

python -m benchmarks.task_baselines prints the tables that stand in the data cards; about 25 s on one core.
"""

from __future__ import annotations

from collections.abc import Callable

from llmasos_edu.evaluation import wilson
from llmasos_edu.evaluation.baselines import (
    lead_sentence,
    longest_sentence,
    majority_answer,
    ngram_answer,
    word_by_word,
)
from llmasos_edu.evaluation.scores import scores
from llmasos_edu.rounding import table
from llmasos_edu.tinyworld.tasks import Item, test_items, training

#: task → how many training items its baselines learn from, and their names
LEARN_FROM = {"translation": 1000, "summarization": 0, "question_answering": 4000}
Baselines = dict[str, Callable[[Item], str]]


def baselines(task: str, language: str) -> Baselines:
    """Name → baseline, learned from the first training items."""
    make = training(task, language)
    items = [make(n) for n in range(LEARN_FROM[task])]
    if task == "translation":
        return {"word by word": word_by_word(items)}
    if task == "summarization":
        return {"lead sentence": lead_sentence, "longest sentence": longest_sentence}
    return {"majority answer": majority_answer(items), "6-gram": ngram_answer(items, 6)}


def rows(task: str, language: str) -> list[list[str | float]]:
    """Baseline, language of what is given, interval of right, and all scores."""
    items, found = test_items(task, language), []
    for name, answer in baselines(task, language).items():
        got = scores(items, [answer(item) for item in items])
        low, high = wilson(round(got["right"] * len(items)), len(items))
        found.append([name, language, *got.values(), f"{low:.3f} to {high:.3f}"])
    return found


def text(task: str) -> str:
    """The table of a task's card."""
    head = {
        "translation": ["sentences", "BLEU", "chrF"],
        "summarization": ["faithful", "ROUGE-L"],
        "question_answering": ["EM", "F1", "refused", "wrongly"],
    }[task]
    each = [row for language in ("en", "zh") for row in rows(task, language)]
    return table(each, ["baseline", "given", "right", "exact", *head, "right, 95 %"])


def main() -> None:
    for task in LEARN_FROM:
        print(f"{task}\n{text(task)}\n")


if __name__ == "__main__":
    main()
