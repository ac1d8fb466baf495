"""How text is cut into pre-tokens before any merge: one regular expression.

A merge never joins two pre-tokens, so the pattern decides what a token may not cross: GPT-2's keeps a word
with its leading space apart from its neighbours. Left out: normalisation (text stays as it was typed).
Sources: GPT-2's `encoder.py` (2019); `cl100k_base` in tiktoken (GPT-4). Explained in lesson 01.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import regex

__all__ = ["DIGITS_PATTERN", "GPT2_PATTERN", "GPT4_PATTERN", "REACH", "compiled", "pattern_of_words", "split"]

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"

GPT4_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# Each digit on its own first, then GPT-2's split of what lies between the digits (SmolLM2 does so): white
# space before a digit stands at the end of such a piece, so it stays whole.
DIGITS_PATTERN = (
    r"\p{N}|'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"
)  # fmt: skip

REACH = 256  # characters past its end that may decide a pre-token; what a stream holds back (streaming.py)

_NO_SPACES = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"


@lru_cache(maxsize=64)
def compiled(pattern: str) -> regex.Pattern:
    """The compiled pattern.

    Raises:
        ValueError: If `pattern` is not a regular expression; says where.
    """
    try:
        return regex.compile(pattern)
    except regex.error as e:
        raise ValueError(f"pattern must be a regular expression; got {pattern!r}: {e}") from e


def split(text: str, pattern: str | None) -> list[str]:
    r"""Cut `text` into pre-tokens; joined they give `text` again.

    Args:
        text: Any text.
        pattern: A regular expression, or ``None`` for no cut at all. What it does not match becomes a
            pre-token of its own.

    Returns:
        The pre-tokens, none of them empty.

    Example:
        >>> split("Mia had a kite.", GPT2_PATTERN)
        ['Mia', ' had', ' a', ' kite', '.']
    """
    if pattern is None:
        return [text] if text else []
    cutter = compiled(pattern)
    if cutter.groups == 0:
        pieces: list[str] = cutter.findall(text)
        if len("".join(pieces)) == len(text):
            return pieces if all(pieces) else [p for p in pieces if p]
    return _split_with_gaps(text, cutter)


def _split_with_gaps(text: str, cutter: regex.Pattern) -> list[str]:
    pieces, done = [], 0
    for match in cutter.finditer(text):
        pieces += [text[done : match.start()], match.group()]
        done = match.end()
    return [p for p in [*pieces, text[done:]] if p]


def pattern_of_words(words: Iterable[str]) -> str:
    r"""The pattern whose pre-tokens are the words of a list; any other character stands alone.

    Longer words win. A word of a script that is written with spaces matches only where no further letter
    follows (" at" is not found in " attic"); 中文 words match anywhere.

    Args:
        words: Words as they stand in text, an English word with its leading space (``" kite"``, ``"风筝"``).

    Returns:
        A pattern for `Tokenizer.train` and `split`.

    Raises:
        ValueError: If there is no word, or one is empty or longer than 255 characters.

    Example:
        >>> split("a kite, 红风筝!", pattern_of_words([" kite", "风", "风筝", "红"]))
        ['a', ' kite', ',', ' ', '红', '风筝', '!']
    """
    unique = sorted(set(words), key=lambda w: (-len(w), w))
    if not unique:
        raise ValueError("words must hold at least one word; got none")
    if not unique[-1] or len(unique[0]) >= REACH:
        wrong = unique[-1] if not unique[-1] else unique[0]
        raise ValueError(f"a word must have 1 to {REACH - 1} characters; got {len(wrong)}: {wrong[:20]!r}…")
    spaced = regex.compile(rf"(?!{_NO_SPACES})[\p{{L}}\p{{M}}]")
    ends = [rf"(?!{spaced.pattern})" if spaced.match(w[-1]) else "" for w in unique]
    return "|".join([_escape(w) + end for w, end in zip(unique, ends, strict=True)] + [r"[\s\S]"])


def _escape(word: str) -> str:
    """Escape what every dialect escapes (Python's, JavaScript's, that of Hugging Face) and nothing else."""
    return regex.sub(r"[\^$\\.*+?()\[\]{}|/]", r"\\\g<0>", word)
