"""How much sooner does today's recipe reach the loss that the classic one ends with?

    python -m benchmarks.bench_speed SEED [SEED …]      TEXT=path takes another text, split nine to one

On Tiny Shakespeare's characters. Classic: nanoGPT's CPU setting on our `gpt` (4 layers, d_model 128, context
64, batch 12, AdamW, 2,000 steps). Fast: today's decoder of the same width, in two layers, which are enough
for that loss; Muon; each part is shown the letters before (`neighbours`). Both are tested on all validation
characters in windows of 64 side by side; testing does not count as time, all else does. `ratio` is the
classic's whole time divided by the fast one's time to the first test at or below the classic's last loss.
Threads: torch's default. Source: nanoGPT's README and config/train_shakespeare_char.py.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.neighbours import show_neighbours
from llmasos_edu.batches import Windows, consecutive_windows
from llmasos_edu.corpora import tinyshakespeare
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.training import Event, History, TrainConfig, train

QUICK = False


@dataclass(frozen=True)
class Recipe:
    """A model and how it is trained; its vocabulary is the text's.

    Attributes:
        model: Its shape.
        training: How.
        batch_size: Windows a step.
        before: How many tokens before each one a `Llama` is shown at once (`neighbours`); 0: as it is.
    """

    model: GPTConfig | LlamaConfig
    training: TrainConfig
    batch_size: int
    before: int = 0


CLASSIC = Recipe(  # nanoGPT's CPU setting
    GPTConfig.preset("tiny", bias=False),
    TrainConfig(
        steps=2_000, lr=1e-3, final=0.1, warmup=100, weight_decay=0.1, betas=(0.9, 0.99), evaluate_every=2_000
    ),
    batch_size=12,
)
FAST = Recipe(  # RoPE, RMSNorm and QK-norm without weights, ReLU², zero projections, Muon; neighbours shown
    LlamaConfig(
        context_length=64, d_model=128, n_heads=4, n_kv_heads=4, d_head=32, n_layers=2, d_ff=512, tied=False,
        qk_norm="plain", norm_weights=False, activation="relu2", zero_projections=True,
    ),
    TrainConfig(
        steps=140, optimizer="muon", lr=0.015, muon_lr=0.025, muon_momentum=0.9, schedule="linear",
        decay_from=0.4, weight_decay=0.0, betas=(0.8, 0.95), clip=None, evaluate_every=10,
    ),
    batch_size=16,
    before=3,
)  # fmt: skip
#: What suits the fast recipe better where it has the classic's whole time.
LONGER: dict[str, Any] = {"muon_momentum": 0.95, "lr": 0.004, "embedding_factor": 5.0}


class Text:
    """A text as characters: what to train on, and the fixed windows of `context_length` to test on."""

    def __init__(self, path: str | None, context_length: int):
        training, validation = tinyshakespeare(path)
        letters = {c: i for i, c in enumerate(sorted(set(training + validation)))}
        self.vocab_size, self.context_length = len(letters), context_length
        self.training = np.array([letters[c] for c in training])
        held_back = np.array([letters[c] for c in validation])
        self.windows = list(consecutive_windows(held_back, context_length, 128))

    def batches(self, batch_size: int, seed: int) -> Windows:
        """Windows drawn at random, as nanoGPT draws them."""
        return Windows(self.training, batch_size=batch_size, context_length=self.context_length, seed=seed)


def follow(
    recipe: Recipe,
    text: Text,
    seed: int,
    device: torch.device | str = "cpu",
    callbacks: tuple[Callable[[Event], Any], ...] = (),
) -> History:
    """Train a new model on the text as the recipe says."""
    model = build(recipe, text, torch.Generator(device).manual_seed(seed))
    batches = text.batches(recipe.batch_size, seed)
    return train(model, batches, recipe.training, validation=text.windows, callbacks=callbacks)


def build(recipe: Recipe, text: Text, generator: torch.Generator) -> GPT | Llama:
    """A new model of the recipe."""
    config = recipe.model.replace(vocab_size=text.vocab_size)
    if isinstance(config, GPTConfig):
        return GPT(config, generator=generator)
    model = Llama(config, generator=generator)
    return show_neighbours(model, recipe.before, generator) if recipe.before else model


def reached(history: History, target: float) -> float | None:
    """Seconds to the first test at or below a loss; None where none was."""
    tests = zip(history.validation["seconds"], history.validation["loss"], strict=True)
    return next((seconds for seconds, loss in tests if loss <= target), None)


def size(recipe: Recipe, text: Text) -> int:
    """How many parameters the recipe's model has on this text."""
    model = build(recipe, text, torch.Generator().manual_seed(0))
    return sum(p.numel() for p in model.parameters())


def one_seed(text: Text, seed: int) -> dict[str, Any]:
    """Both recipes, and the fast one again for as long as the classic took."""
    slow = follow(CLASSIC, text, seed)
    target, whole = slow.validation["loss"][-1], slow.seconds[-1]
    print(f"seed {seed}: classic {target:.4f} after {whole:.1f} s", file=sys.stderr, flush=True)
    quick = follow(FAST, text, seed)
    tested = zip(quick.validation["seconds"], quick.validation["loss"], strict=True)
    print(f"seed {seed}: fast {[(round(s, 1), round(x, 4)) for s, x in tested]}", file=sys.stderr, flush=True)
    there = reached(quick, target)
    steps = int(FAST.training.steps * whole / quick.seconds[-1])
    longer = replace(FAST, training=FAST.training.replace(steps=steps, evaluate_every=steps, **LONGER))
    as_long = follow(longer, text, seed)
    return {
        "ratio": round(whole / there, 2) if there else 0.0,
        "classic_seconds": round(whole, 1), "classic_loss": round(target, 4),
        "fast_seconds": round(there, 1) if there else "never",
        "fast_last_seconds": round(quick.seconds[-1], 1),
        "fast_last_loss": round(quick.validation["loss"][-1], 4),
        "fast_loss_after_classic_time": round(as_long.validation["loss"][-1], 4),
        "as_long_seconds": round(as_long.seconds[-1], 1), "as_long_steps": steps,
        "parameters": {"classic": size(CLASSIC, text), "fast": size(FAST, text)},
    }  # fmt: skip


def run(seeds: tuple[int, ...] = (0, 1, 2)) -> dict[str, Any]:
    """The median over seeds, and each seed's numbers."""
    text = Text(os.environ.get("TEXT"), CLASSIC.model.context_length)
    found = {str(seed): one_seed(text, seed) for seed in seeds}
    return {
        "ratio": median(f["ratio"] for f in found.values()), "threads": torch.get_num_threads(),
        "fast_loss_after_classic_time": median(f["fast_loss_after_classic_time"] for f in found.values()),
        "seeds": found, "recipe": asdict(FAST.training), "longer": LONGER,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(tuple(map(int, sys.argv[1:])) or (0, 1, 2))))
