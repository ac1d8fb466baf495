"""A pass through any Hugging Face model, with what its heads used.

Teaches: transformers lets anyone give a model another attention function by name. Ours calls the model's own
readable one (`eager_attention_forward`, beside its attention class) and takes notes, so that what is peculiar
to a model (capped scores, sinks, windows) stays, and is seen. Where q and k do not explain the weights, the
weights are kept instead.

Leaves out: models whose attention has no such place; they tell their weights alone, and no head of theirs can
be switched off. Source: the transformers documentation, "Attention interface". Explained in lesson 08.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from llmasos_edu.explore.caught import Caught, looks_ahead, resting

if TYPE_CHECKING:
    from jaxtyping import Int

__all__ = ["HuggingFacePasses", "is_from_transformers"]

NAME = "llmasos_edu_explore"
Note = Callable[..., torch.Tensor]


def is_from_transformers(thing: Any, base: str) -> bool:
    """Whether a class of transformers called `base` stands among the thing's; imports nothing."""
    return any(
        cls.__name__ == base and cls.__module__.split(".")[0] == "transformers" for cls in type(thing).__mro__
    )


class HuggingFacePasses:
    """Passes through a model of transformers.

    Args:
        model: Left as it was, also after an error.

    Attributes:
        vocab_size: V.
        context_length: T that it can read at most; None where its settings name none.

    Raises:
        ValueError: If it is an encoder–decoder, or reads no tokens.
    """

    def __init__(self, model: Any):
        if getattr(model.config, "is_encoder_decoder", False):
            raise ValueError(
                f"explore reads models with one text; {type(model).__name__} is an encoder–decoder. Run it "
                "with output_attentions=True, then show its cross_attentions, as an array, with "
                "AttentionExplorer(weights=…, tokens=…, keys=…)"
            )
        embedding = model.get_input_embeddings()
        if not isinstance(getattr(embedding, "weight", None), torch.Tensor):
            raise ValueError(f"explore needs a model that reads tokens; {type(model).__name__} has none")
        self._model = model
        self._through_interface = True
        self.vocab_size = embedding.weight.shape[0]
        config = model.config.get_text_config()
        self.context_length: int | None = getattr(config, "max_position_embeddings", None)
        self.device = embedding.weight.device

    def __call__(self, ids: Int[torch.Tensor, "B T"], off: frozenset[tuple[int, int]]) -> Caught:
        """One pass with these heads (layer, head) switched off.

        Raises:
            ValueError: If there is no such head, none can be switched off, or the model has no attention.
        """
        ids = ids.to(self.device)
        caught = self._pass_with_notes(ids, off) if self._through_interface else Caught()
        if not caught.layers:
            self._through_interface = False
            if off:
                raise ValueError(
                    f"heads of {type(self._model).__name__} cannot be switched off: its attention does not "
                    "go through transformers' attention interface, so that only its weights are known"
                )
            caught = self._pass_with_weights(ids)
        if not caught.layers:
            raise ValueError(f"{type(self._model).__name__} tells no attention weights; it may have none")
        _refuse_missing(off, caught)
        return caught

    def _pass_with_notes(self, ids: torch.Tensor, off: frozenset[tuple[int, int]]) -> Caught:
        caught = Caught()

        def note(own: Any, module: nn.Module, q: Any, k: Any, v: Any, *rest: Any, **how: Any) -> Any:
            out, weights = own(module, q, k, v, *rest, **how)  # (B, T, H, D), (B, H, T, T)
            if q.shape[2] == k.shape[2] == ids.shape[1]:
                off_here = [head for layer, head in off if layer == len(caught.layers)]
                if q.dtype != torch.float32:  # the formula, without the rounding of half the digits
                    weights = own(module, q.float(), k.float(), v.float(), *rest, **how)[1]
                caught.add(q, k, v, weights.float(), float(how.get("scaling") or q.shape[-1] ** -0.5))
                if off_here := [head for head in off_here if 0 <= head < out.shape[2]]:
                    out = out.index_fill(2, torch.tensor(off_here, device=out.device), 0)
            return out, weights

        with resting(self._model), _attention_by(self._model, note):
            caught.logits = getattr(self._model(ids, use_cache=False), "logits", None)
        return caught

    def _pass_with_weights(self, ids: torch.Tensor) -> Caught:
        caught = Caught()
        with resting(self._model), _implementation(self._model, "eager"):
            out = self._model(ids, use_cache=False, output_attentions=True)
        for weights in getattr(out, "attentions", None) or ():
            if weights is not None:
                caught.layers.append({"weights": weights.float()})
                caught.causal = caught.causal and not looks_ahead(weights)
        caught.logits = getattr(out, "logits", None)
        return caught


def _refuse_missing(off: frozenset[tuple[int, int]], caught: Caught) -> None:
    n = len(caught.layers)
    wrong = [at for at in sorted(off) if not (0 <= at[0] < n and 0 <= at[1] < caught.heads(at[0]))]
    if wrong:
        raise ValueError(
            f"no head (layer, head) {wrong}: layers are 0 to {n - 1}, heads 0 to {caught.heads(0) - 1}"
        )


@contextmanager
def _implementation(model: Any, name: str) -> Iterator[None]:
    """The model's attention by the function of this name, in all of its parts, and as it was afterwards."""
    found: list[Any] = [getattr(module, "config", None) for module in model.modules()]
    configs = {id(config): config for config in found if hasattr(config, "_attn_implementation_internal")}
    before = {key: config._attn_implementation_internal for key, config in configs.items()}
    try:
        for config in configs.values():
            config._attn_implementation_internal = name
        yield
    finally:
        for key, config in configs.items():
            config._attn_implementation_internal = before[key]


@contextmanager
def _attention_by(model: Any, note: Any) -> Iterator[None]:
    """`note(own, module, q, k, v, mask, …)` in attention's place; `own` is the model's eager attention."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    def attend(module: nn.Module, *args: Any, **how: Any) -> Any:
        return note(_eager_of(module), module, *args, **how)

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, eager_mask)
    try:
        with _implementation(model, NAME):
            yield
    finally:
        AttentionInterface._global_mapping.pop(NAME, None)
        AttentionMaskInterface._global_mapping.pop(NAME, None)


def _eager_of(module: nn.Module) -> Any:
    """The readable attention that stands in the file of the module's class, or of one it is made from."""
    for cls in type(module).__mro__:
        if own := getattr(sys.modules.get(cls.__module__), "eager_attention_forward", None):
            return own
    raise ValueError(f"{type(module).__name__} has no eager attention to look at")
