"""Tiny Shakespeare: the text on which small language models are compared, fetched once.

A million characters of the plays, in the public domain, as Karpathy collected them for char-rnn (2015). Its
checksum is verified always. Lesson 06 and the benchmark of training speed use it.
"""

from __future__ import annotations

import errno
import http.client
import urllib.request
from pathlib import Path

from ..files import FetchError, atomic_write, cache_dir, sha256_of, verify
from .text_files import open_text

__all__ = [
    "TinyShakespeareMissing", "fetch_tinyshakespeare", "split_characters", "tinyshakespeare",
    "tinyshakespeare_place",
]  # fmt: skip

URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SIZE = 1_115_394  # bytes, and characters: it is ASCII
TIMEOUT = 30  # seconds without a word from the other side
MISSING = "Tiny Shakespeare is not on this machine yet. Run `llmasos-edu fetch tinyshakespeare` first."
WITHOUT_NETWORK = (
    "Check the network and the proxy settings, then run this again. Without a network: bring the file here "
    "and run `llmasos-edu fetch tinyshakespeare --from-file input.txt`."
)


class TinyShakespeareMissing(FileNotFoundError):
    """The text has not been fetched yet."""


def tinyshakespeare_place() -> Path:
    """Where the text lies once it is fetched."""
    return cache_dir() / "tinyshakespeare.txt"


def fetch_tinyshakespeare(source: str | Path | None = None) -> Path:
    """Make sure that the text lies in the user's cache.

    Args:
        source: ``None`` to download it; or a file that is already here.

    Returns:
        The text file. One that is there and intact is kept; a damaged one is replaced.

    Raises:
        FetchError: Offline, a wrong checksum, a full disk. Nothing is left behind.
    """
    place = tinyshakespeare_place()
    if place.is_file() and sha256_of(place) == SHA256:
        return place
    raw = _download() if source is None else _read(Path(source))
    try:
        with atomic_write(place, "wb") as file:
            file.write(raw)
            file.flush()
            verify(file.name, SHA256)  # before it gets its name
    except ValueError as e:
        raise FetchError(f"wrong checksum, so the file was not used: {e}") from e
    except OSError as e:
        room = f". It takes {SIZE:,} bytes in {place.parent}" if e.errno == errno.ENOSPC else ""
        raise FetchError(f"Tiny Shakespeare could not be written: {e.strerror}{room}") from e
    return place


def _download() -> bytes:
    try:
        with urllib.request.urlopen(URL, timeout=TIMEOUT) as answer:
            return answer.read(2 * SIZE)
    except (OSError, http.client.HTTPException) as e:
        raise FetchError(f"Tiny Shakespeare could not be had from {URL}: {e}\n{WITHOUT_NETWORK}") from e


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as e:
        raise FetchError(f"{source} could not be read: {e.strerror}") from e


def tinyshakespeare(path: str | Path | None = None) -> tuple[str, str]:
    """The text in its standard split: 1,003,854 characters for training, 111,540 for validation.

    Args:
        path: Another text file to split in the same way; None takes the fetched text.

    Returns:
        Training text and validation text.

    Raises:
        TinyShakespeareMissing: If it has not been fetched; says how.
        ValueError: If the fetched text is damaged, or yours is no UTF-8.
    """
    if path is None:
        path = tinyshakespeare_place()
        if not path.is_file():
            raise TinyShakespeareMissing(MISSING)
        verify(path, SHA256)
    with open_text(Path(path)) as file:
        return split_characters(file.read())


def split_characters(text: str) -> tuple[str, str]:
    """The first nine tenths of a text's characters, rounded down, and the rest.

    Source: nanoGPT, data/shakespeare_char/prepare.py.

    Example:
        >>> split_characters("abcdefghijk")
        ('abcdefghi', 'jk')
    """
    cut = len(text) * 9 // 10
    return text[:cut], text[cut:]
