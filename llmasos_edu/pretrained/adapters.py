"""Adapters of our models in peft's files, under Hugging Face's names, and back.

Teaches: an adapter says to which layers it belongs, so it moves with a model only if the names do too. One of
our layers can be several of theirs (Llama's q, k, v) or the other way round, and low rank stays low rank:
rows of B part, and two adapters on one matrix are one whose rank is the sum. Explained in lesson 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from llmasos_edu.gpt import GPT
from llmasos_edu.llama import Llama
from llmasos_edu.lora import (
    Rows,
    Saved,
    fingerprint,
    lora_pairs,
    lora_places,
    put_adapter,
    read_adapter,
    read_base,
    refuse_merged,
    write_adapter,
)
from llmasos_edu.pretrained.names import places
from llmasos_edu.pretrained.settings import to_settings

__all__ = ["export_adapter", "load_adapter"]


class Part(NamedTuple):
    """An adapter on the rows ``first`` to before ``end`` of a layer."""

    first: int
    end: int
    saved: Saved


def export_adapter(
    folder: str | Path, model: GPT | Llama, name: str = "default", *, base_model: str | Path | None = None
) -> Path:
    """Write an adapter for the Hugging Face form of its model, as `export` writes that.

    Args:
        folder: The folder to make; an older one is replaced.
        model: Ours, with the adapter, not merged.
        name: The adapter's.
        base_model: Where peft shall look for the base: an exported folder, or a name on the hub.

    Returns:
        The folder; `peft.PeftModel.from_pretrained(base, folder)` reads it.

    Raises:
        ValueError: If there is no such adapter, one is merged, or the model has no Hugging Face form.

    Differs from source: where adapters on q and v become one on GPT-2's c_attn, its rank is their sum; the
    other numbers of its B, zero here, are free to learn if it is trained on.
    """
    refuse_merged(model)
    to_settings(model.config)  # refuses what has no Hugging Face form
    ours = lora_places(model)
    parts: dict[str, list[Part]] = {}
    for place, pair in lora_pairs(model, name).items():
        rows = ours[place]
        part = Part(rows.first, rows.end, Saved(pair.config, pair.A, pair.B))
        parts.setdefault(rows.layer, []).append(part)
    theirs = {}
    for module, rows in _modules(model).items():
        if inside := [p for p in parts.get(rows.layer, []) if p.first < rows.end and rows.first < p.end]:
            theirs[module] = _gathered(inside, rows)
    about = {
        "task_type": "CAUSAL_LM",
        "fan_in_fan_out": isinstance(model, GPT),  # GPT-2's matrices stand transposed there
        "base_model_name_or_path": None if base_model is None else str(base_model),
    }
    return write_adapter(folder, theirs, fingerprint(model), about)


def load_adapter(folder: str | Path, model: GPT | Llama, name: str = "default") -> list[str]:
    """Read a peft adapter of a Hugging Face model and put it beside our model's layers; it is then in use.

    Args:
        folder: With adapter_config.json and adapter_model.safetensors. No code in it is ever run.
        model: What `load_model` made of the adapter's base. Changed in place, wholly or not at all.
        name: What the adapter shall be called here.

    Returns:
        Our names of the layers and parts that got one.

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If it is a pickle, damaged, of another kind, or does not fit this model; says why.
    """
    adapter, modules = read_adapter(folder), _modules(model)
    if unknown := [module for module in adapter if module not in modules]:
        raise ValueError(
            f"this model has no {', '.join(unknown)}; under these names it has {_kinds(modules)}"
        )
    where = {_span(r): place for place, r in lora_places(model).items()}
    ours = {where[_span(modules[module])]: saved for module, saved in adapter.items()}
    return put_adapter(model, ours, name, read_base(folder))


def _span(rows: Rows) -> tuple[str, int, int]:
    return rows.layer, rows.first, rows.end


def _modules(model: GPT | Llama) -> dict[str, Rows]:
    """Hugging Face's linear modules → where they lie in our model."""
    layers = {place: rows for place, rows in lora_places(model).items() if place == rows.layer}
    found = {}
    for name, at in places(model.config).items():
        layer, _, kind = at.ours.rpartition(".")
        if kind == "weight" and layer in layers:
            whole = layers[layer]
            first, end = at.rows or (whole.first, whole.end)
            found[name.removesuffix(".weight")] = whole._replace(first=first, end=end)
    return found


def _gathered(parts: list[Part], rows: Rows) -> Saved:
    """Several adapters as one: A's above each other, B's beside each other, zero outside their rows."""
    config = parts[0].saved.config
    a = torch.cat([part.saved.A for part in parts]).detach()  # (sum of ranks, in)
    b = a.new_zeros(rows.end - rows.first, len(a))  # (out, sum of ranks)
    at = 0
    for first, end, saved in parts:
        low, high = max(first, rows.first), min(end, rows.end)
        columns = slice(at, at := at + saved.config.rank)
        scale = saved.config.scale / config.scale
        b[low - rows.first : high - rows.first, columns] = (
            scale * saved.B[low - first : high - first].detach()
        )
    return Saved(config if len(parts) == 1 else config.with_rank(len(a)), a, b)


def _kinds(modules: Mapping[str, Rows]) -> str:
    return ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in modules))
