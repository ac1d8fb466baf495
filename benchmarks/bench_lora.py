"""LoRA against full finetuning: trained parameters, their bytes, and seconds a step.

The base of the tiny world and, where it was fetched, the real LLM; adapters on q and v. A step is forward,
backward and AdamW on one batch of random tokens; full and LoRA take turns, medians are kept.
With CLOCK=cpu it counts processor seconds on one thread: for a machine on which others compute too.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.clock import counted_by, now
from llmasos_edu import pretrained, real_llm
from llmasos_edu.files import data_dir
from llmasos_edu.lora import LoraConfig, add_lora, drop_lora

QUICK = False
RANKS = (1, 2, 4, 8)
TURNS = 5


def run() -> dict[str, Any]:
    """Both models' tables."""
    base = lambda: pretrained.load_model(data_dir() / "checkpoints" / "tinyworld-base")  # noqa: E731
    found: dict[str, Any] = counted_by() | {"tinyworld-base": _table(base, 16, 128)}
    if not real_llm.present():
        return found | {"the real LLM": real_llm.MISSING_NOTE}
    return found | {"the real LLM": _table(lambda: pretrained.load_model(real_llm.folder()), 1, 128)}


def _table(make: Callable[[], Any], batch: int, length: int) -> dict[str, Any]:
    model = make().train()
    table: dict[str, Any] = {"full": _trained(model)}
    for rank in RANKS:
        adapted(model, rank)
        table[f"rank {rank}"] = _trained(model)
        drop_lora(model)
    ids = torch.randint(model.config.vocab_size, (batch, length), generator=torch.Generator().manual_seed(0))
    steps = {"full": _stepper(model, ids), "rank 8": _stepper(adapted(make().train(), 8), ids)}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(TURNS + 1):
        for name, step in steps.items():
            started = now()
            step()
            if turn:  # the first warms up
                times[name].append(now() - started)
    median = {name: statistics.median(t) for name, t in times.items()}
    ratio = statistics.median(a / b for a, b in zip(times["rank 8"], times["full"], strict=True))
    return table | {
        "tokens_a_step": batch * length,
        "ms_a_step": {name: round(1e3 * t, 1) for name, t in median.items()},
        "lora_over_full": round(ratio, 2),
    }


def adapted(model: Any, rank: int) -> Any:
    """The model with a new adapter on q and v."""
    add_lora(model, LoraConfig(rank=rank), generator=torch.Generator().manual_seed(0))
    return model


def _trained(model: torch.nn.Module) -> dict[str, int]:
    moving = [p for p in model.parameters() if p.requires_grad]
    return {"parameters": sum(p.numel() for p in moving), "bytes": sum(p.nbytes for p in moving)}


def _stepper(model: Any, ids: torch.Tensor) -> Callable[[], None]:
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)

    def step() -> None:
        logits = model(ids)[:, :-1]
        F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step
