"""A text's tokens for a model, and each token as text for a reader; our tokenizers and Hugging Face's.

Teaches: a token is bytes and may be half a character; then its bytes are shown, ‹E4 B8›, and nothing breaks.
Leaves out: how a text is cut into tokens (`tokenizer`). Explained in lesson 01.
"""

from __future__ import annotations

from typing import Any

from llmasos_edu.tinyworld import END, SPECIALS, World
from llmasos_edu.tokenizer import Tokenizer
from llmasos_edu.tokenizer.hugging_face import byte_characters

__all__ = ["HuggingFaceWords", "OurWords"]

LANGUAGES = ("en", "zh")
BROKEN = "\ufffd"  # how half a character decodes


class OurWords:
    """A `Tokenizer`'s.

    Attributes:
        size: One more than the largest id.
        start: The id that is put before a text: `<|end|>`, with which TinyWorld's texts begin, where the
            tokenizer has it; else None, as for SmolLM2.
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._names = {id: name for name, id in tokenizer.special_tokens.items()}
        self.size = tokenizer.vocab_size
        self.start: int | None = tokenizer.special_tokens.get(END)

    def ids(self, text: str) -> list[int]:
        """The text's ids, with the start token before them unless the text itself begins with a special one.

        Raises:
            ValueError: If the text holds what the tokenizer has no token for.
        """
        ids = self._tokenizer.encode(text, special="allow")
        return ids if self.start is None or (ids[:1] and ids[0] in self._names) else [self.start, *ids]

    def shown(self, id: int) -> str:
        """A token as text."""
        if id in self._names:
            return self._names[id]
        raw = self._tokenizer.token_bytes(id)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return _hexadecimal(raw)

    def usual(self) -> list[int]:
        """Ids to draw random texts from: all but the special tokens; of TinyWorld's, its words alone.

        (Bytes and the beginnings of words, which that one has too, occur in no story.)
        """
        if set(SPECIALS) <= set(self._tokenizer.special_tokens):
            words = {word for language in LANGUAGES for word in World(language).lexicon}
            return sorted({ids[0] for word in words if len(ids := self._tokenizer.encode(word)) == 1})
        return [id for id in range(self.size) if id not in self._names and self._is_token(id)]

    def _is_token(self, id: int) -> bool:
        try:
            return bool(self._tokenizer.token_bytes(id))
        except ValueError:
            return False


class HuggingFaceWords:
    """A Hugging Face tokenizer's.

    Attributes:
        size: One more than the largest id.
        start: None: what the tokenizer itself puts before a text stands in `ids`.
    """

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        self._special = set(tokenizer.all_special_ids)
        self._byte_of = {character: byte for byte, character in enumerate(byte_characters())}
        self.size = max(tokenizer.get_vocab().values()) + 1
        before = tokenizer("a").input_ids
        self.start: int | None = before[0] if before and before[0] in self._special else None

    def ids(self, text: str) -> list[int]:
        """The text's ids, with the special tokens that the tokenizer puts around it."""
        return list(self._tokenizer(text, verbose=False).input_ids)

    def shown(self, id: int) -> str:
        """A token as text."""
        name = self._tokenizer.convert_ids_to_tokens(id)
        if not isinstance(name, str):
            return f"‹id {id}›"
        if id in self._special:
            return name
        if name.startswith("▁"):  # SentencePiece's space, which decoding one token drops
            return name.replace("▁", " ")
        text = self._tokenizer.decode([id], clean_up_tokenization_spaces=False)
        if text and BROKEN not in text:
            return text
        if all(character in self._byte_of for character in name):
            return _hexadecimal(bytes(self._byte_of[character] for character in name))
        return name  # <0xE4>, SentencePiece's byte

    def usual(self) -> list[int]:
        """Ids to draw random texts from: all but the special tokens."""
        return sorted(set(self._tokenizer.get_vocab().values()) - self._special)


def _hexadecimal(raw: bytes) -> str:
    return f"‹{raw.hex(' ').upper()}›"
