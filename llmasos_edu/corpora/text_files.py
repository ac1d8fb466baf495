"""A reader's own text file, read strictly: bytes of another encoding are told, not replaced.

Teaches: a file holds bytes, and only an encoding makes characters of them; the wrong one often fails, and
sometimes gives other characters without a word. Which one is right, eyes see sooner than statistics: the
error shows how the file would read in each. Leaves out: guessing. Lesson 01 has the bytes of characters.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ["open_text"]

OTHERS = ("utf-16", "gb18030", "big5", "cp1252")  # gb18030 holds GBK and GB2312
SHOWN = 12  # characters of each reading
LOOKED_AT = 1 << 16  # bytes of the line that cannot be read


@contextmanager
def open_text(path: Path, encoding: str = "utf-8") -> Iterator[TextIO]:
    """Open a text file to read.

    Args:
        path: The file.
        encoding: How its characters are written as bytes; a name that Python knows.

    Yields:
        The open file, as Python opens it.

    Raises:
        ValueError: If there is no such encoding; or, while the file is read, if it is in another one: says in
            which line, and how that line reads in others.
    """
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise ValueError(
            f"encoding must be one that Python knows, such as {', '.join(OTHERS)}; got {encoding!r}"
        ) from None
    try:
        with open(path, encoding=encoding) as file:
            yield file
    except UnicodeError as e:
        raise ValueError(_told(path, encoding)) from e


def _told(path: Path, encoding: str) -> str:
    """What is wrong with the file, and what may be right."""
    name = "UTF-8" if encoding == "utf-8" else encoding
    number, line = _first_unreadable(path, encoding)
    readings = [
        f"encoding={other!r} reads {text!r}"
        for other in OTHERS
        if (text := _reading(line, other)) is not None
    ]
    seen = f": {', '.join(readings)}" if readings else ""
    return (
        f"{path} must be {name} text; line {number} is not{seen}. Say which is right with encoding=, or save "
        "the file as UTF-8"
    )


def _first_unreadable(path: Path, encoding: str) -> tuple[int, bytes]:
    """Number and bytes of the first line that is not in the encoding."""
    with open(path, "rb") as file:
        lines = enumerate(file, start=1)
        bad = ((number, line) for number, line in lines if _decoded(line, encoding, final=True) is None)
        number, line = next(bad, (1, b""))
    return number, line[:LOOKED_AT]


def _reading(line: bytes, encoding: str) -> str | None:
    """How a line reads from its first character beyond ASCII on; None where it cannot be so written."""
    if encoding == "utf-16" and not line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    text = _decoded(line, encoding)
    if text is None:
        return None
    first = next((i for i, c in enumerate(text) if not c.isascii()), 0)
    return text[first : first + SHOWN].strip()


def _decoded(line: bytes, encoding: str, final: bool = False) -> str | None:
    """A line as text, None where it is none; unless `final`, a character may be cut off at its end."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(line, final)
    except UnicodeError:
        return None
