"""Batches: what the model reads in a step and what it should have said, as a pure function of (seed, step).

Teaches: targets are the inputs moved by one; a batch that follows from its number needs no stored state, so a
run that stopped goes on with the very batch it would have seen, and processes divide it by arithmetic.
Leaves out: workers that read ahead (making a batch takes far less time than a step).
Lesson 06 explains it.
"""

from .documents import STRIDE, Document, Documents
from .drawing import IGNORE
from .packing import Example, Packed, document_mask, document_positions, pack_documents
from .windows import Windows, consecutive_windows

__all__ = [
    "IGNORE", "STRIDE", "Document", "Documents", "Example", "Packed", "Windows", "consecutive_windows",
    "document_mask", "document_positions", "pack_documents",
]  # fmt: skip
