"""Running somebody's function with care: a time limit, its prints caught, its exceptions kept.

The limit is a timer thread that calls `_thread.interrupt_main()`, on every platform the same. Our own
handler turns that into `TimeUp` inside the reader's code, and into nothing elsewhere, so no interrupt leaks.
One blocking C call outlasts the limit; it ends when the call does.
"""

from __future__ import annotations

import _thread
import io
import linecache
import signal
import sysconfig
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Outcome", "Ran", "TimeUp", "reader_line", "run"]

AGAIN = 0.05  # seconds between interrupts, for a loop that swallows one in a bare `except:`
KEPT = 2_000  # characters of printed text that are kept
LIBRARIES = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
NOT_READER = tuple(str(Path(p).resolve()) for p in [str(Path(__file__).parents[1]), *LIBRARIES])


class TimeUp(BaseException):
    """The time is over. No Exception, so that the reader's `except Exception` lets it pass."""


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a value, or an error and the reader's line where it happened."""

    value: Any = None
    error: BaseException | None = None
    line: str = ""


@dataclass(frozen=True)
class Ran:
    """What all calls gave, and how long they took; fewer outcomes than calls where one used up the time."""

    outcomes: list[Outcome]
    printed: str = ""
    warned: list[str] = field(default_factory=list)
    seconds: float = 0.0


class _TimeLimit:
    """Raise `TimeUp` in `call` once `seconds` are over, again and again until it is left, and nowhere else.

    Works in the main thread, where notebooks and scripts run; elsewhere there is no limit.

    Args:
        seconds: Time for the whole block.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._over, self._fired, self._lock = threading.Event(), threading.Event(), threading.Lock()
        self._here = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> _TimeLimit:
        if self._here:
            self._before = signal.signal(signal.SIGINT, self._on_interrupt)
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._here:
            with self._lock:
                self._over.set()
            # signal() first handles what is pending, by our handler, which now ignores it
            signal.signal(signal.SIGINT, self._before or signal.default_int_handler)

    def call(self, function: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """Call `function`; only in here may the limit strike."""
        return function(*args, **kwargs)

    def _watch(self) -> None:
        wait = self._seconds
        while not self._over.wait(wait):
            with self._lock:
                if not self._over.is_set():
                    self._fired.set()
                    _thread.interrupt_main()
            wait = AGAIN

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if not self._fired.is_set():
            raise KeyboardInterrupt  # the reader's own Ctrl-C stays what it is
        while frame is not None:
            if (frame.f_code.co_name, frame.f_code.co_filename) == ("call", __file__):
                raise TimeUp
            frame = frame.f_back


class _Kept(io.StringIO):
    """Keeps the beginning of what is printed, so that an endless printing loop fills no memory."""

    def write(self, text: str) -> int:
        if self.tell() < KEPT:
            super().write(text[:KEPT])
        return len(text)


def run(function: Callable[..., Any], calls: Sequence[tuple[tuple, dict]], seconds: float) -> Ran:
    """Call `function` once per entry of `calls`, within `seconds` for all of them.

    Args:
        function: Whose code this is does not matter; nothing it raises comes out, save the reader's Ctrl-C.
        calls: Positional and named arguments of each call.
        seconds: The limit for all calls together.

    Returns:
        The outcomes in order, what was printed, the warnings' texts, and the seconds it took.
    """
    outcomes: list[Outcome] = []
    printed, start = _Kept(), time.monotonic()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with _TimeLimit(seconds) as limit, redirect_stdout(printed), redirect_stderr(printed):
                for args, kwargs in calls:
                    outcomes.append(_outcome(limit, function, args, kwargs))
        except TimeUp as e:
            outcomes = [*outcomes, Outcome(error=e, line=reader_line(e.__traceback__))][: len(calls)]
    warned = list(dict.fromkeys(str(w.message) for w in caught))
    return Ran(outcomes, printed.getvalue(), warned, time.monotonic() - start)


def _outcome(limit: _TimeLimit, function: Callable[..., Any], args: tuple, kwargs: dict) -> Outcome:
    try:
        return Outcome(value=limit.call(function, args, kwargs))
    except (Exception, SystemExit) as e:
        return Outcome(error=e, line=reader_line(e.__traceback__))


def reader_line(trace: TracebackType | None) -> str:
    """The innermost line of the reader's own code in a traceback, such as "line 3, `w = q @ k`"; no path."""
    told = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if not str(Path(code.co_filename).resolve()).startswith(NOT_READER):
            source = linecache.getline(code.co_filename, trace.tb_lineno).strip()
            told = f"line {trace.tb_lineno}{', `' + source + '`' if source else ''}"
        trace = trace.tb_next
    return told
