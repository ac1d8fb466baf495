"""Cutting a stream into pre-tokens when chunks may split a word, a special token, or a run of spaces.

What further text could still change is held back: the last two pre-tokens, and all that ends within a
pattern's reach of the end. Both GPT patterns and `pattern_of_words` change no more than that; a pattern of
your own must decide a pre-token within `REACH` characters past its end and must not look behind itself.
Memory is bounded by the chunk, the buffer and the longest pre-token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from llmasos_edu.tokenizer.patterns import REACH

__all__ = ["stream_pieces"]

BUFFER = 1 << 16  # characters gathered before they are cut; larger only while one pre-token is

Segments = Callable[[str], list[tuple[str, bool]]]
Split = Callable[[str], list[str]]
Piece = tuple[str, bool]  # text, and whether it is a special token


def stream_pieces(
    chunks: Iterable[str], segments: Segments, split: Split, longest_special: int = 0
) -> Iterator[list[Piece]]:
    """Pre-tokens and special tokens of the joined chunks, in lists.

    Args:
        chunks: Pieces of one text.
        segments: Cuts text at its special tokens.
        split: Cuts what lies between them into pre-tokens.
        longest_special: Characters of the longest special token.

    Yields:
        Lists of (text, is it a special token).
    """
    reach = max(REACH, longest_special)
    gathered, size, wanted = [], 0, BUFFER
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size < wanted:
            continue
        buffer = "".join(gathered)
        pieces = _settled(buffer, segments, split, reach)
        rest = buffer[sum(len(text) for text, _ in pieces) :]
        gathered, size, wanted = [rest], len(rest), max(BUFFER, 2 * len(rest))
        yield pieces
    yield [piece for part in segments("".join(gathered)) for piece in _cut(part, split)]


def _cut(part: Piece, split: Split) -> list[Piece]:
    text, is_special = part
    return [part] if is_special else [(piece, False) for piece in split(text)]


def _settled(buffer: str, segments: Segments, split: Split, reach: int) -> list[Piece]:
    """The pieces at the beginning of `buffer` that no further text can change."""
    pieces: list[Piece] = []
    start = 0
    for text, is_special in segments(buffer):
        end = start + len(text)
        closed = end <= len(buffer) - reach and end < len(buffer)  # a special token surely begins at `end`
        if is_special and start > len(buffer) - 2 * reach:
            break
        if is_special or closed:
            pieces += _cut((text, is_special), split)
            start = end
            continue
        for piece in split(text)[:-2]:
            start += len(piece)
            if start > len(buffer) - 2 * reach:
                break
            pieces.append((piece, False))
        break
    return pieces
