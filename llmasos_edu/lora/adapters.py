"""Adapters over a model: added by name, one used at a time, merged into the weights and taken out again.

Teaches: several small adapters share one frozen base. Leaves out: adapters mixed in one call. A merge keeps
the old weight, so unmerging gives it back bit for bit; it costs one copy of each merged matrix until then.
Explained in lesson 09.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase

import torch
from torch import nn

from llmasos_edu.lora.layers import LoraConfig, LoraLinear, LoraPair

__all__ = [
    "add_lora",
    "drop_lora",
    "lora_pairs",
    "lora_parameters",
    "lora_places",
    "merge",
    "refuse_merged",
    "unmerge",
    "using",
]


def add_lora(
    model: nn.Module, config: LoraConfig, *, name: str = "default", generator: torch.Generator
) -> list[str]:
    """Freeze the base and put a new adapter beside the layers that the targets name; it is then in use.

    Args:
        model: Changed in place; its class and its parameters' names stay.
        config: Rank, scale, targets.
        name: The adapter's.
        generator: Draws A.

    Returns:
        The names of the layers and parts that got one.

    Raises:
        ValueError: If no layer matches, the name is taken or unusable, or an adapter is merged.
    """
    layers = _linears(model)
    if any(isinstance(m, LoraLinear) and name in m.lora for m in layers.values()):
        raise ValueError(f"there is an adapter {name!r} already; choose another name")
    if not name or "." in name:
        raise ValueError(f"an adapter's name must be without dots and not empty; got {name!r}")
    refuse_merged(model)
    places = {place: at for n, m in layers.items() for place, at in _places(model, n, m).items()}
    found = [p for p in places if any(fnmatchcase(p, t) for t in config.targets)]
    if not found:
        raise ValueError(f"no linear layer matches {config.targets}; there are {', '.join(places)}")
    both = [p for p in found if places[p][1] != "all" and places[p][0] in found]
    if both:
        raise ValueError(f"targets name both a whole layer and its parts: {', '.join(both)}; name one")
    shared = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    tied = [p for p in found if id(layers[places[p][0]].weight) in shared]
    if tied:
        raise ValueError(f"tied to the embedding, so no target: {', '.join(tied)}")
    for parameter in _base(model):
        parameter.requires_grad_(False)
    for place in found:
        _attach(model, *places[place], name, config, generator)
    _activate(model, name)
    return found


def lora_parameters(model: nn.Module, name: str = "default") -> dict[str, nn.Parameter]:
    """An adapter's parameters by their names in the model."""
    _refuse_unknown(model, name)
    return {n: p for n, p in model.named_parameters() if f".lora.{name}." in f".{n}"}


@contextmanager
def using(model: nn.Module, name: str | None) -> Iterator[None]:
    """Within this block the model uses the adapter of that name; None is the base alone."""
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
    """Add the adapter's products to the weights; the old weights are kept for `unmerge`."""
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
    """Give the weights back as they were before `merge`, bit for bit."""
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


def lora_places(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Every layer and part that can have an adapter → numbers out, numbers in."""
    found = {}
    for name, layer in _linears(model).items():
        parts = _parts(model, name, layer)
        for place, (_, part) in _places(model, name, layer).items():
            found[place] = (parts[part].stop - parts[part].start, layer.in_features)
    return found


def lora_pairs(model: nn.Module, name: str = "default") -> dict[str, LoraPair]:
    """An adapter's A and B by layer or part."""
    _refuse_unknown(model, name)
    found = {}
    for at, layer in _linears(model).items():
        for place, (_, part) in _places(model, at, layer).items():
            pair = layer.pairs(name).get(part) if isinstance(layer, LoraLinear) else None
            if isinstance(pair, LoraPair):
                found[place] = pair
    return found


def refuse_merged(model: nn.Module) -> None:
    """Refuse a model with a merged adapter."""
    if any(m.kept is not None for m in _lora_layers(model)):
        raise ValueError("an adapter is merged already; unmerge(model) first")


def _linears(model: nn.Module) -> dict[str, nn.Linear]:
    return {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear)}


def _put(model: nn.Module, at: str, layer: nn.Linear) -> None:
    above, _, last = at.rpartition(".")
    setattr(model.get_submodule(above), last, layer)


def _lora_layers(model: nn.Module) -> list[LoraLinear]:
    return [m for m in model.modules() if isinstance(m, LoraLinear)]


def _base(model: nn.Module) -> list[nn.Parameter]:
    return [p for n, p in model.named_parameters() if ".lora." not in f".{n}"]


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
    whole, config = {"all": slice(0, layer.out_features)}, getattr(model, "config", None)
    if name.rpartition(".")[2] != "qkv" or not hasattr(config, "n_kv_heads"):
        return whole
    q, kv = config.n_heads * config.d_head, config.n_kv_heads * config.d_head  # type: ignore[union-attr]
    if q + 2 * kv != layer.out_features:
        return whole
    return whole | {"q": slice(0, q), "k": slice(q, q + kv), "v": slice(q + kv, q + 2 * kv)}


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
    names = {n: None for m in _lora_layers(model) for n in m.lora}
    if name not in names:
        raise ValueError(f"no adapter {name!r}; there are {', '.join(names) or 'none'}")
