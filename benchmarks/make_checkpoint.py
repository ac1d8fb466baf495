"""Make data/checkpoints/tinyworld-base: a small model of TinyWorld in English and 中文, with its card.

`make checkpoints` trains it; killed, it goes on where it was. For a try, with few steps and in other places:
python -m benchmarks.make_checkpoint --steps 50 --folder my_base --run-dir my_run
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from collections.abc import Container, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from llmasos_edu import pretrained
from llmasos_edu.batches import Documents
from llmasos_edu.corpora import tinyworld_tokenizer
from llmasos_edu.evaluation import Verdict, judge, most_impossible, sample_stories, tally, told, wilson
from llmasos_edu.files import atomic_write, data_dir, repo_root
from llmasos_edu.generation import Decoding
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.rounding import number, table
from llmasos_edu.tinyworld import BLANK, END, VERSION, World
from llmasos_edu.training import TrainConfig, on_stories, on_word, train

LANGUAGES = ("en", "zh")
SEED, BATCH, CONTEXT = 0, 32, 256
#: Batches whose stories are shared out by length, so that little is filled up.
ALIKE = 8
#: Stories of each language for the curve, and for the card's last line.
CURVE, VALIDATION = 200, 1000
#: Stories that the model tells for each point of the curve, and for the card at each temperature.
TOLD, FINALLY = 256, 1000
TEMPERATURES = (1.0, 0.8, 0.5)
MODEL: dict[str, Any] = {
    "context_length": CONTEXT, "d_model": 128, "n_heads": 4, "n_kv_heads": 4, "n_layers": 5, "d_head": 32,
    "d_ff": 192, "tied": False, "qk_norm": "weighted", "zero_projections": True, "init_std": 0.05,
    "embedding_std": 1.0,
}  # fmt: skip
#: First weights of the norms of queries and keys: scores begin 1.5² times as large as √d_head makes them.
SHARPNESS = 1.5
RECIPE = TrainConfig(
    steps=9_600, optimizer="muon", lr=0.004, embedding_factor=5.0, muon_lr=0.01, schedule="linear",
    decay_from=0.3, weight_decay=0.0, betas=(0.8, 0.95), clip=None, seed=SEED, evaluate_every=960,
    save_every=200,
)  # fmt: skip

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


class Stories:
    """Story i of the training world, in English where i is even and in 中文 where it is odd, as token ids."""

    def __init__(self) -> None:
        self.worlds = World("en").both()
        self.tokenizer = tinyworld_tokenizer(*self.worlds)
        words = {word for world in self.worlds for word in world.lexicon}
        self.ids = {word: self.tokenizer.encode(word)[0] for word in words}
        self.end_id = self.tokenizer.special_tokens[END]

    def __call__(self, i: int) -> list[int]:
        """The ids of story i."""
        return self.encode(self.worlds[i % 2].story(i).words)

    def encode(self, words: Sequence[str]) -> list[int]:
        """Each word is one token."""
        return [self.ids[word] for word in words]


class Examination:
    """Nats above the floor in both languages, and P(right word) on the blank: what `train` tests."""

    def __init__(self, stories: Stories, n: int) -> None:
        self.measures, self.floors = {}, {}
        for world in stories.worlds:
            told = world.validation(n)
            name, floor = world.language, math.fsum(s.nats for s in told) / n + math.log(2)
            (right,) = world.next_word(BLANK[name])
            blank = stories.encode(world.words(BLANK[name]))
            ids = [stories.encode(s.words) for s in told]
            self.floors[name] = floor
            self.measures[name] = (
                on_stories(ids, end_id=stories.end_id, floor=floor),
                on_word(blank, {f"P {name}": stories.ids[right]}, end_id=stories.end_id),
            )

    def __call__(self, model: torch.nn.Module) -> dict[str, float]:
        """A name and a number for each line of the card."""
        found: dict[str, float] = {}
        for name, (above, word) in self.measures.items():
            found |= {f"above {name}": above(model)["above"], **word(model)}
        return found


class Telling:
    """What a model tells, judged by the worlds."""

    def __init__(self, stories: Stories, seen: Container[str] = frozenset()) -> None:
        self.stories, self.seen = stories, seen

    def verdicts(self, model: Any, n: int, temperature: float = 1.0) -> list[Verdict]:
        """Those of n stories, the same draws each time."""
        generator = torch.Generator().manual_seed(SEED)
        texts = sample_stories(
            model, self.stories.tokenizer, n, decoding=Decoding(temperature=temperature), generator=generator
        )
        return judge(texts, self.stories.worlds, self.seen)

    def __call__(self, model: torch.nn.Module) -> dict[str, float]:
        """The share of impossible ones at temperature 1: a number for the curve."""
        return {"impossible": 1 - tally(self.verdicts(model, TOLD)).possible / TOLD}

    def counts(self, model: torch.nn.Module, n: int) -> list[dict[str, Any]]:
        """A row for each temperature and language, and one for both."""
        rows = []
        for temperature in TEMPERATURES:
            verdicts = self.verdicts(model, n, temperature)
            for language in (*LANGUAGES, "both"):
                found = tally(v for v in verdicts if language in (v.language, "both"))
                rows.append({"temperature": temperature, "language": language, **asdict(found)})
        return rows


def make(
    folder: Path, run_dir: Path, recipe: TrainConfig = RECIPE, curve: int = CURVE, last: int = VALIDATION,
    samples: int = FINALLY,
) -> None:  # fmt: skip
    """Train, export, examine what was exported, and write the card.

    Args:
        folder: Where the model goes.
        run_dir: Where the run's checkpoints lie; one that is begun goes on.
        recipe: How to train.
        curve: Stories of each language for the curve.
        last: Stories of each language for the exported model.
        samples: Stories that the exported model tells at each temperature.
    """
    stories = Stories()
    model = first_model(stories.tokenizer.vocab_size)
    config = model.config
    batches = Documents(
        stories, end_id=stories.end_id, batch_size=BATCH, context_length=CONTEXT, seed=SEED, alike=ALIKE
    )
    examination = Examination(stories, curve)
    telling = Telling(stories)
    history = train(
        model, batches, recipe, validation=lambda m: examination(m) | telling(m), run_dir=run_dir
    )  # fmt: skip
    if history.stopped_by != "steps":
        raise SystemExit("stopped; the same command goes on")
    pretrained.export(folder, model.half(), stories.tokenizer, end_token=END)
    shipped, _ = pretrained.load(folder)  # in float32, of the float16 weights on the disk
    final = Examination(stories, last)
    reached = final(shipped)
    seen = told(stories.worlds, recipe.steps * BATCH)
    tales = Telling(stories, seen).counts(shipped, samples)
    with atomic_write(folder / "curve.json") as file:
        file.write(json.dumps(curve_of(history, final.floors, reached, tales), indent=1) + "\n")
    with atomic_write(folder / "README.md") as file:
        said = card(folder, config, recipe, history, (curve, last, samples), final.floors, reached, tales)
        file.write(said)


def first_model(vocab_size: int) -> Llama:
    """The model before its first step."""
    model = Llama(LlamaConfig(vocab_size=vocab_size, **MODEL), generator=torch.Generator().manual_seed(SEED))
    for name, weight in model.named_parameters():
        if name.endswith(("q_norm.weight", "k_norm.weight")):
            weight.data.fill_(SHARPNESS)
    return model


def gap_of(found: dict[str, Any]) -> float:
    """KL(world ‖ model) in nats a story, for the world that tells in both languages equally often."""
    return sum(found[f"above {name}"] for name in LANGUAGES) / len(LANGUAGES)


def curve_of(
    history: Any, floors: dict[str, float], reached: dict[str, float], tales: list[dict[str, Any]]
) -> dict[str, Any]:
    """What lesson 07 draws: gap and impossible share of the run and of what is shipped."""
    names = ["step", *(f"above {name}" for name in LANGUAGES), "impossible"]
    points = [
        dict(zip(names, row, strict=True))
        for row in zip(*(history.validation[n] for n in names), strict=True)
    ]
    run = [{"step": p["step"], "gap": gap_of(p), "impossible": p["impossible"]} for p in points]
    floor = sum(floors.values()) / len(floors)
    return {
        "told": TOLD,
        "run": run,
        "floor": floor,
        "gap": gap_of(reached),
        "reached": reached,
        "tales": tales,
    }


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
    header = [
        "temperature",
        "language",
        "told",
        "possible",
        "interval",
        "new",
        "possible and new",
        "at least",
    ]
    return table(rows, header)


def card(
    folder: Path, config: LlamaConfig, recipe: TrainConfig, history: Any, sizes: tuple[int, int, int],
    floors: dict[str, float], final: dict[str, float], tales: list[dict[str, Any]],
) -> str:  # fmt: skip
    """The model's README."""
    names = ["step", "seconds", *final, "impossible"]
    rows = [[*values] for values in zip(*(history.validation[name] for name in names), strict=True)]
    rows = [[int(step), round(seconds), *rest] for step, seconds, *rest in rows]
    weights = (folder / "model.safetensors").stat().st_size
    header = [name.replace("above", "nats above,") for name in names]
    return CARD.format(
        parameters=sum(p.numel() for p in Llama(config, generator=None).parameters()),
        megabytes=round(weights / 1e6, 2), context=CONTEXT, steps=recipe.steps, batch=BATCH, seed=SEED,
        version=VERSION, minutes=round(history.seconds[-1] / 60, 1), machine=machine(), curve=sizes[0],
        validation=sizes[1], settings=config.to_json() + "\n" + recipe.to_json(),
        floor_en=round(floors["en"], 2), floor_zh=round(floors["zh"], 2), samples=sizes[2],
        seen=recipe.steps * BATCH, gap=number(gap_of(final)), tales=tales_table(tales, gap_of(final)),
        curve_told=TOLD, table=table([*rows, ["float16", "", *final.values(), ""]], header),
    )  # fmt: skip


def machine() -> str:
    """The processor and how much of it was used."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.machine()
    return f"{torch.get_num_threads()} of {os.cpu_count()} cores ({name})"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=RECIPE.steps, help="how often the weights are changed")
    parser.add_argument("--folder", type=Path, default=data_dir() / "checkpoints" / "tinyworld-base")
    parser.add_argument("--run-dir", type=Path, default=repo_root() / "build" / "tinyworld-base")
    given = parser.parse_args()
    every = max(1, given.steps // 10)
    make(given.folder, given.run_dir, RECIPE.replace(steps=given.steps, evaluate_every=every))


if __name__ == "__main__":
    main()
