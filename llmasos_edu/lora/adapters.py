"""Adapters over a model: added by name, one used at a time, merged into the weights and taken out again.

Teaches: several small adapters share one frozen base. A merge keeps the old weight, so unmerging gives it
back bit for bit; it costs one copy of each merged matrix until then. Leaves out: adapters mixed in one call,
layers that are no `nn.Linear` (such as transformers' Conv1D, which GPT-2 has there; ours is linear).
Source: Hu et al. 2021, section 4. Explained in lesson 09.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import nn

from llmasos_edu.lora.layers import LoraConfig, LoraLinear, LoraPair

__all__ = [
    "Rows",
    "adapters_in_use",
    "add_lora",
    "attach",
    "drop_lora",
    "lora_pairs",
    "lora_parameters",
    "lora_places",
    "merge",
    "refuse_merged",
    "unmerge",
    "using",
]


class Rows(NamedTuple):
    """Where an adapter may stand: rows ``first`` to before ``end`` of a layer that reads ``into`` numbers."""

    layer: str
    first: int
    end: int
    into: int


def add_lora(
    model: nn.Module, config: LoraConfig, *, name: str = "default", generator: torch.Generator
) -> list[str]:
    """Freeze the model and put a new adapter beside the layers that the targets name; it is then in use.

    Args:
        model: Changed in place; its class and its parameters' names stay. Older adapters are frozen too.
        config: Rank, scale, targets.
        name: The adapter's.
        generator: Draws A.

    Returns:
        The names of the layers and parts that got one.

    Raises:
        ValueError: If a target matches no linear layer (the message lists them), the name is taken or
            unusable, or an adapter is merged.
    """
    places, targets = list(lora_places(model)), config.targets
    for target in targets:
        if not any(fnmatchcase(place, target) for place in places):
            raise ValueError(
                f"no linear layer matches {target!r}{_what_matches(model, target)}; {_listed(places)}"
            )
    found = [place for place in places if any(fnmatchcase(place, target) for target in targets)]
    attach(model, dict.fromkeys(found, config), name, generator)
    return found


def attach(
    model: nn.Module, configs: Mapping[str, LoraConfig], name: str, generator: torch.Generator
) -> None:
    """`add_lora` with the layers and parts named one by one, each with settings of its own."""
    if not name or "." in name or hasattr(nn.ModuleDict, name):
        raise ValueError(
            f"an adapter's name must be a word without dots that torch does not use; got {name!r}"
        )
    if any(name in m.lora for m in _lora_layers(model)):
        raise ValueError(f"there is an adapter {name!r} already; choose another name")
    refuse_merged(model)
    at = {place: where for n, m in _linears(model).items() for place, where in _places(model, n, m).items()}
    both = [place for place in configs if at[place][1] != "all" and at[place][0] in configs]
    if both:
        raise ValueError(f"targets name both a whole layer and its parts: {', '.join(both)}; name one")
    _refuse_shared(model, {place: at[place][0] for place in configs})
    model.requires_grad_(False)
    for place, config in configs.items():
        _attach(model, *at[place], name, config, generator)
    _activate(model, name)


def lora_parameters(model: nn.Module, name: str = "default") -> dict[str, nn.Parameter]:
    """An adapter's parameters by their names in the model: A (rank, in) and B (out, rank) of each layer.

    Raises:
        ValueError: If there is no such adapter; names those that there are.
    """
    _refuse_unknown(model, name)
    return {n: p for n, p in model.named_parameters() if f".lora.{name}." in f".{n}"}


@contextmanager
def using(model: nn.Module, name: str | None) -> Iterator[None]:
    """Within this block the model uses the adapter of that name; None is the base alone.

    Raises:
        ValueError: If there is no such adapter, or one is merged.
    """
    if name is not None:
        _refuse_unknown(model, name)
    refuse_merged(model)
    before = [(m, m.active) for m in _lora_layers(model)]
    _activate(model, name)
    try:
        yield
    finally:
        for m, active in before:
            m.active = active


@torch.no_grad()
def merge(model: nn.Module, name: str = "default") -> None:
    """Add the adapter's products to the weights; the old weights are kept for `unmerge`.

    Raises:
        ValueError: If there is no such adapter, or one is merged already.

    Source: Hu et al. 2021, section 4.1: merged, an adapter costs no time.
    """
    _refuse_unknown(model, name)
    refuse_merged(model)
    for m in _lora_layers(model):
        pairs = m.pairs(name)
        if any(isinstance(p, LoraPair) for p in pairs.values()):
            m.kept = m.weight.detach().clone()
        for part, pair in pairs.items():
            assert isinstance(pair, LoraPair)
            m.weight[m.parts[part]] += pair.product()
    for m in _lora_layers(model):  # a layer without this adapter must add no other
        m.kept = m.weight.detach().clone() if m.kept is None else m.kept


@torch.no_grad()
def unmerge(model: nn.Module) -> None:
    """Give the weights back as they were before `merge`, bit for bit.

    Raises:
        ValueError: If nothing is merged.
    """
    if not any(m.kept is not None for m in _lora_layers(model)):
        raise ValueError("nothing is merged; merge(model, name) first")
    for m in _lora_layers(model):
        if m.kept is not None:
            m.weight.copy_(m.kept)
            m.kept = None


def drop_lora(model: nn.Module) -> None:
    """Take all adapters away: plain layers again, with the weights as they stand (merged, if merged).

    A merged model is then an ordinary one, to be saved or exported; all its parameters may learn again.
    """
    for name, layer in list(model.named_modules()):
        if isinstance(layer, LoraLinear):
            with torch.device("meta"):
                plain = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None)
            plain.weight, plain.bias = layer.weight, layer.bias
            plain.train(layer.training)
            _put(model, name, plain)
    model.requires_grad_(True)


def lora_places(model: nn.Module) -> dict[str, Rows]:
    """Every layer and part that can have an adapter → the layer, the rows that are its own, numbers in."""
    found = {}
    for name, layer in _linears(model).items():
        parts = _parts(model, name, layer)
        for place, (_, part) in _places(model, name, layer).items():
            found[place] = Rows(name, parts[part].start, parts[part].stop, layer.in_features)
    return found


def lora_pairs(model: nn.Module, name: str = "default") -> dict[str, LoraPair]:
    """An adapter's A and B by layer or part.

    Raises:
        ValueError: If there is no such adapter.
    """
    _refuse_unknown(model, name)
    found = {}
    for at, layer in _linears(model).items():
        for place, (_, part) in _places(model, at, layer).items():
            pair = layer.pairs(name).get(part) if isinstance(layer, LoraLinear) else None
            if isinstance(pair, LoraPair):
                found[place] = pair
    return found


def adapters_in_use(model: nn.Module) -> list[str]:
    """The adapters that change what the model computes without being part of its weights."""
    return sorted(
        {m.active for m in _lora_layers(model) if m.kept is None and m.pairs(m.active) and m.active}
    )


def refuse_merged(model: nn.Module) -> None:
    """Refuse a model with a merged adapter, by a ValueError."""
    if any(m.kept is not None for m in _lora_layers(model)):
        raise ValueError("an adapter is merged already; unmerge(model) first")


def _linears(model: nn.Module) -> dict[str, nn.Linear]:
    """Linear layers by name; a subclass may do something else with its weight, so it is left alone."""
    return {n: m for n, m in model.named_modules() if type(m) in (nn.Linear, LoraLinear)}


def _what_matches(model: nn.Module, target: str) -> str:
    for name, module in model.named_modules():
        if name and fnmatchcase(name, target):
            return f" ({name} is of the kind {type(module).__name__}, which is not supported)"
    return ""


def _listed(places: list[str]) -> str:
    """What a model has, in the form of patterns: each number a star, each pattern once."""
    patterns = dict.fromkeys(re.sub(r"(?<=\.)\d+(?=\.)", "*", place) for place in places)
    return f"there are {', '.join(patterns) or 'none'}"


def _refuse_shared(model: nn.Module, layers: Mapping[str, str]) -> None:
    """A weight with two users, such as a head tied to the embedding, would be merged into both."""
    users = Counter(id(p) for _, p in model.named_parameters(remove_duplicate=False))
    for place, layer in layers.items():
        if users[id(model.get_submodule(layer).weight)] > 1:
            raise ValueError(
                f"{place} shares its weight with another layer (a tied head?), so it is no target"
            )


def _put(model: nn.Module, at: str, layer: nn.Linear) -> None:
    above, _, last = at.rpartition(".")
    setattr(model.get_submodule(above), last, layer)


def _lora_layers(model: nn.Module) -> list[LoraLinear]:
    return [m for m in model.modules() if isinstance(m, LoraLinear)]


def _activate(model: nn.Module, name: str | None) -> None:
    for m in _lora_layers(model):
        m.active = name


def _places(model: nn.Module, name: str, layer: nn.Linear) -> dict[str, tuple[str, str]]:
    """The layer's name, and its parts' if it is stacked → (layer, part)."""
    above = name.rpartition(".")[0]
    dotted = f"{above}." if above else ""
    return {name: (name, "all")} | {
        dotted + part: (name, part) for part in _parts(model, name, layer) if part != "all"
    }


def _parts(model: nn.Module, name: str, layer: nn.Linear) -> dict[str, slice]:
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


def _attach(
    model: nn.Module, at: str, part: str, name: str, config: LoraConfig, generator: torch.Generator
) -> None:
    layer = model.get_submodule(at)
    assert isinstance(layer, nn.Linear)
    if not isinstance(layer, LoraLinear):
        layer = LoraLinear(layer, _parts(model, at, layer))
        _put(model, at, layer)
    if name not in layer.lora:
        layer.lora[name] = nn.ModuleDict()
    pair = LoraPair(layer.weight[layer.parts[part]], config, generator)
    pairs = layer.lora[name]
    assert isinstance(pairs, nn.ModuleDict)
    pairs[part] = pair


def _refuse_unknown(model: nn.Module, name: str) -> None:
    names = sorted({n for m in _lora_layers(model) for n in m.lora})
    if name not in names:
        raise ValueError(f"no adapter {name!r}; there are {', '.join(names) or 'none'}")
