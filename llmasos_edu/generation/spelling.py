"""From token ids to text while it is being written: whole characters only, cut at stop strings.

Teaches that a token is bytes, not text: 中 is three bytes and may come as three tokens, so a printer has to
wait for the last one. And that a stop string may begin in one token and end in another, so what could become
one is held back. Leaves out: tokens that are no bytes. Explained in lesson 07; UTF-8 in lesson 01.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from llmasos_edu.tokenizer import Tokenizer

__all__ = ["Spelling"]


class Spelling:
    """Spells tokens out, one by one.

    All that `add` and `end` return, joined, is the decoded text up to the first stop string.

    Args:
        tokenizer: Gives each token's bytes.
        stop_strings: Texts that end the writing; they and what follows are not returned.

    Attributes:
        stopped: Whether a stop string has come.

    Example:
        >>> from llmasos_edu.tokenizer import Tokenizer
        >>> spelling = Spelling(Tokenizer.train("", 256))
        >>> [spelling.add(byte) for byte in "中!".encode()]
        ['', '', '中', '!']
    """

    def __init__(self, tokenizer: Tokenizer, stop_strings: Sequence[str] = ()):
        self._tokenizer = tokenizer
        self._stops = tuple(stop_strings)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.stopped = False

    def add(self, id: int) -> str:
        """The characters that this token completes and that no stop string can claim any more."""
        return "" if self.stopped else self._release(self._decoder.decode(self._tokenizer.token_bytes(id)))

    def end(self) -> str:
        """What was held back; half a character comes as U+FFFD."""
        if self.stopped:
            return ""
        text = self._release(self._decoder.decode(b"", final=True)) + self._held
        self._held = ""
        return text

    def _release(self, new: str) -> str:
        text = self._held + new
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` could be the beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
