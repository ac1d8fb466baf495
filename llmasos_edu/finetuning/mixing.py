"""Replay: some of the old text among the new, so that learning a task does not cost the language.

Teaches: a model forgets what it does not practise; a small share of the pretraining text in every batch keeps
it. Leaves out: other ways to keep (distillation, penalties on moved weights). Source: Robins 1995,
"Catastrophic forgetting, rehearsal and pseudorehearsal". Explained in lesson 09.
"""

from __future__ import annotations

from collections.abc import Callable

from ..batches import Document

__all__ = ["with_replay"]


def with_replay(
    examples: Callable[[int], Document], stories: Callable[[int], Document], share: float
) -> Callable[[int], Document]:
    """Mix a task's examples with stories, evenly spread.

    Args:
        examples: Number n → example n of the task.
        stories: Number n → document n of what was learned before.
        share: Of the documents, how many are stories: from 0 to below 1.

    Returns:
        Number n → document n of the mixture, for `batches.Documents`. Each example and each story comes in
        its own order, none is left out.

    Raises:
        ValueError: If share is out of range.

    Example:
        >>> mixed = with_replay(lambda n: [n], lambda n: [100 + n], share=0.25)
        >>> [mixed(n)[0] for n in range(8)]
        [0, 1, 2, 100, 3, 4, 5, 101]
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be from 0 to below 1, such as 0.1; got {share}")

    def document(n: int) -> Document:
        before, after = int(n * share), int((n + 1) * share)  # stories among the first n, and n + 1
        return stories(before) if after > before else examples(n - before)

    return document
