"""What stands beside a checkpoint of `make_checkpoint`: its card, and the curve that lesson 07 draws."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from llmasos_edu.evaluation import most_impossible, wilson
from llmasos_edu.llama import LlamaConfig
from llmasos_edu.rounding import number, table
from llmasos_edu.tinyworld import VERSION
from llmasos_edu.training import History, TrainConfig

LANGUAGES = ("en", "zh")
CARD = """# tinyworld-base

A language model of TinyWorld, English and 中文 in one: {parameters:,} parameters, float16, {megabytes} MB,
context {context}. A plain Hugging Face folder (Qwen3's shape): `llmasos_edu.pretrained.load` and
transformers read it. A text begins with `<|end|>` and ends with it.

How made: `make checkpoints`, {steps:,} steps of {batch} stories, seed {seed}, TinyWorld version {version}.
Each story is seen once: story i of the training world, in English where i is even, in 中文 where it is odd.
Muon for the matrices in the blocks, AdamW for the rest. It took {minutes} minutes of training, without
tests, on {machine}.

## What it reached

Nats a story above the floor, on the validation stories of data/stories, the end mark included. The floor is
that of a world of two languages, {floor_en} in English and {floor_zh} in 中文: ln 2 of it is for the
language, which the model must guess. P is the probability of the right word on the course's blank. The last
line is this folder's own, from its float16 weights, on {validation:,} stories a language; the others are
from {curve} stories, during training.

```text
{table}
```

## What it tells

{samples:,} stories at each temperature, each begun by `<|end|>`, judged by the training world: the share that
is possible, the 95 % interval of that share (Wilson), and what is possible and new, which is none of the
{seen:,} stories that it was trained on. At temperature 1 at least e^(−gap) of them must be possible, the
gap being the nats above the floor, mean of both languages: {gap}. Below 1 nothing bounds them.

```text
{tales}
```

`curve.json` holds these numbers, what broke in the impossible ones, and the curve, at each of whose points
the model told {curve_told} stories at temperature 1.

## Settings

```json
{settings}
```

## Limits and licence

It knows one invented world and no other; what it says is likely there, not true anywhere. A pronoun follows
from a name there. Trained on generated stories alone. Licence: Apache-2.0, as the project.
"""


@dataclass(frozen=True)
class Made:
    """A model that is made, and all that was measured of it.

    Attributes:
        recipe: How it was trained.
        history: Its run, tested on the way.
        told: Stories it told at each point of the curve.
        stories: Stories of each language for the curve and at the end, and those it told at each temperature.
        batch: Stories a step.
        floors: Nats a story that nobody gets under, by language.
        reached: What the shipped weights reached, by name.
        tales: What became of the stories it told, a row for each temperature and language.
        config: Its shape.
        parameters: How many numbers it has.
        weight_bytes: How large its file is.
    """

    recipe: TrainConfig
    history: History
    told: int
    stories: tuple[int, int, int]
    batch: int
    floors: dict[str, float]
    reached: dict[str, float]
    tales: list[dict[str, Any]]
    config: LlamaConfig
    parameters: int
    weight_bytes: int

    def points(self, *names: str) -> list[dict[str, float]]:
        """The run's tests, each with what it found under these names."""
        rows = zip(*(self.history.validation[name] for name in names), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def curve(self) -> str:
        """JSON: gap and impossible share of the run and of what is shipped."""
        points = self.points("step", *(f"above {name}" for name in LANGUAGES), "impossible")
        run = [{"step": p["step"], "gap": gap_of(p), "impossible": p["impossible"]} for p in points]
        floor = sum(self.floors.values()) / len(self.floors)
        found = {
            "told": self.told, "run": run, "floor": floor, "gap": gap_of(self.reached),
            "reached": self.reached, "tales": self.tales,
        }  # fmt: skip
        return json.dumps(found, indent=1) + "\n"

    def card(self) -> str:
        """The model's README."""
        names, gap = ["step", "seconds", *self.reached, "impossible"], gap_of(self.reached)
        rows = [[int(p["step"]), round(p["seconds"]), *[*p.values()][2:]] for p in self.points(*names)]
        rows.append(["float16", "", *self.reached.values(), ""])
        curve, validation, samples = self.stories
        return CARD.format(
            parameters=self.parameters, megabytes=round(self.weight_bytes / 1e6, 2),
            context=self.config.context_length, steps=self.recipe.steps, batch=self.batch,
            seed=self.recipe.seed, version=VERSION, minutes=round(self.history.seconds[-1] / 60, 1),
            machine=machine(), curve=curve, validation=validation, samples=samples, curve_told=self.told,
            settings=self.config.to_json() + "\n" + self.recipe.to_json(),
            floor_en=round(self.floors["en"], 2), floor_zh=round(self.floors["zh"], 2),
            seen=self.recipe.steps * self.batch, gap=number(gap), tales=tales_table(self.tales, gap),
            table=table(rows, [name.replace("above", "nats above,") for name in names]),
        )  # fmt: skip


def gap_of(found: dict[str, float]) -> float:
    """KL(world ‖ model) in nats a story, for the world that tells in both languages equally often."""
    return sum(found[f"above {name}"] for name in LANGUAGES) / len(LANGUAGES)


def tales_table(tales: list[dict[str, Any]], gap: float) -> str:
    """Shares by temperature and language, with the bound where there is one."""
    rows = []
    for row in tales:
        n, whole = row["n"], row["temperature"] == 1 and row["language"] == "both"
        low, high = wilson(row["possible"], n) if n else (0.0, 1.0)
        rows.append([
            row["temperature"], row["language"], n, row["possible"] / max(1, n),
            f"{number(low)} – {number(high)}", row["new"] / max(1, n), row["possible_and_new"] / max(1, n),
            1 - most_impossible(gap) if whole else "",
        ])  # fmt: skip
    return table(
        rows,
        ["temperature", "language", "told", "possible", "interval", "new", "possible and new", "at least"],
    )


def machine() -> str:
    """The processor and how much of it was used."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.machine()
    return f"{torch.get_num_threads()} of {os.cpu_count()} cores ({name})"
