"""The loop that writes: the model's logits, a token chosen from them, the token appended, and again.

Teaches the loop in two rungs with one signature, held equal by a test. `plain_steps` sends the whole text
through the model for every new token. `cached_steps` sends the newest token alone: the keys and values of all
earlier tokens do not change (nobody looks ahead), so they are kept. Leaves out: what to choose (`strategies`)
and when to stop (`writing`). Source of the cache: Shazeer 2019, "Fast Transformer Decoding". Explained in
lesson 07.

When the text outgrows the context, both show the model the last `context_length` tokens, counted from
position 0 as if nothing stood before them. Kept keys would stand for other positions and would know of tokens
that have left, so there the cache is of no use, and each token costs a whole pass.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import torch

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    Choose: TypeAlias = Callable[
        [Float[torch.Tensor, "B V"], Int[torch.Tensor, "B T"]], Int[torch.Tensor, " B"]
    ]

__all__ = ["LanguageModel", "cached_steps", "evaluating", "pad_left", "plain_steps"]


@runtime_checkable
class LanguageModel(Protocol):
    """What is asked of a model: `GPT` and `Llama` have it.

    Attributes:
        config: Has `context_length` and `vocab_size`, in tokens.
        training: Whether it is in training mode.
    """

    config: Any
    training: bool

    def __call__(
        self, ids: torch.Tensor, cache: Any = None, padding: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Logits (B, T, V); `padding` is the number of pads at the left of each row."""
        ...

    def new_cache(self, batch_size: int, length: int) -> Any:
        """An empty cache for `length` tokens."""
        ...

    def parameters(self) -> Iterator[Any]:
        """The weights."""
        ...

    def train(self, mode: bool = True) -> Any:
        """Training mode on or off."""
        ...


def plain_steps(
    model: LanguageModel,
    ids: Int[torch.Tensor, "B T"],
    choose: Choose,
    n: int,
    padding: Int[torch.Tensor, " B"] | None = None,
) -> Iterator[Int[torch.Tensor, " B"]]:
    """New tokens, each from the whole text.

    Args:
        model: Gives logits.
        ids: The prompts, shorter ones padded at the left.
        choose: From the logits (B, V) of the next token and the text so far (B, T) to the tokens chosen (B,).
        n: How many new tokens a row.
        padding: How many pads each row has; None for none.

    Yields:
        The next token of each row.
    """
    for _ in range(n):
        window, pads = last(ids, padding, model.config.context_length)
        with torch.inference_mode():
            logits = model(window, padding=pads)[:, -1]  # (B, V)
            new = choose(logits, ids)  # (B,)
        yield new
        ids = torch.cat([ids, new[:, None]], dim=1)  # (B, T + 1)


def cached_steps(
    model: LanguageModel,
    ids: Int[torch.Tensor, "B T"],
    choose: Choose,
    n: int,
    padding: Int[torch.Tensor, " B"] | None = None,
) -> Iterator[Int[torch.Tensor, " B"]]:
    """The same tokens, each from the newest token and the cache: only the first pass reads the prompt.

    Args:
        model: Gives logits.
        ids: The prompts, shorter ones padded at the left.
        choose: From the logits (B, V) of the next token and the text so far (B, T) to the tokens chosen (B,).
        n: How many new tokens a row.
        padding: How many pads each row has; None for none.

    Yields:
        The next token of each row.
    """
    context_length = model.config.context_length
    cache = model.new_cache(len(ids), min(ids.shape[1] + n - 1, context_length))
    unread = ids  # what the model has not seen yet
    for done in range(n):
        if ids.shape[1] > context_length:
            yield from plain_steps(model, ids, choose, n - done, padding)
            return
        with torch.inference_mode():
            logits = model(unread, cache=cache, padding=padding)[:, -1]  # (B, V)
            new = choose(logits, ids)  # (B,)
        yield new
        unread = new[:, None]  # (B, 1)
        ids = torch.cat([ids, unread], dim=1)  # (B, T + 1)


def last(
    ids: Int[torch.Tensor, "B T"], padding: Int[torch.Tensor, " B"] | None, length: int
) -> tuple[Int[torch.Tensor, "B T_kept"], Int[torch.Tensor, " B"] | None]:
    """The last `length` columns, and how many of them are pads."""
    left_out = max(0, ids.shape[1] - length)
    return ids[:, left_out:], None if padding is None else (padding - left_out).clamp(min=0)


def pad_left(
    prompts: Sequence[Sequence[int]], device: torch.device | str | None = None
) -> tuple[Int[torch.Tensor, "B T"], Int[torch.Tensor, " B"] | None]:
    """Prompts of unequal length as one batch, so that the next token of all stands in one column.

    Args:
        prompts: Token ids, none empty.
        device: Where to build it.

    Returns:
        (ids, how many pads stand at the left of each row, None where none does). The model does not look at
        pads; they repeat the row's first token, so that a repetition penalty finds nothing new in them.

    Example:
        >>> pad_left([[5, 6, 7], [8, 9]])
        (tensor([[5, 6, 7],
                [8, 8, 9]]), tensor([0, 1]))
    """
    longest = max(map(len, prompts))
    padding = [longest - len(prompt) for prompt in prompts]
    rows = [[prompt[0]] * n + list(prompt) for prompt, n in zip(prompts, padding, strict=True)]
    pads = torch.tensor(padding, device=device) if any(padding) else None
    return torch.tensor(rows, device=device), pads


@contextlib.contextmanager
def evaluating(model: LanguageModel) -> Iterator[None]:
    """The model in evaluation mode (dropout would change its words), then in the mode that it had."""
    was_training = model.training
    if was_training:
        model.train(False)
    try:
        yield
    finally:
        if was_training:
            model.train(True)
