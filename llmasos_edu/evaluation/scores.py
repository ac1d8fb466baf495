"""The numbers of a task: the string metrics of papers beside exact truth, over a set of items.

Teaches: one set of answers has several numbers, and they do not say the same. Leaves out: what each counts
(`text_metrics`, `truth`). Lessons 11 to 14 explain it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llmasos_edu.tinyworld import World
from llmasos_edu.tinyworld.tasks import Item

from .text_metrics import bleu, chrf, exact_match, f1, rouge_l
from .truth import Truth, truth

__all__ = ["scores"]


def scores(
    items: Sequence[Item], answers: Sequence[str | Sequence[str]], world: World | None = None
) -> dict[str, float]:
    """Score the answers to items of one task and language.

    Args:
        items: What was asked.
        answers: What was answered, one an item; for dialogues a list of texts, one a turn.
        world: The items' world, where it is not the full one.

    Returns:
        Shares between 0 and 1, and BLEU and chrF in points. For every task ``"right"``: items of which all is
        right; ``"exact"``: equal to the reference, letter by letter. Translation: ``"sentences"`` that are
        right, ``"bleu"``, ``"chrf"``. Summarization: ``"faithful"``, ``"rouge_l"``. Question answering:
        ``"exact_match"``, ``"f1"``, ``"refused"`` (of those that the story does not answer) and
        ``"refused_wrongly"`` (of the others), nan where there are none. Dialogue: ``"turns"`` that are right,
        and ``"turn_4"``.

    Raises:
        ValueError: If there are no items, their number is not that of the answers, or they are of several
            tasks or languages; and as `truth`.
        TypeError: As `truth`.

    Example:
        >>> from llmasos_edu.tinyworld.tasks import training
        >>> item = training("question_answering", "en")(3)
        >>> scores([item], [item.reference])["exact_match"]
        1.0
    """
    if not items or len(items) != len(answers):
        raise ValueError(
            f"scores needs one answer for each of at least one item; got {len(items)} and {len(answers)}"
        )
    sorts = sorted({(item.task, item.language) for item in items})
    if len(sorts) != 1:
        raise ValueError(f"all items must be of one task and language; got {sorts}")
    found = [truth(item, answer, world) for item, answer in zip(items, answers, strict=True)]
    both = {"right": _mean(each.right for each in found), "exact": _mean(each.exact for each in found)}
    if items[0].task == "dialogue":
        return both | _of_turns(found)
    texts = [str(answer) for answer in answers], [item.reference for item in items]
    return both | OF_TASK[items[0].task](items, found, *texts)


def _mean(values: Any) -> float:
    kept = list(values)
    return float(np.mean(kept)) if kept else float("nan")


def _of_turns(found: list[Truth]) -> dict[str, float]:
    kinds = [each.kinds for each in found]
    turns = _mean(not kind for each in kinds for kind in each)
    return {"turns": turns, "turn_4": _mean(not each[3] for each in kinds if len(each) > 3)}


def _of_translation(
    items: Sequence[Item], found: list[Truth], said: list[str], right: list[str]
) -> dict[str, float]:
    language = items[0].turns[-1].speaker
    sentences = _mean(not kind for each in found for kind in each.kinds)
    return {"sentences": sentences, "bleu": bleu(said, right, language), "chrf": chrf(said, right, language)}


def _of_summaries(
    items: Sequence[Item], found: list[Truth], said: list[str], right: list[str]
) -> dict[str, float]:
    faithful = _mean(each.faithful for each in found)
    return {"faithful": faithful, "rouge_l": _mean(rouge_l(said, right, items[0].language))}


def _of_answers(
    items: Sequence[Item], found: list[Truth], said: list[str], right: list[str]
) -> dict[str, float]:
    language, pairs = items[0].language, list(zip(items, found, strict=True))
    return {
        "exact_match": _mean(exact_match(said, right, language)),
        "f1": _mean(f1(said, right, language)),
        "refused": _mean(each.refused for item, each in pairs if not item.answerable),
        "refused_wrongly": _mean(each.refused for item, each in pairs if item.answerable),
    }


OF_TASK = {
    "translation": _of_translation,
    "summarization": _of_summaries,
    "question_answering": _of_answers,
}
