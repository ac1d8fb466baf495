"""Where an adapter may stand: on a linear layer, or on a part of one that is several matrices in one.

Teaches: our layers keep q, k and v as rows of one matrix, as gate and up; an adapter can belong to some of
these rows. Leaves out: layers that are no `nn.Linear`, such as transformers' Conv1D, which its GPT-2 has
(ours is linear). Explained in lesson 09.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Any, NamedTuple

from torch import nn

from llmasos_edu.lora.layers import LoraLinear

__all__ = ["Rows", "linears", "listed", "lora_places", "parts_of", "what_matches"]


class Rows(NamedTuple):
    """Where an adapter may stand.

    Attributes:
        layer: The name of the linear layer.
        part: "all" of it, or the name of a part.
        first: The part's first row of the weight, which is (out, in).
        end: The row after its last.
        into: Numbers in.
    """

    layer: str
    part: str
    first: int
    end: int
    into: int


def lora_places(model: nn.Module) -> dict[str, Rows]:
    """Every layer and part that can have an adapter, by the name that targets match.

    Example:
        >>> from llmasos_edu.llama import Llama, LlamaConfig
        >>> places = lora_places(Llama(LlamaConfig.preset("tinyworld", n_layers=1), generator=None))
        >>> places["blocks.0.attention.k"]
        Rows(layer='blocks.0.attention.qkv', part='k', first=128, end=256, into=128)
    """
    found = {}
    for name, layer in linears(model).items():
        above = name.rpartition(".")[0]
        for part, rows in parts_of(model, name, layer).items():
            place = name if part == "all" else f"{above}.{part}" if above else part
            found[place] = Rows(name, part, rows.start, rows.stop, layer.in_features)
    return found


def linears(model: nn.Module) -> dict[str, nn.Linear]:
    """Linear layers by name; a subclass may do something else with its weight, so it is left alone."""
    return {n: m for n, m in model.named_modules() if type(m) in (nn.Linear, LoraLinear)}


def what_matches(model: nn.Module, target: str) -> str:
    """Of what kind a module is that a target names, though it is no linear layer; in brackets, or nothing."""
    for name, module in model.named_modules():
        if name and fnmatchcase(name, target):
            return f" ({name} is of the kind {type(module).__name__}, which is not supported)"
    return ""


def listed(places: list[str]) -> str:
    """What a model has, in the form of patterns: each number a star, each pattern once."""
    patterns = dict.fromkeys(re.sub(r"(?<=\.)\d+(?=\.)", "*", place) for place in places)
    return f"there are {', '.join(patterns) or 'none'}"


def parts_of(model: nn.Module, name: str, layer: nn.Linear) -> dict[str, slice]:
    """The rows of each part, by the names and sizes that our models have; ``"all"`` is the whole."""
    sizes = _sizes(getattr(model, "config", None), name.rpartition(".")[2])
    ends = list(accumulate(sizes.values()))
    parts = {"all": slice(0, layer.out_features)}
    if not ends or ends[-1] != layer.out_features:
        return parts
    return parts | {part: slice(end - sizes[part], end) for part, end in zip(sizes, ends, strict=True)}


def _sizes(config: Any, stacked: str) -> dict[str, int]:
    if stacked == "qkv" and hasattr(config, "n_kv_heads"):
        q, kv = config.n_heads * config.d_head, config.n_kv_heads * config.d_head
        return {"q": q, "k": kv, "v": kv}
    if stacked == "gate_up" and hasattr(config, "d_ff"):
        return {"gate": config.d_ff, "up": config.d_ff}
    return {}
