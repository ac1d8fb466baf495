"""The four applications, each learned from tinyworld-base by its recipe and asked its frozen test set.

Beside each: the baselines that need no model. TASKS=translation, LANGUAGES=zh and SEEDS=0,1 pick some; STEPS
shortens; CLOCK=cpu counts processor seconds (`clock`).
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.clock import counted_by, now
from benchmarks.task_baselines import LEARN_FROM, baselines
from llmasos_edu import pretrained
from llmasos_edu.batches import Documents
from llmasos_edu.evaluation import wilson
from llmasos_edu.evaluation.scores import scores
from llmasos_edu.evaluation.truth import error_counts, truth
from llmasos_edu.files import data_dir
from llmasos_edu.finetuning import RECIPES, answers_to, conversation, lasting, lessons_of
from llmasos_edu.tinyworld.tasks import TASKS, Item, test_items
from llmasos_edu.training import train

QUICK = False


def run() -> dict[str, Any]:
    """Of each task, language and seed: what it reached, with the interval, seconds, errors; the baselines."""
    chosen = os.environ.get("TASKS", ",".join(TASKS)).split(",")
    seeds = [int(seed) for seed in os.environ.get("SEEDS", "0").split(",")]
    found = counted_by()
    for task in chosen:
        for language in os.environ.get("LANGUAGES", "en,zh").split(","):
            items = test_items(task, language)
            told = {f"seed {seed}": learned(task, language, items, seed) for seed in seeds}
            ways = baselines(task, language) if task in LEARN_FROM else {}  # a dialogue's is a trained model
            beside = {name: _judged(items, [way(item) for item in items]) for name, way in ways.items()}
            found[f"{task} {language}"] = told | beside
    return found


def learned(task: str, language: str, items: list[Item], seed: int) -> dict[str, Any]:
    """The task learned by its recipe, and what it answers."""
    shown, config = RECIPES[task]
    config = lasting(config, int(os.environ.get("STEPS", config.steps))).replace(seed=seed)
    model, tokenizer = pretrained.load(data_dir() / "checkpoints" / "tinyworld-base")
    talks = lessons_of(task, language, shown)
    data = Documents(
        lambda n: conversation(talks(n), tokenizer), end_id=tokenizer.special_tokens["<|end|>"],
        batch_size=shown.batch_size, context_length=model.config.context_length, seed=seed, alike=8,
    )  # fmt: skip
    began = now()
    train(model, data, config)
    seconds = now() - began
    answers = answers_to(model.eval(), tokenizer, items)
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
