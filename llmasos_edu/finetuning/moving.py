"""Which parameters move: all of them, the last block, the head, or none but an adapter's.

Teaches: a frozen parameter costs no gradient and no memory in the optimizer; how few must move for a task is
a question to measure. Leaves out: adapters (`lora` adds and trains its own). Explained in lesson 09.
"""

from __future__ import annotations

from torch import nn

__all__ = ["PARTS", "freeze", "trained"]

#: What `freeze` can leave to learn.
PARTS = ("all", "last block", "head", "norms", "none")


def freeze(model: nn.Module, but: str = "none") -> list[str]:
    """Hold all parameters still, but some.

    Args:
        model: `GPT` or `Llama`.
        but: What goes on learning, one of `PARTS`: "last block" with the norm and the head after it, "head"
            alone (with the embedding, where the two are tied), "norms": all of them, and nothing else.

    Returns:
        The names of the parameters that learn.

    Raises:
        ValueError: If there is no such part, or the model has none of it.

    Example:
        >>> from llmasos_edu.llama import Llama, LlamaConfig
        >>> len(freeze(Llama(LlamaConfig.preset("tinyworld"), generator=None), but="norms"))
        9
    """
    if but not in PARTS:
        raise ValueError(f"but must be one of {', '.join(map(repr, PARTS))}; got {but!r}")
    names = [name for name, _ in model.named_parameters()]
    blocks = {name.split(".")[1] for name in names if name.startswith("blocks.")}
    head = "head." if any(name.startswith("head.") for name in names) else "embedding."
    last = f"blocks.{max(map(int, blocks), default=0)}."
    begins = {"last block": (last, "norm.", head), "head": (head,), "all": ("",)}.get(but, ())
    moves = [
        name
        for name in names
        if name.startswith(begins) or (but == "norms" and "norm" in name.split(".")[-2])
    ]
    if but != "none" and not moves:
        raise ValueError(f"this model has no parameters in {but!r}; its norms may have no weights")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in moves)
    return moves


def trained(model: nn.Module) -> int:
    """How many numbers learn."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
