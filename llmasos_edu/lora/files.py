"""The two files of an adapter, as peft writes and reads them, and a third that names its base.

Teaches: what was learnt is a few matrices and a small description, useful only with the base they were
learnt on; so ``base.json`` keeps the base's fingerprint (peft passes it over). Leaves out: peft's other
adapters and settings, which are refused by name; code, of which an adapter has none.
Source: peft's `save_pretrained`, the oracle of the tests. Explained in lesson 09.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import safetensors.torch
from safetensors import SafetensorError

from llmasos_edu.checkpoint import refuse_pickle, write_tensors
from llmasos_edu.files import atomic_folder
from llmasos_edu.lora.layers import LoraConfig

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

__all__ = ["Saved", "read_adapter", "read_base", "write_adapter"]

CONFIG, TENSORS, BASE = "adapter_config.json", "adapter_model.safetensors", "base.json"
PREFIX = "base_model.model."
#: Settings that say nothing about what is computed (from which layers to how A was drawn), or are read below.
KNOWN = {
    "auto_mapping", "peft_version", "base_model_name_or_path", "revision", "inference_mode", "task_type", "r",
    "lora_alpha", "lora_dropout", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules",
    "exclude_modules", "layers_to_transform", "layers_pattern", "init_lora_weights", "fan_in_fan_out",
    "megatron_core", "qalora_group_size",
}  # fmt: skip
#: Of all others, the values that leave LoRA as it is.
PLAIN: dict[str, tuple[Any, ...]] = {"peft_type": ("LORA",), "bias": ("none",)}
NOTHING: tuple[Any, ...] = (None, False, [], {})


class Saved(NamedTuple):
    """One layer's part of an adapter: its settings, A and B."""

    config: LoraConfig
    A: Float[Tensor, "rank into"]
    B: Float[Tensor, "out rank"]


def write_adapter(
    folder: str | Path, adapter: Mapping[str, Saved], base: str, about: Mapping[str, Any] | None = None
) -> Path:
    """Write the three files; the folder appears once it is complete, an older one is replaced.

    Args:
        folder: Where.
        adapter: Layer → its part.
        base: The base's fingerprint.
        about: More settings of peft, or others than these.

    Returns:
        The folder.
    """
    first = next(iter(adapter.values())).config
    configs = {place: saved.config for place, saved in adapter.items()}
    settings = {
        "peft_type": "LORA", "r": first.rank, "lora_alpha": first.alpha, "lora_dropout": first.dropout,
        "use_rslora": first.rslora, "target_modules": list(adapter), "bias": "none", "fan_in_fan_out": False,
        "rank_pattern": {re.escape(p): c.rank for p, c in configs.items() if c.rank != first.rank},
        "alpha_pattern": {re.escape(p): c.alpha for p, c in configs.items() if c.alpha != first.alpha},
        "inference_mode": True, "task_type": None, "base_model_name_or_path": None,
    } | dict(about or {})  # fmt: skip
    tensors = {
        f"{PREFIX}{place}.lora_{kind}.weight": matrix.detach().cpu().contiguous().clone()
        for place, saved in adapter.items()
        for kind, matrix in (("A", saved.A), ("B", saved.B))
    }
    with atomic_folder(folder) as new:
        write_tensors(new / TENSORS, tensors)
        for name, content in ((CONFIG, settings), (BASE, {"sha256": base})):
            text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
            (new / name).write_text(text, encoding="utf-8", newline="\n")
    return Path(folder)


def read_adapter(folder: str | Path) -> dict[str, Saved]:
    """Read an adapter, ours or peft's; nothing in the folder is ever run.

    Returns:
        Layer → its part, each matrix of the shape that its rank asks for.

    Raises:
        FileNotFoundError: If one of the two files is missing.
        ValueError: If it is a pickle, damaged, or another kind of adapter; says why.
    """
    folder = Path(folder)
    if folder.is_dir():
        refuse_pickle(folder)
    about, matrices = _read_settings(folder / CONFIG), _read_matrices(folder / TENSORS)
    adapter = {}
    for place, pair in matrices.items():
        saved = Saved(_config(about, place, matrices), pair["A"], pair["B"])
        rank = saved.config.rank
        for kind, matrix, side in (("A", saved.A, 0), ("B", saved.B, 1)):
            if matrix.ndim != 2 or matrix.shape[side] != rank:
                shape = f"({rank}, in)" if kind == "A" else f"(out, {rank})"
                raise ValueError(
                    f"{kind} of {place} must be {shape}, since {folder / CONFIG} says rank {rank}; "
                    f"got {tuple(matrix.shape)}"
                )
        adapter[place] = saved
    return adapter


def read_base(folder: str | Path) -> str | None:
    """The base's fingerprint, or None in an adapter of peft's.

    Raises:
        ValueError: If ``base.json`` is damaged.
    """
    path = Path(folder) / BASE
    if not path.exists():
        return None
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["sha256"])
    except (ValueError, KeyError, TypeError) as e:
        raise ValueError(f"{path} is damaged ({e!r})") from e


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise ValueError(f"{path} is damaged ({e})") from e
    if not isinstance(about, dict) or "peft_type" not in about:
        raise ValueError(f"{path} is no description of an adapter: it has no peft_type")
    for key, value in about.items():
        plain = PLAIN.get(key, NOTHING)
        if key not in KNOWN and value not in plain:
            raise ValueError(f"{path}: {key}={value!r} is not supported; it must be {plain[0]!r}")
    return about


def _config(about: Mapping[str, Any], place: str, places: Iterable[str]) -> LoraConfig:
    """The settings of one layer; patterns are peft's: regular expressions for the end of its name."""
    try:
        rank = _by_pattern(about.get("rank_pattern"), place, about["r"])
        if type(rank) is not int:
            raise ValueError(f"rank must be a whole number; got {rank!r}")
        alpha = float(_by_pattern(about.get("alpha_pattern"), place, about["lora_alpha"]))
        dropout, rslora = float(about.get("lora_dropout", 0.0)), bool(about.get("use_rslora"))
        return LoraConfig(rank, alpha, dropout, tuple(places), rslora)
    except KeyError as e:
        raise ValueError(f"{CONFIG} must have {e}") from e
    except (ValueError, TypeError, re.error) as e:
        raise ValueError(f"{CONFIG}, for {place}: {e}") from e


def _by_pattern(patterns: Any, place: str, otherwise: Any) -> Any:
    if not isinstance(patterns, Mapping | None):
        raise ValueError(f"patterns must be an object, pattern to value; got {patterns!r}")
    return next((v for k, v in (patterns or {}).items() if re.match(rf"(.*\.)?({k})$", place)), otherwise)


def _read_matrices(path: Path) -> dict[str, dict[str, Tensor]]:
    """Layer → its A and B."""
    try:
        tensors = safetensors.torch.load_file(path)
    except SafetensorError as e:
        raise ValueError(f"{path} is damaged or no safetensors file ({e})") from e
    pairs: dict[str, dict[str, Tensor]] = {}
    for full, tensor in tensors.items():
        place, _, kind = full.removeprefix(PREFIX).removesuffix(".weight").rpartition(".lora_")
        if not place or kind not in ("A", "B"):
            raise ValueError(f"{full} is no tensor of LoRA; expected <layer>.lora_A.weight or .lora_B.weight")
        pairs.setdefault(place, {})[kind] = tensor
    if alone := [place for place, pair in pairs.items() if set(pair) != {"A", "B"}]:
        raise ValueError(f"A or B is missing for {', '.join(alone)}")
    if not pairs:
        raise ValueError(f"{path} is empty")
    return pairs
