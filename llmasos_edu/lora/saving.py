"""Adapters alone on the disk: from a model, and back beside the layers of one with the same base.

Teaches: an adapter fits one base, so layer names, shapes and the base's fingerprint are compared before
anything is changed. Leaves out: Hugging Face's names of our models' layers (`pretrained`).
Explained in lesson 09.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from llmasos_edu.lora.adapters import attach, lora_pairs, refuse_merged
from llmasos_edu.lora.files import Saved, read_adapter, read_base, write_adapter
from llmasos_edu.lora.places import lora_places

__all__ = ["fingerprint", "load_adapter", "put_adapter", "save_adapter"]


def fingerprint(model: nn.Module) -> str:
    """SHA-256 over the base's parameters: names, dtypes, shapes, and every byte; the adapters left out."""
    digest = hashlib.sha256()
    for name, p in sorted(model.named_parameters()):
        if ".lora." not in f".{name}":
            digest.update(f"{name} {p.dtype} {tuple(p.shape)}\n".encode())
            digest.update(p.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_adapter(folder: str | Path, model: nn.Module, name: str = "default") -> Path:
    """Write one adapter; the folder appears once it is complete, an older one is replaced.

    Args:
        folder: Where.
        model: Has the adapter.
        name: The adapter's.

    Returns:
        The folder.

    Raises:
        ValueError: If there is no such adapter, or one is merged.
    """
    refuse_merged(model)
    pairs = lora_pairs(model, name)
    adapter = {place: Saved(pair.config, pair.A, pair.B) for place, pair in pairs.items()}
    return write_adapter(folder, adapter, fingerprint(model))


def load_adapter(folder: str | Path, model: nn.Module, name: str = "default") -> list[str]:
    """Read an adapter, ours or peft's, and put it beside the model's layers; it is then in use.

    Args:
        folder: With adapter_config.json and adapter_model.safetensors. No code in it is ever run.
        model: Changed in place, wholly or not at all; frozen, and the new adapter learns.
        name: What the adapter shall be called here.

    Returns:
        The names of the layers and parts that got one.

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If it is a pickle, damaged, of another kind, or does not fit this model; says why.
    """
    return put_adapter(model, read_adapter(folder), name, read_base(folder))


def put_adapter(
    model: nn.Module, adapter: Mapping[str, Saved], name: str = "default", base: str | None = None
) -> list[str]:
    """Put what was read beside the model's layers.

    Args:
        model: Changed in place, wholly or not at all.
        adapter: Layer → its part.
        name: What the adapter shall be called here.
        base: The fingerprint of the base it was learnt on, where it is known.

    Returns:
        The names of the layers and parts that got one.

    Raises:
        ValueError: If it does not fit this model; says why.
    """
    refuse_merged(model)
    _refuse_misfit(model, adapter)
    if base is not None and base != fingerprint(model):
        raise ValueError("the adapter was learnt on another base: these weights have another fingerprint")
    attach(model, {place: saved.config for place, saved in adapter.items()}, name, torch.Generator())
    with torch.no_grad():
        for place, pair in lora_pairs(model, name).items():
            pair.A.copy_(adapter[place].A)
            pair.B.copy_(adapter[place].B)
    return list(adapter)


def _refuse_misfit(model: nn.Module, adapter: Mapping[str, Saved]) -> None:
    places = lora_places(model)
    if unknown := [place for place in adapter if place not in places]:
        raise ValueError(f"this model has no {', '.join(unknown)}; it has {', '.join(places)}")
    for place, saved in adapter.items():
        rows, rank = places[place], saved.config.rank
        for kind, matrix, shape in (
            ("A", saved.A, (rank, rows.into)),
            ("B", saved.B, (rows.end - rows.first, rank)),
        ):
            if tuple(matrix.shape) != shape:
                raise ValueError(
                    f"{kind} of {place} must be {shape} for this base; got {tuple(matrix.shape)}"
                )
