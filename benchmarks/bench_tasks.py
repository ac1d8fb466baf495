"""The four applications, each learned from tinyworld-base by its recipe and asked its frozen test set.

Beside each: the baselines that need no model. TASKS=translation, LANGUAGES=zh and SEEDS=0,1 pick some; STEPS
shortens. With CLOCK=cpu seconds are those of processor time on one thread, for a machine on which others
compute too: half of them is the least that two cores take.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import torch

from llmasos_edu import pretrained
from llmasos_edu.batches import Documents
from llmasos_edu.evaluation import baselines, wilson
from llmasos_edu.evaluation.scores import scores
from llmasos_edu.evaluation.truth import error_counts, truth
from llmasos_edu.files import data_dir
from llmasos_edu.finetuning import RECIPES, conversation, lessons_of, replies
from llmasos_edu.tinyworld.tasks import TASKS, Item, test_items, training
from llmasos_edu.training import train

QUICK = False
LEARNED_FROM = 4_000  # training items of a baseline that learns
BY_CPU = os.environ.get("CLOCK") == "cpu"


def run() -> dict[str, Any]:
    """Of each task, language and seed: what it reached, with the interval, seconds, errors; the baselines."""
    if BY_CPU:
        torch.set_num_threads(1)
    chosen = os.environ.get("TASKS", ",".join(TASKS)).split(",")
    seeds = [int(seed) for seed in os.environ.get("SEEDS", "0").split(",")]
    found: dict[str, Any] = {
        "clock": "processor, one thread" if BY_CPU else "wall", "threads": torch.get_num_threads()
    }  # fmt: skip
    for task in chosen:
        for language in os.environ.get("LANGUAGES", "en,zh").split(","):
            items = test_items(task, language)
            told = {f"seed {seed}": learned(task, language, items, seed) for seed in seeds}
            found[f"{task} {language}"] = told | _baselines(task, language, items)
    return found


def learned(task: str, language: str, items: list[Item], seed: int) -> dict[str, Any]:
    """The task learned by its recipe, and what it answers."""
    shown, config = RECIPES[task]
    config = config.replace(seed=seed, steps=int(os.environ.get("STEPS", config.steps)))
    model, tokenizer = pretrained.load(data_dir() / "checkpoints" / "tinyworld-base")
    talks = lessons_of(task, language, shown)
    data = Documents(
        lambda n: conversation(talks(n), tokenizer), end_id=tokenizer.special_tokens["<|end|>"],
        batch_size=shown.batch_size, context_length=model.config.context_length, seed=seed, alike=8,
    )  # fmt: skip
    now = time.process_time if BY_CPU else time.perf_counter
    began = now()
    train(model, data, config)
    seconds = now() - began
    said = replies(model.eval(), tokenizer, [item.turns for item in items])
    answers = said if task == "dialogue" else [each[0] for each in said]
    return _judged(items, answers) | {
        "steps": config.steps,
        "seconds": round(seconds),
        "answering": round(now() - began - seconds),
    }


def _judged(items: list[Item], answers: list[Any]) -> dict[str, Any]:
    found = [truth(item, answer) for item, answer in zip(items, answers, strict=True)]
    low, high = wilson(sum(each.right for each in found), len(found))
    numbers = {name: round(value, 4) for name, value in scores(items, answers).items()}
    return numbers | {"interval": f"{low:.3f} – {high:.3f}", "n": len(found), "errors": error_counts(found)}


def _baselines(task: str, language: str, items: list[Item]) -> dict[str, Any]:
    """What is reached without a model."""
    if task == "dialogue":  # the single-turn model beside it is a trained one
        return {}
    items_of = training(task, language)
    seen = [items_of(n) for n in range(LEARNED_FROM)] if task != "summarization" else []
    ways: dict[str, Callable[[Item], str]]
    if task == "translation":
        ways = {"word by word": baselines.word_by_word(seen)}
    elif task == "summarization":
        ways = {"lead sentence": baselines.lead_sentence, "longest sentence": baselines.longest_sentence}
    else:
        ways = {"majority": baselines.majority_answer(seen), "6-gram": baselines.ngram_answer(seen)}
    return {name: _judged(items, [way(item) for item in items]) for name, way in ways.items()}
