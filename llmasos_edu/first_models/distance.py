"""How far back can each model look? The run behind lesson 04's chart.

    python -m llmasos_edu.first_models.distance

trains the models of lessons 02–04 on TinyWorld and asks each, wherever a story names a coloured thing again
("left the red ___"), which thing it is: the story has said it before, some words back. Writes
`data/runs/distance.json`: accuracy by distance, nats a story, the blank, and what the attention layer's heads
hold for the blank.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from ..files import atomic_write, data_dir
from ..probability import NGram
from ..tinyworld import BLANK, END, TWIN, World
from .loop import document_nats, make_batches, next_word, train_steps
from .models import FixedWindow, OneAttention

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["BINS", "COMMAND", "Place", "places", "run"]

COMMAND = "python -m llmasos_edu.first_models.distance"
BINS = ((1, 8), (9, 16), (17, 32), (33, 48), (49, 96))  # words back, both ends included
STORIES, HELD_BACK, STEPS, BATCH, SEED = 4000, 300, 900, 32, 0


class Place(NamedTuple):
    """A place where the next word is a thing that the story has named before."""

    story: int
    position: int  # of the colour word; the thing comes next
    distance: int  # words back to the same colour
    thing: str


def places(stories: list[list[str]], colours: set[str]) -> list[Place]:
    """Every place in the stories where a colour comes again and the same thing follows it.

    Args:
        stories: Words of each story.
        colours: The colour words, with their space.

    Returns:
        The places, in order.

    Example:
        >>> places([[" a", " red", " kite", " the", " red", " kite"]], {" red"})
        [Place(story=0, position=4, distance=3, thing=' kite')]
    """
    found = []
    for i, words in enumerate(stories):
        last: dict[str, int] = {}
        for position, word in enumerate(words[:-1]):
            if word in colours:
                before = last.get(word)
                if before is not None and words[before + 1] == words[position + 1]:
                    found.append(Place(i, position, position - before, words[position + 1]))
                last[word] = position
    return found


class Setting:
    """Stories for training and for asking, as words and as ids."""

    def __init__(self, stories: int = STORIES, held_back: int = HELD_BACK):
        world = World("en")
        self.vocabulary = [END, *(w for w in world.lexicon if w != END)]
        self.index = {w: i for i, w in enumerate(self.vocabulary)}
        self.train = [self.words(world.story(i).text) for i in range(stories)]
        self.asked = [self.words(s.text) for s in world.validation(held_back)]
        self.floor = sum(s.nats for s in world.validation(held_back)) / held_back
        self.places = places(self.asked, {f" {c.name}" for c in world.colours})
        self.context = max(map(len, [*self.train, *self.asked])) + 1

    def words(self, text: str) -> list[str]:
        """The words of a text, the first with its space too."""
        return World("en").words(" " + text)

    def ids(self, words: list[str]) -> list[int]:
        """Their places in the vocabulary."""
        return [self.index[w] for w in words]


def by_distance(setting: Setting, best: Callable[[list[str]], str]) -> list[float]:
    """Accuracy in each bin of distance; `best` names the likeliest next word after some words."""
    hits: list[list[bool]] = [[] for _ in BINS]
    for place in setting.places:
        bin_ = next(i for i, (low, high) in enumerate(BINS) if low <= place.distance <= high)
        before = setting.asked[place.story][: place.position + 1]
        hits[bin_].append(best(before) == place.thing)
    return [sum(h) / len(h) for h in hits]


def _counted(setting: Setting) -> dict[str, Any]:
    model = NGram(5, setting.vocabulary, "back_off").fit([[*words, END] for words in setting.train])

    def best(before: list[str]) -> str:
        p = model.next(before)
        return max(p, key=lambda w: p[w])

    blank = {name: model.next(setting.words(text)) for name, text in _blanks().items()}
    nats = [float(model.nats([*words, END]).sum()) for words in setting.asked]
    return {
        "accuracy": by_distance(setting, best),
        "nats": sum(nats) / len(nats),
        "blank": {name: {w: p[f" {w}"] for w in ("kite", "drum")} for name, p in blank.items()},
    }


def _trained(
    setting: Setting, model: torch.nn.Module, steps: int, generator: torch.Generator
) -> dict[str, Any]:
    documents = [setting.ids(words) for words in setting.train]
    batches = make_batches(documents, end_id=0, batch_size=BATCH, generator=generator)
    train_steps(model, batches, steps=steps, lr=0.01)

    def after(words: list[str]) -> Float[torch.Tensor, " V"]:
        return next_word(model, setting.ids(words), end_id=0)

    blank = {name: after(setting.words(text)) for name, text in _blanks().items()}
    asked = [setting.ids(words) for words in setting.asked]
    return {
        "accuracy": by_distance(setting, lambda before: setting.vocabulary[int(after(before).argmax())]),
        "nats": float(document_nats(model, asked, end_id=0).mean()),
        "blank": {
            name: {w: float(p[setting.index[f" {w}"]]) for w in ("kite", "drum")} for name, p in blank.items()
        },
    }


def _blanks() -> dict[str, str]:
    return {"blank": BLANK["en"], "twin": TWIN["en"]}


def _heads(setting: Setting, model: OneAttention) -> dict[str, Any]:
    """Queries and keys of each head for the blank, the end token in front."""
    words = [END, *setting.words(BLANK["en"])]
    with torch.no_grad():
        q, k, _ = model._queries_keys_values(model._places(torch.tensor([setting.ids(words)])))
    rounded = {
        name: [[[round(x, 2) for x in row] for row in head] for head in t[0].tolist()]
        for name, t in (("q", q), ("k", k))
    }
    return {"tokens": words, **rounded}


def run(setting: Setting, steps: int = STEPS) -> dict[str, Any]:
    """Train, ask, and give what the file holds."""
    generator = torch.Generator().manual_seed(SEED)
    vocab_size = len(setting.vocabulary)
    window = FixedWindow(vocab_size, 8, 48, 128, generator=generator, std=1.0)
    attention = OneAttention(vocab_size, setting.context, 64, n_heads=4, generator=generator)
    models = {
        "5-gram": _counted(setting),
        "fixed window of 8": _trained(setting, window, steps, generator),
        "one attention layer": _trained(setting, attention, steps, generator),
    }
    counts = [sum(low <= p.distance <= high for p in setting.places) for low, high in BINS]
    return {
        "command": COMMAND, "stories": len(setting.train), "steps": steps, "batch": BATCH, "seed": SEED,
        "floor": setting.floor, "bins": BINS, "places": counts, "models": models,
        "heads": _heads(setting, attention),
    }  # fmt: skip


if __name__ == "__main__":
    start = time.perf_counter()
    result = run(Setting())
    result["seconds"] = round(time.perf_counter() - start)
    result["machine"] = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    with atomic_write(data_dir() / "runs" / "distance.json") as file:
        file.write(json.dumps(result, separators=(",", ":")) + "\n")
