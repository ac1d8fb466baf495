"""What may be asked of a model that writes; everything else is refused before the first pass.

Teaches nothing: it says what was expected, what came and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from llmasos_edu.tokenizer import Tokenizer

__all__ = ["check_prompts", "check_request", "check_room", "check_vocabularies"]

PADDING = 64  # tokens: vocabularies are padded to a multiple of at most so many …
PADDING_SHARE = 200  # … or by less than one in so many (Qwen2.5-7B: 399 of 152,064)


def check_request(
    config: Any,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    stop_tokens: Sequence[int] = (),
    stop_strings: Sequence[str] = (),
    tokenizer: Tokenizer | None = None,
    overflow: str = "refuse",
) -> None:
    """Refuse what `generate` cannot do.

    Raises:
        ValueError: Says what was expected, what came and what to do.
    """
    if tokenizer is not None:
        check_vocabularies(config.vocab_size, tokenizer.vocab_size)
    n_tokens = config.vocab_size if tokenizer is None else tokenizer.vocab_size
    check_prompts(prompts, n_tokens)
    if overflow not in ("refuse", "slide"):
        raise ValueError(f'overflow must be "refuse" or "slide"; got {overflow!r}')
    check_room(config.context_length, max(map(len, prompts)), max_new_tokens, refuse=overflow == "refuse")
    if wrong := [id for id in stop_tokens if not _is_id(id, n_tokens)]:
        raise ValueError(f"stop_tokens must be ids from 0 to {n_tokens - 1:,}; got {wrong[0]!r}")
    if isinstance(stop_strings, str) or not all(isinstance(s, str) and s for s in stop_strings):
        raise ValueError(f"stop_strings must be a list of texts, none empty; got {stop_strings!r}")
    if stop_strings and tokenizer is None:
        raise ValueError(
            "stop_strings need the tokenizer, which tells what the tokens spell: pass tokenizer=…"
        )


def check_vocabularies(of_model: int, of_tokenizer: int) -> None:
    """Refuse a tokenizer that is not the model's: larger, or smaller by more than padding explains."""
    spare = of_model - of_tokenizer
    if not 0 <= spare <= max(PADDING, of_model // PADDING_SHARE):
        raise ValueError(
            f"the tokenizer must be the one that the model was trained with; it has {of_tokenizer:,} tokens, "
            f"the model {of_model:,}"
        )


def check_prompts(prompts: Sequence[Any], n_tokens: int) -> None:
    """Refuse what is not a list of non-empty lists of ids below `n_tokens`."""
    if len(prompts) == 0 or isinstance(prompts[0], Integral | str):
        raise ValueError(
            f"prompts must be a list of token lists, such as [[464, 995]]; got {repr(prompts)[:60]}. "
            "For one prompt write [ids], for text use speak or stream"
        )
    for i, prompt in enumerate(prompts):
        if len(prompt) == 0:
            raise ValueError(
                f"prompt {i} is empty, and a model needs a token to look at: begin with the token that its "
                "documents begin with, such as '<|end|>'"
            )
        if wrong := [id for id in prompt if not _is_id(id, n_tokens)]:
            raise ValueError(
                f"prompt {i} must hold ids from 0 to {n_tokens - 1:,}, the vocabulary; got {wrong[0]!r}"
            )


def check_room(context_length: int, longest: int, max_new_tokens: Any, refuse: bool) -> None:
    """Refuse a number of new tokens that is none, or that does not fit beside the longest prompt."""
    if isinstance(max_new_tokens, bool) or not isinstance(max_new_tokens, Integral) or max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be a whole number of at least 1; got {max_new_tokens!r}")
    seen = longest + int(max_new_tokens) - 1  # the last new token is not read any more
    if refuse and seen > context_length:
        room = context_length - longest + 1
        more = f"ask for at most {room:,}, or " if room > 0 else "shorten the prompt, or "
        raise ValueError(
            f"{longest:,} prompt tokens and {max_new_tokens:,} new ones do not fit into the model's context "
            f"of {context_length:,}: {more}pass overflow='slide', and it forgets the beginning"
        )


def _is_id(id: Any, n_tokens: int) -> bool:
    return isinstance(id, Integral) and 0 <= int(id) < n_tokens
