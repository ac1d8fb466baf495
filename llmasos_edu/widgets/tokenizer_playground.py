"""Type text and see its tokens, merge by merge: the widget of lesson 01.

A slider runs through the merges like a film. The vocabulary travels to the browser once and encoding happens
there, so that tokens follow the hand. Left out: special tokens (typed text is ordinary characters).
"""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import Any

import numpy as np
import traitlets

from llmasos_edu.tokenizer import Tokenizer, apply_merges, split
from llmasos_edu.widgets.base import Widget, assemble, escape

__all__ = ["TokenizerPlayground", "javascript_pattern"]

TEXT = "Mia left the red kite in the park. 米娅把红色的风筝留在公园里。"
MOST = 200  # tokens in the static form and in words

_SCRIPTS = re.compile(r"\\p\{(Han|Hiragana|Katakana|Thai|Lao|Khmer|Myanmar)\}")
_FOREIGN = re.compile(
    r"(?<!\\)(?:[*+?]|\{\d+(?:,\d*)?\})\+|\(\?[a-zA-Z]"
)  # possessive quantifiers, inline flags


class TokenizerPlayground(Widget):
    """A text, its tokens with ids or bytes, and a slider over the merges.

    Args:
        tokenizer: Its vocabulary, merges and pattern are shown.
        text: The text to begin with.
        shown: How many merges are applied at first; ``None`` for all.

    Raises:
        ValueError: If `shown` is out of range, or the pattern cannot run in a browser.
    """

    _esm = assemble("tokenizer_playground")
    byte_ids = traitlets.Bytes(b"").tag(sync=True)
    joins = traitlets.Bytes(b"").tag(sync=True)
    js_pattern = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    typed = traitlets.Unicode("").tag(sync=True)
    shown = traitlets.Int(0).tag(sync=True)
    picked = traitlets.Int(-1).tag(sync=True)

    def __init__(self, tokenizer: Tokenizer, text: str = TEXT, shown: int | None = None, **traits: Any):
        n = len(tokenizer.merges)
        if shown is not None and not 0 <= shown <= n:
            raise ValueError(f"shown must be from 0 to the {n} merges of the tokenizer; got {shown}")
        self.tokenizer = tokenizer
        vocab = tokenizer.vocab
        byte_ids = [vocab.get(bytes([b]), -1) for b in range(256)]
        joins = chain.from_iterable((vocab[a], vocab[b], vocab[a + b]) for a, b in tokenizer.merges)
        super().__init__(
            byte_ids=np.array(byte_ids, dtype="<i4").tobytes(),
            joins=np.fromiter(joins, dtype="<i4").tobytes(),
            js_pattern=javascript_pattern(tokenizer.pattern),
            typed=text,
            shown=n if shown is None else shown,
            **traits,
        )

    def tokens(self) -> list[bytes]:
        """The tokens of the text as it stands, with the merges that the slider allows."""
        ranks: dict[tuple[bytes, bytes], int] = {}
        for rank, pair in enumerate(islice(self.tokenizer.merges, self.shown)):
            ranks.setdefault(pair, rank)
        pieces = split(self.typed, self.tokenizer.pattern)
        return [token for piece in pieces for token in apply_merges(piece.encode(), ranks)]

    def text(self) -> str:
        """The counts in a sentence, then the tokens with their ids."""
        tokens = self.tokens()
        listed = [f"{_shown(t)} {self.tokenizer.vocab.get(t, 'without id')}" for t in tokens[:MOST]]
        return (
            f"{len(self.typed)} characters make {len(self.typed.encode())} bytes and {len(tokens)} tokens "
            f"after {self.shown} of {len(self.tokenizer.merges)} merges.\n" + " | ".join(listed)
        )

    def static_html(self) -> str:
        """The tokens as a row of boxes, the id under each."""
        style = "display:inline-block;border:1px solid;border-radius:4px;padding:1px 5px;margin:1px"
        boxes = [(escape(_shown(t)), self.tokenizer.vocab.get(t, "")) for t in self.tokens()[:MOST]]
        return "".join(f'<span style="{style}">{t}<br><small>{i}</small></span>' for t, i in boxes)


def _shown(token: bytes) -> str:
    """A token in words: its text with spaces at the ends as dots, or its bytes."""
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return f"‹{token.hex(' ').upper()}›"
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    return "·" * before + inner + "·" * (len(text) - before - len(inner))


def javascript_pattern(pattern: str | None) -> str | None:
    r"""The same splitting pattern in JavaScript's dialect (flag u).

    Args:
        pattern: A pattern as `regex` reads it, or ``None`` for no cut.

    Raises:
        ValueError: If it uses what browsers do not know (possessive quantifiers, inline flags).

    Example:
        >>> javascript_pattern(r"\s+|\p{Han}|[^\s]")
        '\\p{White_Space}+|\\p{Script=Han}|[^\\p{White_Space}]'
    """
    if pattern is None:
        return None
    # (?i:…) is too young for many browsers: GPT-4's contractions are spelled out; ſ (long s) equals s there
    spelled = "'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])"
    translated = pattern.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", spelled)
    translated = translated.replace(r"\s", r"\p{White_Space}").replace(r"\S", r"\P{White_Space}")
    translated = _SCRIPTS.sub(r"\\p{Script=\1}", translated)
    if found := _FOREIGN.search(translated):
        raise ValueError(f"pattern must be one that browsers can run; {found[0]!r} in {pattern!r} is not")
    return translated
