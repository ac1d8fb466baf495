"""Lesson 06's recipes, and the runs that it shows from a file: a film, a longer one, the grid of its dials.

    python -m llmasos_edu.lesson.race          writes data/runs/race.json
    python -m llmasos_edu.lesson.race dials    writes data/runs/dials.json

The lesson runs its race itself, with the same settings written out, and claims that they are these. Leaves
out the shipped model (`make checkpoints`).
Source: Radford et al. 2019 (GPT-2's shape); Jordan et al. 2024, "Muon", and the speed runs of small models
that use it, for today's. Explained in lesson 06.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from llmasos_edu.batches import Documents
from llmasos_edu.corpora import tinyworld_tokenizer
from llmasos_edu.files import atomic_write, data_dir
from llmasos_edu.generation import generate
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.tinyworld import BLANK, END, World
from llmasos_edu.training import Event, TrainConfig, on_stories, on_word, train

__all__ = [
    "COMMAND", "GPT2", "TODAY", "TODAY_TRAINING", "Film", "Ground", "dials", "race", "split",
]  # fmt: skip

COMMAND = "python -m llmasos_edu.lesson.race"
VOCABULARY, CONTEXT = 658, 128  # TinyWorld's tokens in English; its longest story has room
#: GPT-2's shape.
GPT2 = GPTConfig(VOCABULARY, CONTEXT, d_model=128, n_heads=4, n_layers=4, d_ff=512)
#: Today's shape, no larger, and its training.
TODAY = LlamaConfig(
    VOCABULARY, CONTEXT, d_model=128, n_heads=4, n_kv_heads=4, n_layers=4, d_head=32, d_ff=256,
    activation="relu2", qk_norm="weighted", tied=False, zero_projections=True, init_std=0.05,
    embedding_std=1.0,
)  # fmt: skip
TODAY_TRAINING = TrainConfig(
    steps=720, optimizer="muon", lr=0.004, embedding_factor=5.0, muon_lr=0.01, schedule="linear",
    decay_from=0.3, weight_decay=0.0, betas=(0.8, 0.95), clip=None, evaluate_every=45,
)  # fmt: skip
BATCH = 16
LONGER = 3  # times as many steps
#: Moments of the film: steps of today's run.
MOMENTS = (
    0, 5, 10, 20, 30, 40, 60, 80, 100, 130, 160, 200, 240, 280, 320, 360, 400, 440, 480, 520, 560, 600, 640,
    680, 720,
)  # fmt: skip


class Ground:
    """What all run on: English stories, a test against the exact floor, and the blank.

    Args:
        validation: Stories of the test.

    Attributes:
        world: Where stories come from.
        tokenizer: A word is a token.
        end: The end token's id.
        floor: Mean nats of the test's stories, exact.
        test: A function of a model, for `train`.
        blank: Likewise: P of each thing that may fill it.
    """

    def __init__(self, validation: int = 100):
        self.world = World("en")
        self.tokenizer = tinyworld_tokenizer(self.world)
        self.end = self.tokenizer.special_tokens[END]
        told = self.world.validation(validation)
        self.floor = sum(story.nats for story in told) / validation
        ids = [self.tokenizer.encode(story.text) for story in told]
        self.test = on_stories(ids, end_id=self.end, floor=self.floor)
        things = {thing.name: self.tokenizer.encode(f" {thing.name}")[0] for thing in self.world.things}
        self.blank = on_word(self.tokenizer.encode(BLANK["en"]), things, end_id=self.end)

    def batches(self, batch_size: int, seed: int = 0) -> Documents:
        """Stories 0, 1, 2 …, each once; those of like length share a batch."""
        return Documents(
            lambda i: self.tokenizer.encode(self.world.story(i).text), end_id=self.end,
            batch_size=batch_size, context_length=CONTEXT, seed=seed, alike=16,
        )  # fmt: skip


def split(world: World, words: Sequence[str]) -> tuple[str, str]:
    """A text as what is possible in the world, and the rest from its first impossible word on.

    Args:
        world: Whose rules hold.
        words: The text; `END` as its last word if it stops there by itself.

    Returns:
        Two texts; the second is empty where all is possible.

    Example:
        >>> split(World("en"), ["Mia", " had", " a", " red", " kite", ".", " Kite"])
        ('Mia had a red kite.', ' Kite')
    """
    for n, word in enumerate(words):
        so_far = "".join(words[:n])
        if word not in world.next_word(so_far):
            return so_far, "".join(words[n:]).replace(END, " (the end)")
    return "".join(word for word in words if word != END), ""


class Film:
    """A callback: at some steps keeps the test, the blank and a story.

    Args:
        ground: Where the model learns.
        moments: The steps.
    """

    def __init__(self, ground: Ground, moments: Sequence[int] = MOMENTS):
        self.ground, self.moments = ground, moments
        self.kept: dict[str, Any] = {
            "steps": [],
            "losses": [],
            "above": [],
            "words": [],
            "p": [],
            "stories": [],
        }

    def __call__(self, event: Event) -> None:
        """Look, if it is a moment."""
        if event.step not in self.moments:
            return
        p = self.ground.blank(event.model)
        right = ["kite", "drum"]
        self.kept["words"] = right + sorted(set(p) - set(right))
        self.kept["steps"].append(event.step)
        self.kept["losses"].append(round(event.loss, 3))
        self.kept["above"].append(round(self.ground.test(event.model)["above"], 3))
        self.kept["p"].append([round(p[word], 5) for word in self.kept["words"]])
        self.kept["stories"].append(self.told(event.model))

    def told(self, model: Any) -> tuple[str, str]:
        """A story that a `GPT` or `Llama` tells from its beginning, by the same random numbers each time."""
        tokenizer, end = self.ground.tokenizer, self.ground.end
        (story,) = generate(
            model, [[end]], max_new_tokens=90, generator=torch.Generator().manual_seed(6), stop_tokens=[end]
        )
        words = [tokenizer.decode([i]) for i in story.ids]
        return split(self.ground.world, words)


def build(config: GPTConfig | LlamaConfig, seed: int = 0) -> GPT | Llama:
    """The model of a config, with first numbers drawn from `seed`.

    A query and a key of d_head numbers, normed, have length √d_head; where the norm has weights they begin at
    1.5, so that first scores can be larger than 1/√d_head alone would let them be.
    """
    generator = torch.Generator().manual_seed(seed)
    if isinstance(config, GPTConfig):
        return GPT(config, generator=generator)
    model = Llama(config, generator=generator)
    for name, p in model.named_parameters():
        if name.endswith(("q_norm.weight", "k_norm.weight")):
            nn.init.constant_(p, 1.5)
    return model


def race(share: float = 1.0, validation: int = 100) -> dict[str, Any]:
    """Run today's recipe as in the lesson, with a film of it, and with more steps.

    Args:
        share: Of their steps, for a try.
        validation: Stories of the test.

    Returns:
        What the file holds: command, settings, the curves (step, above), the film.
    """
    ground = Ground(validation)
    film = Film(ground)
    longer = TODAY_TRAINING.replace(steps=LONGER * TODAY_TRAINING.steps, evaluate_every=100)
    runs = {
        "today": kept(ground, TODAY, TODAY_TRAINING, share, film),
        "longer": kept(ground, TODAY, longer, share),
    }
    return {
        "command": COMMAND, "batch": BATCH, "runs": runs,
        "film": film.kept,
    }  # fmt: skip


def kept(
    ground: Ground, shape: GPTConfig | LlamaConfig, training: TrainConfig, share: float,
    *callbacks: Film,
) -> dict[str, Any]:  # fmt: skip
    """Run one recipe, or the first `share` of it, and keep its settings, its curve and its answer."""
    model, steps = build(shape), max(1, round(share * training.steps))
    short = training.replace(steps=steps, warmup=min(steps, training.warmup))
    history = train(model, ground.batches(BATCH), short, validation=ground.test, callbacks=callbacks)
    curve, p = history.validation, ground.blank(model)
    return {
        "model": json.loads(shape.to_json()), "training": json.loads(training.to_json()),
        "step": [int(step) for step in curve["step"]], "tokens": history.tokens[-1],
        "above": [round(a, 3) for a in curve["above"]],
        "blank": {word: round(p[word], 5) for word in ("kite", "drum")},
    }  # fmt: skip


#: A smaller GPT-2 and its training: what the dials turn, one at a time.
SMALL = GPT2.replace(d_model=64, n_layers=2, d_ff=256)
BASE = TrainConfig(steps=150, lr=3e-3, warmup=15, evaluate_every=150)
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
DIALS: dict[str, tuple[Any, ...]] = {
    "lr": RATES,
    "lr, no warm-up": RATES,
    "batch": (4, 32),
    "steps": (75, 300),
    "schedule": ("constant", "linear"),
    "weight_decay": (0.0, 1.0),
    "clip": (None, 0.1),
    "optimizer": ("muon",),
}


def turned(dial: str, value: Any) -> tuple[TrainConfig, int]:
    """The base with one dial turned: its training, and its batch size."""
    changes = {
        "lr, no warm-up": {"lr": value, "warmup": 0},
        "batch": {},
        "schedule": {"decay_from": 1.0} if value == "constant" else {"schedule": value},
    }.get(dial, {dial: value})
    return BASE.replace(**changes), value if dial == "batch" else BATCH


def dials(share: float = 1.0) -> dict[str, Any]:
    """Run the grid.

    Args:
        share: Of its steps, for a try.

    Returns:
        What the file holds: command, base settings, and a row for each run: dial, value, nats above the floor
        after the last step, loss of the last batch.
    """
    ground = Ground()
    rows = []
    for dial, values in DIALS.items():
        for value in values:
            training, batch = turned(dial, value)
            steps = max(1, round(share * training.steps))
            training = training.replace(steps=steps, warmup=min(steps, training.warmup))
            history = train(build(SMALL), ground.batches(batch), training, validation=ground.test)
            above = history.validation["above"][-1]
            rows.append(
                {"dial": dial, "value": value, "above": round(above, 3), "loss": round(history.losses[-1], 4)}
            )
    return {
        "command": f"{COMMAND} dials", "model": json.loads(SMALL.to_json()),
        "training": json.loads(BASE.to_json()), "batch": BATCH, "rows": rows,
    }  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Write the file that is asked for."""
    name = "dials" if "dials" in arguments else "race"
    made = dials() if name == "dials" else race()
    with atomic_write(data_dir() / "runs" / f"{name}.json") as file:
        file.write(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
