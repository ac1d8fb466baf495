"""Token files: a stream of token ids on disk, read through a memory map, so that it need not fit in memory.

Teaches: to a model a corpus is one long row of numbers. A file is a header of 64 bytes, then the ids, two
bytes each up to 65,536 tokens of vocabulary, else four, little-endian. Leaves out: compression, many files.
Lesson 06 trains on one; data processing writes them too.
"""

from __future__ import annotations

import operator
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from llmasos_edu.files import atomic_write

if TYPE_CHECKING:
    from jaxtyping import Integer

__all__ = ["TokenFile", "open_tokens", "write_tokens"]

MAGIC = b"LLMTOKEN"
#: Magic, version, bytes of an id, vocab_size, count, CRC-32 of the ids, CRC-32 of the header before it.
HEADER = struct.Struct("<8sHHQQI28xI")
VERSION = 1
CHUNK = 1 << 16  # ids gathered before they are written


@dataclass(frozen=True)
class TokenFile:
    """An open token file.

    Attributes:
        path: Where it lies.
        tokens: The ids, read from disk as they are touched; read-only.
        vocab_size: Every id is below it.
    """

    path: Path
    tokens: Integer[np.memmap, " N"]
    vocab_size: int

    @property
    def count(self) -> int:
        """How many tokens it holds."""
        return len(self.tokens)


def write_tokens(path: str | Path, ids: Iterable[Any], vocab_size: int) -> int:
    """Write a stream of ids in flat memory; the file appears once it is complete.

    Args:
        path: The file; an older one is replaced.
        ids: Token ids, one by one or as one-dimensional integer arrays.
        vocab_size: Tokens of the vocabulary; every id must be below it.

    Returns:
        How many tokens were written.

    Raises:
        ValueError: If an id is out of range, or there is none.
        TypeError: If an id is no whole number.
        OSError: If the disk refuses; an older file is then as it was.

    Example:
        >>> import tempfile; path = Path(tempfile.mkdtemp(), "a.tokens")
        >>> write_tokens(path, [3, 1, 2], vocab_size=10), open_tokens(path).tokens.tolist()
        (3, [3, 1, 2])
    """
    if not 1 <= vocab_size <= 1 << 32:
        raise ValueError(f"vocab_size must be from 1 to 2**32 tokens; got {vocab_size}")
    kind = np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")
    count = checksum = 0
    with atomic_write(path, "wb") as file:
        file.write(bytes(HEADER.size))
        for chunk in _chunks(ids):
            _check_range(chunk, count, vocab_size)
            raw = chunk.astype(kind).tobytes()
            checksum = zlib.crc32(raw, checksum)
            file.write(raw)
            count += len(chunk)
        if not count:
            raise ValueError("a token file must hold at least one token; got none")
        file.seek(0)
        file.write(_header(kind.itemsize, vocab_size, count, checksum))
    return count


def _header(width: int, vocab_size: int, count: int, checksum: int) -> bytes:
    without = HEADER.pack(MAGIC, VERSION, width, vocab_size, count, checksum, 0)[:-4]
    return without + struct.pack("<I", zlib.crc32(without))


def _chunks(ids: Iterable[Any]) -> Iterator[np.ndarray]:
    """The ids in arrays, whichever way they came."""
    stream = iter([ids] if isinstance(ids, np.ndarray) else ids)
    for first in stream:
        if isinstance(first, np.ndarray):
            if first.ndim != 1 or first.dtype.kind not in "iu":
                raise TypeError(
                    f"arrays of ids must be one-dimensional whole numbers; got {first.dtype} {first.shape}"
                )
            yield from (first[i : i + CHUNK] for i in range(0, len(first), CHUNK))
        else:
            whole = map(operator.index, chain([first], islice(stream, CHUNK - 1)))
            yield np.fromiter(whole, dtype=np.int64)


def _check_range(chunk: np.ndarray, before: int, vocab_size: int) -> None:
    if wrong := np.flatnonzero((chunk < 0) | (chunk >= vocab_size)).tolist():
        raise ValueError(
            f"an id must be from 0 to {vocab_size - 1}; got {chunk[wrong[0]]} at place {before + wrong[0]:,}"
        )


def open_tokens(path: str | Path, *, verify: bool = False) -> TokenFile:
    """Open a token file; nothing is read but its header.

    Args:
        path: The file.
        verify: Also read all of it and compare its checksum.

    Returns:
        The open file.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is no token file, or damaged; says which and why.
    """
    path = Path(path)
    with open(path, "rb") as file:
        header = file.read(HEADER.size)
    if header[: len(MAGIC)] != MAGIC:
        raise ValueError(f"{path} is no token file: it must begin with {MAGIC!r}; it begins {header[:8]!r}")
    if len(header) < HEADER.size or zlib.crc32(header[:-4]) != int.from_bytes(header[-4:], "little"):
        raise ValueError(f"{path} is damaged: its header does not fit its checksum. Write it again.")
    _, version, width, vocab_size, count, checksum, _ = HEADER.unpack(header)
    if version != VERSION:
        raise ValueError(f"{path} must be of version {VERSION}; got {version}. Write it again.")
    size, wanted = path.stat().st_size, HEADER.size + width * count
    if size != wanted:
        word = "truncated" if size < wanted else "too long"
        raise ValueError(f"{path} is {word}: {count:,} tokens take {wanted:,} bytes; it has {size:,}")
    tokens = np.memmap(path, dtype=f"<u{width}", mode="r", offset=HEADER.size, shape=(count,))
    if verify and _crc_of(tokens) != checksum:
        raise ValueError(f"{path} is damaged: its ids do not fit its checksum. Write it again.")
    return TokenFile(path, tokens, vocab_size)


def _crc_of(tokens: np.ndarray) -> int:
    checksum = 0
    for i in range(0, len(tokens), 1 << 20):
        checksum = zlib.crc32(tokens[i : i + (1 << 20)].tobytes(), checksum)
    return checksum
