"""Letting a model tell stories, many at once.

Teaches: what a model believes is what it tells when nothing shapes its distribution. Leaves out: judging the
stories (`stories`). Lesson 07 explains it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmasos_edu import generation
from llmasos_edu.generation.decoding import Decoding
from llmasos_edu.tinyworld import END
from llmasos_edu.tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch

    from llmasos_edu.generation import LanguageModel

__all__ = ["sample_stories"]


def sample_stories(
    model: LanguageModel,
    tokenizer: Tokenizer,
    n: int,
    *,
    decoding: Decoding = Decoding(),  # noqa: B008 (frozen)
    generator: torch.Generator | None = None,
    opening: str = "",
    batch_size: int = 128,
) -> list[str]:
    """Stories that a model tells, each begun by `<|end|>` and ended by it.

    Args:
        model: A model whose documents begin and end with `<|end|>`, such as tinyworld-base.
        tokenizer: The model's tokenizer.
        n: How many stories.
        decoding: The strategies; by default the model's own distribution.
        generator: Where the randomness comes from; greedy needs none.
        opening: How each story begins; a model of two languages chooses one where nothing stands here.
        batch_size: Stories told at once; it changes the time, not the stories (near ties aside).

    Returns:
        The stories as text, the opening included. One that has not ended after the model's context breaks
        off there.

    Raises:
        ValueError: If a number is out of range, or an argument is refused by `generate`.
    """
    if n < 1 or batch_size < 1:
        raise ValueError(f"n and batch_size must be at least 1; got n={n}, batch_size={batch_size}")
    end_id = tokenizer.special_tokens[END]
    prompt = [end_id, *tokenizer.encode(opening)]
    stories: list[str] = []
    while len(stories) < n:
        rows = generation.generate(
            model, [prompt] * min(batch_size, n - len(stories)), decoding=decoding, generator=generator,
            max_new_tokens=model.config.context_length - len(prompt) + 1, stop_tokens=[end_id],
            tokenizer=tokenizer,
        )  # fmt: skip
        stories += [opening + row.text for row in rows]
    return stories
