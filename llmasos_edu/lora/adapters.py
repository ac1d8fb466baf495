"""Adapters over a model: added by name, one used at a time, merged into the weights and taken out again.

Teaches: several small adapters share one frozen base. A merge keeps the old weight, so unmerging gives it
back bit for bit; it costs one copy of each matrix with an adapter until then. Leaves out: adapters mixed in
one call. Source: Hu et al. 2021, section 4. Explained in lesson 09.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase

import torch
from torch import nn

from llmasos_edu.lora.layers import LoraConfig, LoraLinear, LoraPair
from llmasos_edu.lora.places import Rows, listed, lora_places, parts_of, what_matches

__all__ = [
    "adapters_in_use",
    "add_lora",
    "attach",
    "drop_lora",
    "lora_pairs",
    "lora_parameters",
    "merge",
    "refuse_merged",
    "unmerge",
    "using",
]


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
                f"no linear layer matches {target!r}{what_matches(model, target)}; {listed(places)}"
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
    places = lora_places(model)
    both = [p for p in configs if places[p].part != "all" and places[p].layer in configs]
    if both:
        raise ValueError(f"targets name both a whole layer and its parts: {', '.join(both)}; name one")
    _refuse_shared(model, {place: places[place].layer for place in configs})
    model.requires_grad_(False)
    for place, config in configs.items():
        _attach(model, places[place], name, config, generator)
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

    The choice is the model's: two threads that use one model at once share it.

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
        m.kept = m.weight.detach().clone()  # on a layer without this adapter too: it must add no other
        for part, pair in m.pairs(name).items():
            assert isinstance(pair, LoraPair)
            m.weight[m.parts[part]] += pair.product()


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


def lora_pairs(model: nn.Module, name: str = "default") -> dict[str, LoraPair]:
    """An adapter's A and B by layer or part.

    Raises:
        ValueError: If there is no such adapter.
    """
    _refuse_unknown(model, name)
    found = {}
    for place, rows in lora_places(model).items():
        layer = model.get_submodule(rows.layer)
        pair = layer.pairs(name).get(rows.part) if isinstance(layer, LoraLinear) else None
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


def _attach(model: nn.Module, rows: Rows, name: str, config: LoraConfig, generator: torch.Generator) -> None:
    layer = model.get_submodule(rows.layer)
    assert isinstance(layer, nn.Linear)
    if not isinstance(layer, LoraLinear):
        layer = LoraLinear(layer, parts_of(model, rows.layer, layer))
        _put(model, rows.layer, layer)
    if name not in layer.lora:
        layer.lora[name] = nn.ModuleDict()
    pairs = layer.lora[name]
    assert isinstance(pairs, nn.ModuleDict)
    pairs[rows.part] = LoraPair(layer.weight[rows.first : rows.end], config, generator)
    layer.train(layer.training)  # the new pair's dropout too


def _refuse_unknown(model: nn.Module, name: str) -> None:
    names = sorted({n for m in _lora_layers(model) for n in m.lora})
    if name not in names:
        raise ValueError(f"no adapter {name!r}; there are {', '.join(names) or 'none'}")
