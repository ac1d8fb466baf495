"""LoRA on the real LLM: a small task of ours, beside asking it plainly and with examples in the prompt.

Questions about stories in English, from the frozen set; all three ways are asked the same items, by the
model's own template, so the intervals are paired. Training shows several questions about one story. STEPS,
ITEMS and RANK change it; CLOCK=cpu counts processor seconds (`clock`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.clock import counted_by, now
from llmasos_edu import lora, pretrained, real_llm
from llmasos_edu.batches import Documents
from llmasos_edu.evaluation import paired_interval, wilson
from llmasos_edu.evaluation.truth import error_counts, truth
from llmasos_edu.finetuning import by_template, last_answers
from llmasos_edu.tinyworld import Turn
from llmasos_edu.tinyworld.practice import practice
from llmasos_edu.tinyworld.tasks import Item, test_items, training
from llmasos_edu.training import TrainConfig, train

QUICK = False
ITEMS, STEPS, RANK = (
    int(os.environ.get(name, n)) for name, n in (("ITEMS", 100), ("STEPS", 60), ("RANK", 8))
)
TOLD = "Answer with one short sentence. If the story does not say, answer: The story does not say."
SHOTS = 4


def run() -> dict[str, Any]:
    """What is right of each way, with intervals; what LoRA gains over the better prompt; seconds."""
    if not real_llm.present():
        return {"the real LLM": real_llm.MISSING_NOTE}
    items, other = test_items("question_answering", "en")[:ITEMS], training("question_answering", "en")
    shots = [turn for n in range(SHOTS) for turn in other(n).turns]
    model, tokenizer = pretrained.load(real_llm.folder())
    right = {}
    found = counted_by()
    for way, before in (("asked plainly", []), (f"{SHOTS} examples before", shots)):
        found[way], right[way] = _asked(model, tokenizer, items, [Turn("system", TOLD), *before])
    began = now()
    _learn(model, tokenizer)
    found["seconds of training"] = round(now() - began)
    found["LoRA"], right["LoRA"] = _asked(model, tokenizer, items, [])
    best = max(list(right)[:2], key=lambda way: float(np.mean(right[way])))
    low, high = paired_interval(right["LoRA"], right[best], rng=np.random.default_rng(0))
    return found | {f"gained over {best}": f"{low:.3f} – {high:.3f}"}


def _learn(model: Any, tokenizer: Any) -> None:
    """Low-rank matrices beside q, k, v and the output, on several questions a story."""
    targets = ("*.attention.q", "*.attention.k", "*.attention.v", "*.attention.output")
    config = lora.LoraConfig(rank=RANK, alpha=2.0 * RANK, targets=targets)
    lora.add_lora(model, config, generator=torch.Generator().manual_seed(0))
    talks = practice("question_answering", "en", questions=6)
    data = Documents(
        lambda n: by_template(talks(n), tokenizer, _template), batch_size=4, context_length=512, seed=0,
        end_id=tokenizer.special_tokens["<|endoftext|>"],
    )  # fmt: skip
    how = TrainConfig(
        steps=STEPS, lr=0.002, schedule="linear", warmup=min(5, STEPS), weight_decay=0.0,
        evaluate_every=10**6, save_every=10**6,
    )  # fmt: skip
    train(model, data, how)


def _template(turns: Sequence[Turn], asks: bool) -> str:
    messages = [{"role": turn.speaker, "content": turn.text} for turn in turns]
    return pretrained.chat(real_llm.folder(), messages, add_generation_prompt=asks)


def _asked(
    model: Any, tokenizer: Any, items: list[Item], before: list[Turn]
) -> tuple[dict[str, Any], list[float]]:
    """What is right of the answers, and of each item whether it is."""
    talks = [[*before, *item.turns] for item in items]
    said = last_answers(model.eval(), tokenizer, talks, template=_template, max_new_tokens=24, batch_size=16)
    found = [truth(item, answer) for item, answer in zip(items, said, strict=True)]
    right = [float(each.right) for each in found]
    low, high = wilson(int(sum(right)), len(right))
    numbers = {"right": round(float(np.mean(right)), 3), "interval": f"{low:.3f} – {high:.3f}"}
    return numbers | {"errors": error_counts(found), "such as": said[:2]}, right
