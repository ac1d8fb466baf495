"""What to let learn: all, a part, an adapter, or a model from scratch, on one task and as many steps each.

Of each: what is right on the frozen set, how many numbers learn, seconds, bytes of gradients and of what the
optimizer remembers, and what is forgotten: nats a story on the validation stories, more than before. Once
more with stories among the examples (replay). TASKS, LANGUAGES and SEEDS (one each), STEPS and ITEMS change
it; CLOCK=cpu counts processor seconds (`clock`).
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import torch

from benchmarks.clock import counted_by, now
from llmasos_edu import checkpoint, lora, pretrained
from llmasos_edu.batches import Documents
from llmasos_edu.evaluation import wilson
from llmasos_edu.evaluation.truth import truth
from llmasos_edu.files import data_dir
from llmasos_edu.finetuning import (
    RECIPES,
    answers_to,
    conversation,
    freeze,
    lasting,
    lessons_of,
    trained,
    with_replay,
)
from llmasos_edu.tinyworld import World
from llmasos_edu.tinyworld.tasks import test_items
from llmasos_edu.training import on_stories, train

QUICK = False
TASK, LANGUAGE = os.environ.get("TASKS", "summarization"), os.environ.get("LANGUAGES", "en")
SEED, ITEMS = int(os.environ.get("SEEDS", "0")), int(os.environ.get("ITEMS", "300"))
WAYS = ("all", "all, replay", "last block", "head", "norms", "lora", "lora, replay", "from scratch")
REPLAY = 0.25  # share of stories
EVERYWHERE = ("*.attention.qkv", "*.attention.output", "*.feed_forward.gate_up", "*.feed_forward.down")


def run() -> dict[str, Any]:
    """The table, a line a way."""
    how = {"task": TASK, "language": LANGUAGE, "steps": _recipe()[1].steps}
    return how | counted_by() | {way: _one(way) for way in WAYS}


def _recipe() -> tuple[Any, Any]:
    shown, config = RECIPES[TASK]
    return shown, lasting(config, int(os.environ.get("STEPS", config.steps))).replace(seed=SEED)


def _one(way: str) -> dict[str, Any]:
    """One way: learned, asked, and what it forgot."""
    shown, config = _recipe()
    model, tokenizer = pretrained.load(data_dir() / "checkpoints" / "tinyworld-base")
    before = _nats(model, tokenizer)
    kind, _, more = way.partition(", ")
    if kind == "lora":
        adapter = lora.LoraConfig(rank=8, alpha=16.0, targets=EVERYWHERE)
        lora.add_lora(model, adapter, generator=torch.Generator().manual_seed(SEED))
    elif kind == "from scratch":
        model = type(model)(model.config, generator=torch.Generator().manual_seed(SEED))
    else:
        freeze(model, but=kind)
    talks, worlds = lessons_of(TASK, LANGUAGE, shown), [World("en"), World("zh")]
    documents = with_replay(
        lambda n: conversation(talks(n), tokenizer),
        lambda n: tokenizer.encode(worlds[n % 2].story(n).text), REPLAY if more else 0.0,
    )  # fmt: skip
    data = Documents(
        documents, end_id=tokenizer.special_tokens["<|end|>"], batch_size=shown.batch_size,
        context_length=model.config.context_length, seed=SEED, alike=8,
    )  # fmt: skip
    began = now()
    with tempfile.TemporaryDirectory() as run_dir:
        train(model, data, config.replace(save_every=config.steps), run_dir=run_dir)
        seconds, beside = now() - began, _beside(model, run_dir)
    items = test_items(TASK, LANGUAGE)[:ITEMS]
    answers = answers_to(model.eval(), tokenizer, items)
    hits = sum(truth(item, answer).right for item, answer in zip(items, answers, strict=True))
    low, high = wilson(hits, len(items))
    after = _nats(model, tokenizer)
    return {
        "right": round(hits / len(items), 3), "interval": f"{low:.3f} – {high:.3f}", "learn": trained(model),
        "seconds": round(seconds), "bytes beside the weights": beside,
        "nats a story more": {name: round(after[name] - before[name], 2) for name in before},
    }  # fmt: skip


def _beside(model: Any, run_dir: str) -> int:
    """Bytes of the gradients, and of what the optimizers remember, as the last checkpoint holds it."""
    remembered = checkpoint.load(checkpoint.latest(run_dir)).optimizer_tensors
    gradients = sum(p.nbytes for p in model.parameters() if p.requires_grad)
    return gradients + sum(tensor.nbytes for tensor in remembered.values())


def _nats(model: Any, tokenizer: Any) -> dict[str, float]:
    """Nats a story on 200 validation stories of each language."""
    found = {}
    for language in ("en", "zh"):
        stories = [tokenizer.encode(story.text) for story in World(language).validation(200)]
        measure = on_stories(stories, end_id=tokenizer.special_tokens["<|end|>"], floor=0.0)
        found[language] = measure(model)["nats"]
    return found
