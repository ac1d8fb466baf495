"""Documents in rows: one a row, or as many as fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from .drawing import IGNORE, check_sizes, random_numbers, rows_of
from .packing import Example, pack_documents

if TYPE_CHECKING:
    from jaxtyping import Int

    Ids = Int[torch.Tensor, "B T"]

__all__ = ["STRIDE", "Document", "Documents"]

Document = Sequence[int] | Example  # token ids; an Example also says which of them count in the loss

#: Documents that a function gives before it comes to those of the next seed.
STRIDE = 10_000_000


class Documents:
    """One document a row: the end token, then the document; the targets close with the end token.

    Args:
        documents: Token ids of each, without end tokens, or an `Example`, of which a part counts: a sequence,
            of which every epoch shows each once in an order of its own; or a function from a number to a
            document, for endless ones: batch by batch numbers seed · `STRIDE`, seed · `STRIDE` + 1 … (so seed
            0 begins with document 0).
        end_id: The end token, which also fills up short rows.
        batch_size: B, documents a batch over all processes.
        context_length: The widest row; a document has at most one token less.
        seed: Chooses the order, from 0.
        width: ``"longest"``: rows as wide as the batch's longest document needs; ``"context"``: always
            `context_length`, one shape for a compiler; ``"packed"``: as wide, with as many documents in a row
            as fit (then a batch has fewer than B rows, and only a mask keeps its documents apart, see
            `document_mask`).
        too_long: ``"refuse"`` a document that does not fit, or ``"cut"`` its end off.
        alike: The documents of so many batches are shared out by length, so that the rows of a batch are
            about equally long and less is filled up; which of those batches comes first is drawn.

    Raises:
        ValueError: If there is no document, or a size is not positive.

    Example:
        >>> data = Documents([[5, 6], [7]], end_id=0, batch_size=2, context_length=8, seed=1)
        >>> [x.tolist() for x in data.batch(0)]
        [[[0, 5, 6], [0, 7, 0]], [[5, 6, 0], [7, 0, -100]]]
    """

    def __init__(
        self,
        documents: Sequence[Document] | Callable[[int], Document],
        *,
        end_id: int,
        batch_size: int,
        context_length: int,
        seed: int,
        width: str = "longest",
        too_long: str = "refuse",
        alike: int = 1,
    ) -> None:
        check_sizes(batch_size, context_length, seed)
        if alike < 1:
            raise ValueError(f"alike must be at least 1 batch; got {alike}")
        if width not in ("longest", "context", "packed") or too_long not in ("refuse", "cut"):
            raise ValueError(
                'width must be "longest", "context" or "packed" and too_long "refuse" or "cut"; '
                f"got {width!r} and {too_long!r}"
            )
        if (width, too_long) == ("packed", "cut"):
            raise ValueError("packed rows hold whole documents: too_long='cut' does not go with them")
        if not callable(documents) and not len(documents):
            raise ValueError("at least one document is needed; got none")
        self.documents, self.end_id, self.seed = documents, end_id, seed
        self.batch_size, self.context_length = batch_size, context_length
        self.width, self.too_long, self.alike = width, too_long, alike
        self._order = lru_cache(maxsize=2)(self._order_of_epoch)  # a batch may lie across two epochs
        self._group = lru_cache(maxsize=1)(self._batches_of_group)
        self._rows = lru_cache(maxsize=1)(self._rows_of_step)  # its parts may be asked for one by one

    def batch(self, step: int, rank: int = 0, ranks: int = 1) -> tuple[Ids, Ids]:
        """The batch of a step.

        Args:
            step: Which, from 0.
            rank: Which process asks.
            ranks: How many there are; each gets its own rows, and together they get the whole batch.

        Returns:
            Inputs and targets (B / ranks, T), int64; T is the same in every process; packed, a process has
            fewer rows, as many as its documents need. Targets are `IGNORE` past a document's
            end, and where an example does not count.

        Raises:
            ValueError: If step or rank is out of range, the rows do not divide among the processes, or a
                document does not fit.
        """
        mine = rows_of(self.batch_size, step, rank, ranks)
        if self.width == "packed":
            found = self._group(step // self.alike)[step % self.alike][mine]
            packed = pack_documents(found, end_id=self.end_id, context_length=self.context_length)
            return packed.inputs, packed.targets
        inputs, targets = self._rows(step)
        return torch.from_numpy(inputs[mine]), torch.from_numpy(targets[mine])

    def _rows_of_step(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """All documents of a step as inputs and targets (B, T)."""
        found = self._group(step // self.alike)[step % self.alike]
        width = self.context_length
        if self.width == "longest":
            width = min(width, max(len(document.ids) for document in found) + 1)
        inputs = np.full((self.batch_size, width), self.end_id)
        targets = np.full((self.batch_size, width), IGNORE)
        for row, document in enumerate(found):
            seen, wanted = document.row(self.end_id)
            n = min(width, len(seen))
            inputs[row, :n], targets[row, :n] = seen[:n], wanted[:n]
        return inputs, targets

    def _batches_of_group(self, group: int) -> list[list[Example]]:
        """The documents of `alike` batches, those of like length in one batch."""
        size = self.alike * self.batch_size
        found = [self._document(n) for n in range(group * size, (group + 1) * size)]
        if self.alike == 1:
            return [found]
        found.sort(key=lambda document: len(document.ids))
        order = random_numbers(self.seed, group).permutation(self.alike)
        return [found[i * self.batch_size : (i + 1) * self.batch_size] for i in order]

    def _document(self, n: int) -> Example:
        """The n-th document that the run sees; one that counts as a whole says so."""
        if callable(self.documents):
            found = self.documents(self.seed * STRIDE + n)
        else:
            epoch, place = divmod(n, len(self.documents))
            found = self.documents[self._order(epoch)[place]]
        example = found if isinstance(found, Example) else Example.whole(list(map(int, found)))
        if (room := self.context_length - 1) < len(example.ids) and self.too_long == "refuse":
            raise ValueError(
                f"a document must have at most context_length - 1 = {room} tokens; "
                f"one has {len(example.ids)}. Take a longer context, or too_long='cut'"
            )
        return example

    def _order_of_epoch(self, epoch: int) -> np.ndarray:
        return random_numbers(self.seed, epoch).permutation(len(self.documents))  # type: ignore[arg-type]
