"""Byte-level BPE: text to ids and back.

A tokenizer is four parts: a vocabulary (bytes → id), merges in order, special tokens, and the pattern that
cuts text into pre-tokens. Every byte has a token, so every text has ids. Encoding remembers the ids of each
pre-token it has seen (a bounded cache), because words repeat.

A tokenizer that came with a model may first put text in Unicode's composed form (NFC), as Qwen's does: é is
then one character however it was typed, and decoding gives that form back.

Left out: other normalisation, several processes. Sources: Sennrich et al. 2016; Radford et al. 2019 (bytes).
Explained in lesson 01, where `NaiveTokenizer` is built by hand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex

from llmasos_edu.tokenizer import files, hugging_face
from llmasos_edu.tokenizer.merging import Pair, merge_ids
from llmasos_edu.tokenizer.parts import Parts, check_parts
from llmasos_edu.tokenizer.patterns import GPT2_PATTERN, split
from llmasos_edu.tokenizer.streaming import stream_pieces
from llmasos_edu.tokenizer.training import check_request, train

__all__ = ["Tokenizer"]


class Tokenizer:
    """A byte-level BPE tokenizer.

    Attributes:
        vocab: Bytes of each token → its id, special tokens aside.
        merges: Pairs in the order in which they are applied.
        special_tokens: Text of each special token → its id.
        pattern: How text is cut into pre-tokens; ``None`` for no cut.
        normalization: ``"NFC"``, or ``None``: text stays as it was typed.

    Example:
        >>> tok = Tokenizer.train("low low lower lowest", 259)
        >>> tok.tokens("lowly"), tok.decode(tok.encode("lowly"))
        ([b'low', b'l', b'y'], 'lowly')
    """

    vocab: dict[bytes, int]
    merges: list[Pair]
    special_tokens: dict[str, int]
    pattern: str | None
    normalization: str | None

    def __init__(self, parts: Parts):
        check_parts(parts)
        self.vocab, self.merges, self.special_tokens, self.pattern, self.normalization = parts
        self._bytes = {i: token for token, i in self.vocab.items()}
        self._bytes |= {i: text.encode() for text, i in self.special_tokens.items()}
        self._ids_of_bytes = [self.vocab.get(bytes([b])) for b in range(256)]
        self._joins: dict[tuple[int, int], tuple[int, int]] = {}
        for rank, (a, b) in enumerate(self.merges):
            self._joins.setdefault((self.vocab[a], self.vocab[b]), (rank, self.vocab[a + b]))
        longest_first = sorted(self.special_tokens, key=len, reverse=True)
        self._cut_specials = re.compile(f"({'|'.join(map(re.escape, longest_first))})")
        self._cache = _Cache(self._encode_piece)

    @classmethod
    def from_parts(
        cls,
        vocab: Mapping[bytes, int],
        merges: Iterable[Pair],
        specials: Mapping[str, int] | None = None,
        pattern: str | None = GPT2_PATTERN,
    ) -> Tokenizer:
        """Build from a vocabulary with any ids.

        Args:
            vocab: Bytes → id; holds both parts and the whole of every merge.
            merges: Pairs in order.
            specials: Text → id.
            pattern: How text is cut into pre-tokens.

        Raises:
            ValueError: If parts do not fit together; names the first that does not.
        """
        return cls(Parts(dict(vocab), [(a, b) for a, b in merges], dict(specials or {}), pattern))

    @classmethod
    def train(
        cls,
        text: str | Iterable[str],
        vocab_size: int | None,
        *,
        pattern: str | None = GPT2_PATTERN,
        special_tokens: Sequence[str] = (),
        ties: str = "first_seen",
        byte_order: Sequence[int] = range(256),
    ) -> Tokenizer:
        """Learn a tokenizer: ids 0–255 are the bytes, then the merges in order, then the special tokens.

        Args:
            text: One text, or documents one after the other.
            vocab_size: All tokens together, at least 256 + special tokens; ``None`` merges all there is.
            pattern: How text is cut into pre-tokens.
            special_tokens: Texts that `encode` turns into one id when asked to.
            ties: ``"first_seen"``, ``"greater_pair"`` or ``"smaller_ids"``; see `training.train`.
            byte_order: The 256 bytes in the order of their ids.

        Raises:
            ValueError: If the vocabulary is too small or an argument unknown.
        """
        check_request(vocab_size, len(special_tokens), ties, byte_order)
        learned = None if vocab_size is None else vocab_size - len(special_tokens)
        merges = cls._learn(text, learned, pattern=pattern, ties=ties, byte_order=byte_order)
        tokens = dict.fromkeys([bytes([b]) for b in byte_order] + [a + b for a, b in merges])
        vocab = {token: i for i, token in enumerate(tokens)}
        specials = {text: len(vocab) + i for i, text in enumerate(dict.fromkeys(special_tokens))}
        return cls.from_parts(vocab, merges, specials, pattern)

    @staticmethod
    def _learn(text: str | Iterable[str], vocab_size: int | None, **how: Any) -> list[Pair]:
        return train(text, vocab_size, **how)

    @property
    def vocab_size(self) -> int:
        """One more than the largest id: the rows that an embedding needs."""
        return max(self._bytes) + 1

    def encode(self, text: str | bytes, *, special: str = "refuse") -> list[int]:
        """Text to ids.

        Args:
            text: Text, or bytes (which need not be UTF-8).
            special: What to do with a special token that stands in the text: ``"refuse"``, ``"allow"`` (it
                becomes its one id; where several begin, the longest) or ``"text"`` (ordinary characters).

        Raises:
            ValueError: If the text holds a special token and `special` is ``"refuse"``, or a byte for which
                the vocabulary has no token.
            TypeError: If `text` is neither.
        """
        if not isinstance(text, str | bytes):
            raise TypeError(f"text must be a str or bytes; got {type(text).__name__}")
        whole = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
        ids: list[int] = []
        for part, is_special in self._segments(special)(whole):
            if is_special:
                ids.append(self.special_tokens[part])
            else:
                pieces = split(self._normalised(part), self.pattern)
                ids += chain.from_iterable(map(self._cache.__getitem__, pieces))
        return ids

    def encode_iterable(self, chunks: Iterable[str], *, special: str = "refuse") -> Iterator[int]:
        """Ids of a text that comes in chunks, equal to those of the joined text, in constant memory.

        Args:
            chunks: Pieces of one text, such as an open file; they may end inside a word.
            special: As in `encode`.

        Yields:
            Ids.

        Raises:
            ValueError: As `encode`; or if the tokenizer normalizes text, which chunks would cut apart.
        """
        if self.normalization:
            raise ValueError(
                f"a tokenizer with {self.normalization} reads a text whole; join it and call encode"
            )
        longest = max(map(len, self.special_tokens), default=0)
        segments = self._segments(special)
        for pieces in stream_pieces(chunks, segments, lambda text: split(text, self.pattern), longest):
            for piece, is_special in pieces:
                yield from (self.special_tokens[piece],) if is_special else self._cache[piece]

    def decode(self, ids: Iterable[SupportsIndex], errors: str = "replace") -> str:
        """Ids to text.

        Args:
            ids: Ids, a list or a one-dimensional array.
            errors: What to do with bytes that are no UTF-8 (a character may be cut): ``"replace"`` each by
                U+FFFD, or ``"strict"``.

        Raises:
            ValueError: If an id is out of range, or ``"strict"`` and the bytes are no UTF-8.
        """
        if errors not in ("replace", "strict"):
            raise ValueError(f'errors must be "replace" or "strict"; got {errors!r}')
        raw = self.decode_bytes(ids)
        try:
            return raw.decode("utf-8", errors)
        except UnicodeDecodeError as e:
            raise ValueError(
                f"the tokens' bytes must be UTF-8; got {raw[e.start : e.end]!r} at {e.start}"
            ) from e

    def decode_bytes(self, ids: Iterable[SupportsIndex]) -> bytes:
        """Ids to bytes, exactly."""
        try:
            return b"".join([self._bytes[index(i)] for i in ids])
        except KeyError as e:
            raise ValueError(self._no_such_id(e.args[0])) from None
        except TypeError as e:
            raise TypeError(f"ids must be a row of whole numbers; got {repr(ids)[:60]}") from e

    def token_bytes(self, id: SupportsIndex) -> bytes:
        """The bytes of one token."""
        return self.decode_bytes([id])

    def tokens(self, text: str | bytes, *, special: str = "refuse") -> list[bytes]:
        """The bytes of each token of a text."""
        return [self._bytes[i] for i in self.encode(text, special=special)]

    def save(self, path: str | Path) -> None:
        """Write one human-readable file that `load` restores, pattern included."""
        files.write(path, self._parts())

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """Read what `save` wrote.

        Raises:
            ValueError: If the file is damaged; says in which line and why.
        """
        return cls(files.read(path))

    def to_hugging_face(self, path: str | Path) -> None:
        """Write a `tokenizer.json` that Hugging Face's tokenizers reads; `path` is the file or its folder."""
        hugging_face.write(path, self._parts())

    @classmethod
    def from_hugging_face(cls, path: str | Path) -> Tokenizer:
        """Read a byte-level BPE `tokenizer.json`; `path` is the file or its folder.

        Raises:
            ValueError: If the file asks for something that this class would do differently; names it.
        """
        return cls(hugging_face.read(path))

    def _parts(self) -> Parts:
        return Parts(self.vocab, self.merges, self.special_tokens, self.pattern, self.normalization)

    def _normalised(self, text: str) -> str:
        return unicodedata.normalize("NFC", text) if self.normalization else text

    def _segments(self, special: str) -> Callable[[str], list[tuple[str, bool]]]:
        """A function that cuts a text into (text, is it a special token)."""
        if special not in ("refuse", "allow", "text"):
            raise ValueError(f'special must be "refuse", "allow" or "text"; got {special!r}')
        if special == "text" or not self.special_tokens:
            return lambda text: [(text, False)]

        def segments(text: str) -> list[tuple[str, bool]]:
            parts = self._cut_specials.split(text)  # text, special, text, …
            if len(parts) > 1 and special == "refuse":
                raise ValueError(
                    f"text holds the special token {parts[1]!r}; pass special='allow' to make it one id, or "
                    "special='text' to take it as ordinary characters"
                )
            return [(part, i % 2 == 1) for i, part in enumerate(parts) if part]

        return segments

    def _encode_piece(self, piece: str) -> tuple[int, ...]:
        """The ids of one pre-token."""
        ids = [self._ids_of_bytes[b] for b in utf8(piece)]
        if None in ids:
            byte = utf8(piece)[ids.index(None)]
            raise ValueError(
                f"the vocabulary must hold every byte that occurs; it lacks 0x{byte:02X} of {piece!r}"
            )
        return tuple(merge_ids(ids, self._joins))  # type: ignore[arg-type]

    def _no_such_id(self, id: int) -> str:
        return f"an id must be one of the vocabulary's {len(self._bytes)}, below {self.vocab_size}; got {id}"

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.vocab_size} tokens: {len(self.merges)} merges, "
            f"{len(self.special_tokens)} special)"
        )


def utf8(piece: str) -> bytes:
    """The bytes of a text; what was no UTF-8 when it was read comes back as it was.

    Raises:
        ValueError: If the text holds half of a surrogate pair, which no UTF-8 can say.
    """
    try:
        return piece.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as e:
        raise ValueError(f"text must be Unicode characters; got the lone surrogate {piece[e.start]!r}") from e


class _Cache(dict[str, tuple[int, ...]]):
    """Pre-token → ids, made on demand; emptied when it is full, so memory stays bounded."""

    MOST, LONGEST = 1 << 16, 64  # entries, characters of a pre-token that is worth keeping

    def __init__(self, make: Callable[[str], tuple[int, ...]]):
        super().__init__()
        self.make = make

    def __missing__(self, piece: str) -> tuple[int, ...]:
        ids = self.make(piece)
        if len(piece) <= self.LONGEST:
            if len(self) >= self.MOST:
                self.clear()
            self[piece] = ids
        return ids
