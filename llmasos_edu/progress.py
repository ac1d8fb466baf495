"""What the learner did: one append-only file of JSON lines in the user's state folder.

Two notebooks may write at once: a line is one write to the end of the file, under a lock. Nothing is ever
rewritten, and nothing leaves the machine. A line that cannot be read is kept, told and not counted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from llmasos_edu.files import state_dir

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

__all__ = ["VERSION", "Problem", "path", "read", "record"]

VERSION = 1


class Problem(NamedTuple):
    """A line that does not count: its number (from 1), why, and the line itself."""

    line: int
    reason: str
    text: str


def path() -> Path:
    """The file of the learner's progress; not created here."""
    return state_dir() / "progress.jsonl"


def record(event: Mapping[str, Any]) -> bool:
    """Append one event, stamped with the format's version and the time (UTC).

    Args:
        event: What happened; ``event["kind"]`` names it, such as ``"check"``, and the rest is JSON.

    Returns:
        False where the disk refused (full, read-only): a lesson goes on without its log.

    Raises:
        ValueError: If the event has no kind or is not JSON.
    """
    if not isinstance(event.get("kind"), str) or not event["kind"]:
        raise ValueError(f'an event needs a "kind", such as "check"; got {dict(event)!r}')
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        text = json.dumps({**event, "v": VERSION, "time": stamp}, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as e:
        raise ValueError(f"an event must be JSON (text, finite numbers, lists, dicts): {e}") from e
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        _append(text.encode("utf-8", "backslashreplace") + b"\n")
    except OSError:
        return False
    return True


def read(file: Path | None = None) -> tuple[list[dict[str, Any]], list[Problem]]:
    """All events in the order of writing, and the lines that do not count.

    Args:
        file: Another log than the learner's own.

    Returns:
        The events, and a `Problem` for each line that is damaged or was written by a newer version.
    """
    try:
        lines = (file or path()).read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], []
    events: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        event, reason = _parse(line)
        if event is None:
            problems.append(Problem(number, reason, line.decode("utf-8", "replace")))
        else:
            events.append(event)
    return events, problems


def _parse(line: bytes) -> tuple[dict[str, Any] | None, str]:
    """The event of a line, or None and why it does not count."""
    try:
        event = json.loads(line)
    except ValueError:  # UnicodeDecodeError and JSONDecodeError are both ValueErrors
        return None, "damaged: not a complete JSON line"
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        return None, "damaged: not an event"
    version = event.get("v")
    if not isinstance(version, int) or version < 1:
        return None, "damaged: no version"
    if version > VERSION:
        return (
            None,
            f"written by a newer version (format {version}, this one reads {VERSION}); update to count it",
        )
    return event, ""


def _append(line: bytes) -> None:
    """One write to the end of the file. An unfinished last line, left by a crash, is closed first."""
    handle = os.open(path(), os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with _locked(handle):
            size = os.lseek(handle, 0, os.SEEK_END)
            if size:
                os.lseek(handle, size - 1, os.SEEK_SET)
                if os.read(handle, 1) != b"\n":
                    line = b"\n" + line
            os.lseek(handle, 0, os.SEEK_END)
            os.write(handle, line)
    finally:
        os.close(handle)


@contextmanager
def _locked(handle: int) -> Iterator[None]:
    """Hold the file against other writers; where a file system has no locks, O_APPEND alone must do."""
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield  # closing the file lets go of it
        return
    os.lseek(handle, 2**30, os.SEEK_SET)  # Windows locks bytes: one far behind the end, that nobody writes
    msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
    try:
        yield
    finally:
        os.lseek(handle, 2**30, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
