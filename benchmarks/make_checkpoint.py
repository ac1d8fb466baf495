"""Make data/checkpoints/tinyworld-base: a small model of TinyWorld in English and 中文, with its card.

`make checkpoints` trains it; killed, it goes on where it was. For a try, with few steps and in other places:
python -m benchmarks.make_checkpoint --steps 50 --folder my_base --run-dir my_run
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Container, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.checkpoint_card import LANGUAGES, Made
from llmasos_edu import pretrained
from llmasos_edu.batches import Documents
from llmasos_edu.corpora import tinyworld_tokenizer
from llmasos_edu.evaluation import Verdict, judge, sample_stories, tally, told
from llmasos_edu.files import atomic_write, data_dir, repo_root
from llmasos_edu.generation import Decoding
from llmasos_edu.lesson.race import build
from llmasos_edu.llama import LlamaConfig
from llmasos_edu.tinyworld import BLANK, END, World
from llmasos_edu.training import TrainConfig, on_stories, on_word, train

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
RECIPE = TrainConfig(
    steps=9_600, optimizer="muon", lr=0.004, embedding_factor=5.0, muon_lr=0.01, schedule="linear",
    decay_from=0.3, weight_decay=0.0, betas=(0.8, 0.95), clip=None, seed=SEED, evaluate_every=960,
    save_every=200,
)  # fmt: skip


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
            held_back = world.validation(n)
            name, floor = world.language, math.fsum(s.nats for s in held_back) / n + math.log(2)
            (right,) = world.next_word(BLANK[name])
            blank = stories.encode(world.words(BLANK[name]))
            ids = [stories.encode(s.words) for s in held_back]
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
    model = build(LlamaConfig(vocab_size=stories.tokenizer.vocab_size, **MODEL), SEED)
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
    made = Made(
        recipe, history, TOLD, (curve, last, samples), BATCH, final.floors, reached, tales, model.config,
        sum(p.numel() for p in model.parameters()), (folder / "model.safetensors").stat().st_size,
    )  # fmt: skip
    for name, text in (("curve.json", made.curve()), ("README.md", made.card())):
        with atomic_write(folder / name) as file:
            file.write(text)


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
