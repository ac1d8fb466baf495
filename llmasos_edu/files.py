"""Folders and files: where things are kept, atomic writes, checksums.

Nothing is half-written under its final name: a file or folder is written beside its place and renamed
into it. Every folder can be moved by an environment variable, which is how tests and classes share or
separate them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import platformdirs

__all__ = [
    "FetchError",
    "atomic_folder",
    "atomic_write",
    "cache_dir",
    "check_space",
    "data_dir",
    "repo_root",
    "sha256_of",
    "state_dir",
    "verify",
    "why_not_written",
]

APP = "llmasos-edu"


class FetchError(RuntimeError):
    """Something could not be fetched; the message says why and what to do."""


def repo_root() -> Path:
    """The folder that holds notebooks/, data/ and the package."""
    return Path(__file__).resolve().parent.parent


def data_dir() -> Path:
    """The frozen sets and small checkpoints that come with the project."""
    return repo_root() / "data"


def cache_dir() -> Path:
    """Where fetched models lie; `LLMASOS_EDU_CACHE` moves it. Not created here."""
    return Path(os.environ.get("LLMASOS_EDU_CACHE") or platformdirs.user_cache_path(APP, appauthor=False))


def state_dir() -> Path:
    """Where the learner's progress lies; `LLMASOS_EDU_STATE` moves it. Not created here."""
    return Path(os.environ.get("LLMASOS_EDU_STATE") or platformdirs.user_state_path(APP, appauthor=False))


@contextmanager
def atomic_write(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that appears under `path` only once it is complete.

    Args:
        path: The final name; its folder is made where it is missing.
        mode: ``"w"`` for UTF-8 text with ``\\n`` line ends, ``"wb"`` for bytes.

    Yields:
        The open temporary file beside `path`.

    Raises:
        ValueError: If `mode` is neither of the two.
        OSError: If the disk refuses; `path` is then as it was before.
    """
    if mode not in ("w", "wb"):
        raise ValueError(f'mode must be "w" or "wb"; got {mode!r}')
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    name = _beside(path)
    text = {} if mode == "wb" else {"encoding": "utf-8", "newline": "\n"}
    try:
        with open(name, mode.replace("w", "x"), **text) as f:  # type: ignore[call-overload]
            yield f
            f.flush()
            os.fsync(f.fileno())
        os.replace(name, path)
    except BaseException:
        name.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Fill a folder that appears under `path` only once it is complete; an older one is replaced.

    Args:
        path: The final name; its parent is made where it is missing.

    Yields:
        An empty temporary folder beside `path`.

    Raises:
        OSError: If the disk refuses; `path` is then as it was before.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
            os.replace(path, old / path.name)
            os.replace(temporary, path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _beside(path: Path) -> Path:
    """A name that nobody else uses. What is made under it has the usual permissions, unlike `tempfile`'s."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}")


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file in hexadecimal, read in pieces."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def verify(path: str | Path, sha256: str) -> None:
    """Compare a file with its checksum.

    Raises:
        ValueError: If they differ; names both.
    """
    got = sha256_of(path)
    if got != sha256:
        raise ValueError(f"{Path(path).name} must have SHA-256 {sha256}; got {got}. Fetch it again.")


def check_space(folder: str | Path, needed: int) -> None:
    """Refuse before anything is fetched.

    Raises:
        OSError: With ENOSPC, if fewer than `needed` bytes are free where the folder lies.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"{free / 1e6:,.0f} MB are free")


def why_not_written(error: OSError, what: str, needs: str) -> str:
    """What to tell somebody when `what` could not be written to the cache; `needs` says how much it takes."""
    if error.errno == errno.ENOSPC:
        return (
            f"the disk is full ({error.strerror}): {needs} in {cache_dir()}. "
            "Make room, or set LLMASOS_EDU_CACHE to a folder on another disk."
        )
    return f"{what} could not be written: {error}"
