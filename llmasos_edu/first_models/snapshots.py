"""What a fixed window's embeddings look like while it learns: the run behind lesson 03's plane.

    python -m llmasos_edu.first_models.snapshots

trains the lesson's window on the lesson's stories and writes `data/runs/embeddings.json`: the rows of people,
places, things and colours at some steps. The groups are for the reader's eye; the model never sees them.
"""

from __future__ import annotations

import json
from typing import Any

import torch

from ..files import atomic_write, data_dir
from ..tinyworld import END, World
from .loop import make_batches, train_steps
from .models import FixedWindow

__all__ = ["COMMAND", "GROUPS", "STEPS", "run"]

COMMAND = "python -m llmasos_edu.first_models.snapshots"
GROUPS = ("people", "places", "things", "colours")
STORIES, BATCH, RATE, SEED = 2000, 64, 0.02, 0
STEPS = (*range(0, 32, 2), 40, 60, 100, 140, 200)  # most happens at the beginning


def run(stories: int = STORIES, steps: tuple[int, ...] = STEPS) -> dict[str, Any]:
    """Train a window of 5 and keep rows of its embedding.

    Args:
        stories: TinyWorld stories to train on.
        steps: When to look, rising; training ends at the last.

    Returns:
        What the file holds: words, their groups, steps, and snapshots (steps, words, D) as lists.
    """
    world = World("en")
    vocabulary = [END, *(w for w in world.lexicon if w != END)]
    index = {w: i for i, w in enumerate(vocabulary)}
    documents = [[index[w] for w in world.words(" " + world.story(i).text)] for i in range(stories)]
    named = [(one.name, group) for group in GROUPS for one in getattr(world, group)]
    rows = [index[f" {name}"] for name, _ in named]
    model = FixedWindow(len(vocabulary), 5, 16, 64, generator=torch.Generator().manual_seed(SEED))
    generator = torch.Generator().manual_seed(SEED)
    batches = make_batches(documents, end_id=0, batch_size=min(BATCH, stories), generator=generator)
    kept: list[list[list[float]]] = []

    def watch(step: int) -> None:
        if step in steps:
            kept.append([[round(x, 2) for x in row] for row in model.embedding[rows].tolist()])

    train_steps(model, batches, steps=steps[-1], lr=RATE, watch=watch)
    return {
        "command": COMMAND, "stories": stories, "batch": BATCH, "rate": RATE, "seed": SEED,
        "steps": list(steps), "words": [name for name, _ in named], "groups": [group for _, group in named],
        "snapshots": kept,
    }  # fmt: skip


if __name__ == "__main__":
    result = run()
    with atomic_write(data_dir() / "runs" / "embeddings.json") as file:
        file.write(json.dumps(result, separators=(",", ":")) + "\n")
