"""Several documents in a row, so that little is wasted on padding; attention never crosses between them.

A model whose positions are relative (RoPE) needs the mask alone:
`with model.attention_by(lambda q, k, v, _: fused_attention(q, k, v, document_mask(numbers))): …`

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

__all__ = ["Packed", "document_mask", "document_positions", "pack_documents"]


class Packed(NamedTuple):
    """Rows that hold several documents.

    Attributes:
        inputs: Each document after an end token (B, T); rows are filled up with end tokens.
        targets: What comes next within the document; `IGNORE` in the filling.
        numbers: Which document of its row a place belongs to, from 1; 0 in the filling.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    numbers: torch.Tensor


def pack_documents(documents: Sequence[Sequence[int]], *, end_id: int, context_length: int) -> Packed:
    """Put documents into few rows: the longest first, each into the first row with room.

    Args:
        documents: Token ids of each, without end tokens.
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
    longest = max(map(len, documents))
    if longest + 1 > context_length:
        raise ValueError(
            f"a document must have at most context_length - 1 = {context_length - 1} tokens; got {longest}"
        )
    rows = _first_fit([len(document) + 1 for document in documents], context_length)
    inputs = np.full((len(rows), context_length), end_id, dtype=np.int64)
    targets, numbers = np.full_like(inputs, IGNORE), np.zeros_like(inputs)
    for row, members in enumerate(rows):
        at = 0
        for number, member in enumerate(members, start=1):
            ids = list(documents[member])
            here = slice(at, at + len(ids) + 1)
            inputs[row, here] = [end_id, *ids]
            targets[row, here] = [*ids, end_id]
            numbers[row, here] = number
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
