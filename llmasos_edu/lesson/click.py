"""Where lesson 06's model looks just before and just after the click: the run behind its Explorer.

    python -m llmasos_edu.lesson.click    writes data/runs/click.json

Today's run of `race` is made once more, and stopped at two of its moments: at the first the model fills the
blank with the wrong thing, at the second with the right one. Of each are kept every head's weights on the
blank, the next words, and what the blank would be without one head. Leaves out the models themselves.
Explained in lesson 06.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from llmasos_edu.files import atomic_write, data_dir
from llmasos_edu.lesson.race import BATCH, TODAY, TODAY_TRAINING, Ground, build
from llmasos_edu.tinyworld import BLANK, END
from llmasos_edu.training import Event, train
from llmasos_edu.widgets.attention_data import Layer, Reading

__all__ = ["COMMAND", "MOMENTS", "Looks", "kept", "readings", "run"]

COMMAND = "python -m llmasos_edu.lesson.click"
#: Steps of the run: before the click, and after it.
MOMENTS = (440, 480)
NEXT = 4  # words kept of each list


class Looks:
    """A callback: at some steps keeps how the model reads the blank.

    Args:
        ground: Where the model learns.
        moments: The steps.

    Attributes:
        kept: Step → weights per mille [layer][head][query][key], `next` words with their probabilities for
            each position, `off`: [P(kite), P(drum)] without a head [layer][head].
    """

    def __init__(self, ground: Ground, moments: Sequence[int] = MOMENTS):
        self.ground, self.moments = ground, moments
        self.kept: dict[str, Any] = {}

    def __call__(self, event: Event) -> bool:
        """Look, if it is a moment; the last one ends the run."""
        if event.step in self.moments:
            self.kept[str(event.step)] = self.look(event.model)
        return event.step >= max(self.moments)

    def look(self, model: Any) -> dict[str, Any]:
        """How this model, a `GPT` or `Llama`, reads the blank."""
        ids = torch.tensor([[self.ground.end, *self.ground.tokenizer.encode(BLANK["en"])]])  # (1, T)
        with torch.inference_mode():
            weights = model.attention_weights(ids)[:, 0]  # (L, H, T, T)
            best = model(ids)[0].softmax(-1).topk(NEXT)  # (T, NEXT)
        word = self.ground.tokenizer.decode
        L, H = weights.shape[:2]
        return {
            "weights": (1000 * weights).round().int().tolist(),
            "next": [
                [[word([i]), round(p, 4)] for i, p in zip(row, shares, strict=True)]
                for row, shares in zip(best.indices.tolist(), best.values.tolist(), strict=True)
            ],
            "off": [[self.without(model, layer, head) for head in range(H)] for layer in range(L)],
        }

    def without(self, model: Any, layer: int, head: int) -> list[float]:
        """P(kite) and P(drum) with one head switched off."""
        with model.heads_off([(layer, head)]):
            p = self.ground.blank(model)
        return [round(p[word], 4) for word in ("kite", "drum")]


def run(moments: Sequence[int] = MOMENTS) -> dict[str, Any]:
    """Train as in the race up to the last moment, and give what the file holds."""
    ground = Ground(validation=1)
    looks = Looks(ground, moments)
    train(build(TODAY), ground.batches(BATCH), TODAY_TRAINING, callbacks=[looks])
    words = [ground.tokenizer.decode([i]) for i in ground.tokenizer.encode(BLANK["en"])]
    return {"command": COMMAND, "tokens": [END, *words], "moments": looks.kept}


def kept() -> dict[str, Any]:
    """What the file holds."""
    return json.loads((data_dir() / "runs" / "click.json").read_text(encoding="utf-8"))


def readings() -> list[Reading]:
    """How the model reads the blank at each of the moments, for the Attention Explorer."""
    stored, found = kept(), []
    for moment in stored["moments"].values():
        layers = [Layer(weights=np.array(weights) / 1000) for weights in moment["weights"]]
        words = [[(word, p) for word, p in best] for best in moment["next"]]
        found.append(Reading(stored["tokens"], layers, words))
    return found


if __name__ == "__main__":
    with atomic_write(data_dir() / "runs" / "click.json") as file:
        file.write(json.dumps(run(), separators=(",", ":")) + "\n")
