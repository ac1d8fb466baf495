"""Adapters alone on the disk, in the two files that peft writes and reads.

Teaches: what was learnt is a few matrices and a small description, useful only with the base they were
learnt on; so a third file, ``base.json``, keeps the base's fingerprint. Leaves out: peft's other adapters
and settings, which are refused, and the Hugging Face names of our models' parts. Explained in lesson 09.
"""

from __future__ import annotations

import glob
import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from llmasos_edu.checkpoint import refuse_pickle, write_tensors
from llmasos_edu.files import atomic_folder
from llmasos_edu.lora.adapters import add_lora, lora_pairs, lora_places, refuse_merged
from llmasos_edu.lora.layers import LoraConfig

__all__ = ["fingerprint", "load_adapter", "save_adapter"]

CONFIG, TENSORS, BASE = "adapter_config.json", "adapter_model.safetensors", "base.json"
PREFIX = "base_model.model."
#: Settings of peft that change what is computed, and the only values that are understood here.
PLAIN: dict[str, tuple[Any, ...]] = {
    "peft_type": ("LORA",), "bias": ("none",), "use_dora": (False, None), "use_rslora": (False, None),
    "lora_bias": (False, None), "rank_pattern": ({}, None), "alpha_pattern": ({}, None),
    "modules_to_save": (None, []), "layer_replication": (None, []), "use_qalora": (False, None),
    "target_parameters": (None, []), "trainable_token_indices": (None, [], {}), "use_bdlora": (None, False),
    "alora_invocation_tokens": (None, []), "fan_in_fan_out": (False, None),
}  # fmt: skip


def fingerprint(model: nn.Module) -> str:
    """SHA-256 over the base's parameters: names, kinds, shapes, and every byte; the adapters left out."""
    digest = hashlib.sha256()
    for name, p in sorted(model.named_parameters()):
        if ".lora." not in f".{name}":
            digest.update(f"{name} {p.dtype} {tuple(p.shape)}\n".encode())
            digest.update(p.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_adapter(folder: str | Path, model: nn.Module, name: str = "default") -> Path:
    """Write one adapter; the folder appears once it is complete, an older one is replaced.

    Raises:
        ValueError: If there is no such adapter, or one is merged.
    """
    refuse_merged(model)
    pairs = lora_pairs(model, name)
    config = next(iter(pairs.values())).config
    about = {
        "peft_type": "LORA", "r": config.rank, "lora_alpha": config.alpha, "lora_dropout": config.dropout,
        "target_modules": list(pairs), "bias": "none", "fan_in_fan_out": False, "inference_mode": True,
        "task_type": None, "base_model_name_or_path": None,
    }  # fmt: skip
    tensors = {}
    for place, pair in pairs.items():
        for kind, p in (("A", pair.A), ("B", pair.B)):
            tensors[f"{PREFIX}{place}.lora_{kind}.weight"] = p.detach().cpu().contiguous()
    folder = Path(folder)
    with atomic_folder(folder) as new:
        write_tensors(new / TENSORS, tensors)
        (new / CONFIG).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        (new / BASE).write_text(json.dumps({"sha256": fingerprint(model)}) + "\n", encoding="utf-8")
    return folder


def load_adapter(folder: str | Path, model: nn.Module, name: str = "default") -> list[str]:
    """Read an adapter, ours or peft's, and put it beside the model's layers; it is then in use.

    Args:
        folder: With adapter_config.json and adapter_model.safetensors. No code in it is ever run.
        model: Changed in place, wholly or not at all.
        name: What the adapter shall be called here.

    Returns:
        The names of the layers and parts that got one.

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If it is a pickle, damaged, of another kind, or does not fit this model; says why.
    """
    folder = Path(folder)
    if folder.is_dir():
        refuse_pickle(folder)
    config, tensors = _read_config(folder / CONFIG), _read_tensors(folder / TENSORS)
    refuse_merged(model)
    pairs = _paired(tensors)
    _refuse_misfit(model, config, pairs)
    base = folder / BASE
    if base.exists() and json.loads(base.read_text(encoding="utf-8"))["sha256"] != fingerprint(model):
        raise ValueError(f"{folder} was learnt on another base: these weights have another fingerprint")
    exact = config.replace(targets=tuple(glob.escape(place) for place in pairs))
    found = add_lora(model, exact, name=name, generator=torch.Generator())
    with torch.no_grad():
        for place, pair in lora_pairs(model, name).items():
            pair.A.copy_(pairs[place]["A"])
            pair.B.copy_(pairs[place]["B"])
    return found


def _read_config(path: Path) -> LoraConfig:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        for key, plain in PLAIN.items():
            if key in about and about[key] not in plain:
                raise ValueError(f"{key}={about[key]!r} is not supported; it must be {plain[0]!r}")
        return LoraConfig(about["r"], float(about["lora_alpha"]), float(about.get("lora_dropout", 0.0)))
    except (KeyError, TypeError, AttributeError) as e:
        raise ValueError(f"{path} is no description of a LoRA adapter ({e!r})") from e
    except ValueError as e:
        raise ValueError(f"{path}: {e}") from e


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except SafetensorError as e:
        raise ValueError(f"{path} is damaged or no safetensors file ({e})") from e


def _paired(tensors: dict[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
    """Layer or part → its A and B."""
    pairs: dict[str, dict[str, torch.Tensor]] = {}
    for full, tensor in tensors.items():
        place, _, kind = full.removeprefix(PREFIX).removesuffix(".weight").rpartition(".lora_")
        if not place or kind not in ("A", "B"):
            raise ValueError(
                f"{full} is no tensor of a LoRA adapter; expected <layer>.lora_A.weight or lora_B"
            )
        pairs.setdefault(place, {})[kind] = tensor
    if alone := [place for place, pair in pairs.items() if set(pair) != {"A", "B"}]:
        raise ValueError(f"A or B is missing for {', '.join(alone)}")
    return pairs


def _refuse_misfit(model: nn.Module, config: LoraConfig, pairs: dict[str, dict[str, torch.Tensor]]) -> None:
    places = lora_places(model)
    if unknown := [place for place in pairs if place not in places]:
        raise ValueError(f"this model has no {', '.join(unknown)}; it has {', '.join(places)}")
    for place, pair in pairs.items():
        out, into = places[place]
        for kind, shape in (("A", (config.rank, into)), ("B", (out, config.rank))):
            if tuple(pair[kind].shape) != shape:
                raise ValueError(
                    f"{kind} of {place} must be {shape} for rank {config.rank} and this base; "
                    f"got {tuple(pair[kind].shape)}"
                )
