"""Several documents in a row, so that little is wasted on padding; attention never crosses between them.

`finetuning.examples_apart` gives a model the mask and the positions that this needs.

Source: Krell et al. 2021, "Efficient sequence packing without cross-contamination", arXiv:2107.02027.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from .drawing import IGNORE

if TYPE_CHECKING:
    from jaxtyping import Bool, Int

    Ids = Int[torch.Tensor, "B T"]

__all__ = ["Example", "Packed", "document_mask", "document_positions", "pack_documents"]


class Example(NamedTuple):
    """A document of which only a part counts in the loss, such as the answer to a question.

    Attributes:
        ids: Its tokens, without end tokens.
        counts: For each of them whether it counts, and at last whether the end token after them does.

    Example:
        >>> Example([5, 6, 7], [False, False, True, True]).row(end_id=0)  # 5 6 is given, 7 is wanted
        ([0, 5, 6, 7], [-100, -100, 7, 0])
    """

    ids: Sequence[int]
    counts: Sequence[bool]

    @classmethod
    def whole(cls, ids: Sequence[int]) -> Example:
        """A document that counts as a whole, its end too."""
        return cls(ids, [True] * (len(ids) + 1))

    def row(self, end_id: int) -> tuple[list[int], list[int]]:
        """Inputs, the end token first, and targets, the end token last; those that do not count `IGNORE`d.

        Raises:
            ValueError: If it does not say of each token, and of the end, whether it counts.
        """
        if len(self.counts) != len(self.ids) + 1:
            raise ValueError(
                f"counts must say it of each token and of the end, {len(self.ids) + 1} times; "
                f"got {len(self.counts)}"
            )
        after = [*self.ids, end_id]
        return [end_id, *self.ids], [t if c else IGNORE for t, c in zip(after, self.counts, strict=True)]


class Packed(NamedTuple):
    """Rows that hold several documents.

    Attributes:
        inputs: Each document after an end token (B, T); rows are filled up with end tokens.
        targets: What comes next within the document; `IGNORE` in the filling, and where an example does not
            count.
        numbers: Which document of its row a place belongs to, from 1; 0 in the filling.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    numbers: torch.Tensor


def pack_documents(
    documents: Sequence[Sequence[int] | Example], *, end_id: int, context_length: int
) -> Packed:
    """Put documents into few rows: the longest first, each into the first row with room.

    Args:
        documents: Token ids of each, without end tokens; an `Example` also says what counts.
        end_id: The end token; it stands before each document and is its last target.
        context_length: T, places a row; a document of n tokens takes n + 1.

    Returns:
        The rows, all T wide.

    Raises:
        ValueError: If there is no document, or one that does not fit into a row.

    Source: first-fit decreasing, at most 11/9 of the fewest rows possible and one more (Johnson 1973).

    Example:
        >>> packed = pack_documents([[5, 6], [7]], end_id=0, context_length=6)
        >>> packed.inputs.tolist(), packed.targets.tolist(), packed.numbers.tolist()
        ([[0, 5, 6, 0, 7, 0]], [[5, 6, 0, 7, 0, -100]], [[1, 1, 1, 2, 2, 0]])
    """
    if not documents:
        raise ValueError("at least one document is needed; got none")
    examples = [d if isinstance(d, Example) else Example.whole(d) for d in documents]
    longest = max(len(example.ids) for example in examples)
    if longest + 1 > context_length:
        raise ValueError(
            f"a document must have at most context_length - 1 = {context_length - 1} tokens; got {longest}"
        )
    rows = _first_fit([len(example.ids) + 1 for example in examples], context_length)
    inputs = np.full((len(rows), context_length), end_id, dtype=np.int64)
    targets, numbers = np.full_like(inputs, IGNORE), np.zeros_like(inputs)
    for row, members in enumerate(rows):
        at = 0
        for number, member in enumerate(members, start=1):
            seen, wanted = examples[member].row(end_id)
            here = slice(at, at + len(seen))
            inputs[row, here], targets[row, here], numbers[row, here] = seen, wanted, number
            at = here.stop
    return Packed(*map(torch.from_numpy, (inputs, targets, numbers)))


def _first_fit(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Which sizes go into which row."""
    rows: list[list[int]] = []
    left: list[int] = []
    for member in sorted(range(len(sizes)), key=lambda i: -sizes[i]):
        row = next((i for i, free in enumerate(left) if free >= sizes[member]), len(rows))
        if row == len(rows):
            rows.append([])
            left.append(room)
        rows[row].append(member)
        left[row] -= sizes[member]
    return rows


def document_mask(numbers: Ids) -> Bool[torch.Tensor, "B 1 T T"]:
    """Who may look where in packed rows: back, and within the same document.

    Args:
        numbers: Which document each place belongs to, from `pack_documents`.

    Returns:
        True where the query (axis -2) may look at the key (axis -1); the same for every head.

    Example:
        >>> document_mask(torch.tensor([[1, 1, 2]]))[0, 0].int().tolist()
        [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    """
    same = numbers[:, :, None] == numbers[:, None, :]  # (B, T, T)
    return same.tril()[:, None]


def document_positions(numbers: Ids) -> Ids:
    """Positions that begin at 0 in each document, for models that add an embedding of the position.

    Args:
        numbers: Which document each place belongs to, from `pack_documents`.

    Returns:
        Positions (B, T), int64.

    Example:
        >>> document_positions(torch.tensor([[1, 1, 2, 2, 0]])).tolist()
        [[0, 1, 0, 1, 0]]
    """
    return document_mask(numbers)[:, 0].sum(dim=-1) - 1  # how many places of the document came before
