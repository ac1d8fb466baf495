"""Exercises on using a vocabulary: encoding and decoding. Lesson 01 asks for `tokens.encode`.

Mistakes that people make on the way: characters for bytes, the order of the merges, borders between
pre-tokens, tokens decoded one by one. Learning the merges is in `bpe`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

from llmasos_edu.exercises.bpe import Pair, Piece, first_only, most, same_bytes, single_bytes
from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.tokenizer import GPT2_PATTERN, count_pairs, merge, split

KITE = [(b"i", b"t"), (b"k", b"it"), (b" ", b"kit"), (b" kit", b"e"), (b"d", b"r")]


# --- tokens.encode ---------------------------------------------------------------------------------------


def encode(text: str, merges: list[Pair]) -> list[bytes]:
    """The tokens of a text: pre-tokens, their bytes, then every merge in the order of learning."""
    tokens_of_text = []
    for piece in split(text, GPT2_PATTERN):
        tokens = [bytes([b]) for b in piece.encode()]
        for pair in merges:
            tokens = merge(tokens, pair)
        tokens_of_text += tokens
    return tokens_of_text


def encode_probes() -> list[Probe]:
    """A learned word first; then merges that compete, overlap or would cross a border, and 中文."""
    return [
        Probe("a learned word, twice", (" kite kite", list(KITE))),
        Probe("merges that compete", ("abc", [(b"b", b"c"), (b"a", b"b"), (b"ab", b"c")])),
        Probe("a known pair that comes too late", ("bcd", [(b"c", b"d"), (b"b", b"c"), (b"b", b"cd")])),
        Probe("aaaaa and a·a", ("aaaaa", [(b"a", b"a")])),
        Probe("风筝: bytes, not characters", ("风筝", [(b"\xe9", b"\xa3"), (b"\xe9\xa3", b"\x8e")])),
        Probe("a merge across a border", ("a a a", [(b"a", b" "), (b" ", b"a")])),
        Probe("more than words", ("it's 3.\n", [(b"'", b"s")])),
        Probe("a half-learned word", (" kitten drum", list(KITE))),
        Probe("no merge fits", ("xyz", list(KITE))),
        Probe("no merge at all", ("hi", [])),
        Probe("no text", ("", list(KITE))),
    ]


def _cut(text: str) -> list[str]:
    return split(text, GPT2_PATTERN)


def _pieces(text: str) -> list[Piece]:
    return [single_bytes(piece) for piece in _cut(text)]


def _replay(pieces: list[Piece], merges: Sequence[Pair]) -> Piece:
    for pair in merges:
        pieces = [merge(piece, pair) for piece in pieces]
    return [token for piece in pieces for token in piece]


def _longest_first(text: str, merges: list[Pair]) -> Piece:
    vocab, out = {a + b for a, b in merges}, []
    for piece in _cut(text):
        rest = piece.encode()
        while rest:
            n = next((n for n in range(len(rest), 1, -1) if rest[:n] in vocab), 1)
            out.append(rest[:n])
            rest = rest[n:]
    return out


def _whole(piece: str, merges: list[Pair]) -> bool:
    return piece.encode() in {a + b for a, b in merges}


def _leftmost_first(text: str, merges: list[Pair]) -> Piece:
    out = []
    for tokens in _pieces(text):
        while (i := next((i for i, p in enumerate(pairwise(tokens)) if p in merges), None)) is not None:
            tokens = [*tokens[:i], tokens[i] + tokens[i + 1], *tokens[i + 2 :]]
        out += tokens
    return out


def _learned_anew(text: str, merges: list[Pair]) -> Piece:
    pieces = _pieces(text)
    for _ in merges:
        if counts := count_pairs(pieces):
            pieces = [merge(piece, most(counts)) for piece in pieces]
    return [token for piece in pieces for token in piece]


ENCODE = Exercise(
    key="tokens.encode",
    task="Write encode(text, merges): cut the text with split(text, GPT2_PATTERN), turn each pre-token into "
    "its single bytes, apply the merges in the order of learning; give one list of tokens (bytes).",
    reference=encode,
    probes=encode_probes,
    properties=(Property("joined, the tokens are the text's bytes", same_bytes),),
    mistakes=(
        Mistake(
            "characters for bytes",
            why="风 begins as three tokens, one a byte; as one character it has no merge and no id.",
            where="The first list: over piece.encode(), not over the text itself.",
            wrong=(
                lambda text, merges: _replay([[c.encode() for c in p] for p in _cut(text)], merges),
                lambda text, merges: [c for piece in _cut(text) for c in piece],
            ),
        ),
        Mistake(
            "numbers, or zeros, for single bytes",
            why="A loop over bytes gives ints; bytes(107) is 107 zero bytes, bytes([107]) is the one byte k.",
            where="The first list: [bytes([b]) for b in …].",
            wrong=(
                lambda text, merges: [b for piece in _cut(text) for b in piece.encode()],
                lambda text, merges: _replay([[bytes(b) for b in p.encode()] for p in _cut(text)], merges),
            ),
        ),
        Mistake(
            "merges across pre-tokens",
            why="A pair may be joined where one pre-token ends and the next begins; training never saw that.",
            where="Are the pre-tokens kept apart until the last merge?",
            wrong=lambda text, merges: _replay([single_bytes(text)], merges),
        ),
        Mistake(
            "the longest token first",
            why="Training joined b·c before a·b, so abc is a·bc, although ab·c is in the vocabulary too.",
            where="Looking tokens up by length: merges go by their order.",
            wrong=_longest_first,
        ),
        Mistake(
            "a pre-token is one token or single bytes",
            why="A word that is not in the vocabulary may still hold tokens of several bytes.",
            where="Looking up whole words: merges join parts of words, too.",
            wrong=lambda text, merges: [
                t for p in _cut(text) for t in ([p.encode()] if _whole(p, merges) else single_bytes(p))
            ],
        ),
        Mistake(
            "the leftmost pair first",
            why="Any known pair is joined as soon as it is met; the merge learned first must come first.",
            where="Which loop is outside: over the merges, or over the places?",
            wrong=_leftmost_first,
        ),
        Mistake(
            "the merges in reverse",
            why="A later merge joins tokens that an earlier one has to make first.",
            where="The order of the loop over merges.",
            wrong=lambda text, merges: _replay(_pieces(text), merges[::-1]),
        ),
        Mistake(
            "what merge gives is not kept",
            why="merge makes a new list; the next merge has to go on with it, and so has the result.",
            where="tokens = merge(tokens, pair): one name on both sides, and that name is returned.",
            wrong=(
                lambda text, merges: single_bytes(text),
                lambda text, merges: _replay(_pieces(text), merges[-1:]),
            ),
        ),
        Mistake(
            "only the first place is joined",
            why="A pair may stand at several places of a pre-token; a merge joins all of them.",
            where="A break, or a merge that stops after its first hit.",
            wrong=lambda text, merges: [
                t for piece in _pieces(text) for t in reduce(first_only, merges, piece)
            ],
        ),
        Mistake(
            "only one pre-token comes back",
            why="A return inside the loop ends it at the first; a list begun anew in it keeps the last.",
            where="The result begins before the loop over pre-tokens, and is returned after it.",
            wrong=(
                lambda text, merges: _replay(_pieces(text)[:1], merges),
                lambda text, merges: _replay(_pieces(text)[-1:], merges),
            ),
        ),
        Mistake(
            "a list of lists",
            why="One list for each pre-token; the tokens of a text are one row.",
            where="extend or += adds the tokens, append adds the list.",
            wrong=lambda text, merges: [_replay([piece], merges) for piece in _pieces(text)],
        ),
        Mistake(
            "merges are learned anew from the text",
            why="Encoding applies the merges of the training text; new text does not change them.",
            where="Counting pairs belongs to training alone.",
            wrong=_learned_anew,
        ),
        Mistake(
            "the spaces are lost",
            why="text.split() throws white space away; the tokens must give back every byte.",
            where="How the text is cut: split(text, GPT2_PATTERN) keeps the space with its word.",
            wrong=lambda text, merges: _replay([single_bytes(word) for word in text.split()], merges),
        ),
    ),
    hints=(
        "What is known of a new text: its pairs' counts, or the order in which merges were learned?",
        "For each pre-token: a list of single bytes; then, for each pair in merges, merge(tokens, pair).",
        "[bytes([b]) for b in piece.encode()] makes the list; pass the result of one merge to the next.",
    ),
)


# --- tokens.decode ---------------------------------------------------------------------------------------


def decode(tokens: list[bytes]) -> str:
    """The text of tokens: join the bytes first, then decode; what is no UTF-8 becomes U+FFFD."""
    return b"".join(tokens).decode("utf-8", errors="replace")


def decode_probes() -> list[Probe]:
    """English, a character cut over tokens, bytes that are no UTF-8."""
    return [
        Probe("three tokens", ([b" a", b" kite", b" "],)),
        Probe("风 over two tokens", ([b"\xe9\xa3", b"\x8e", b"!"],)),
        Probe("a character cut at the end", ([b"ok ", b"\xe9\xa3"],)),
        Probe("a byte that is never UTF-8", ([b"a", b"\xff", b"b"],)),
        Probe("no token", ([],)),
    ]


DECODE = Exercise(
    key="tokens.decode",
    task="Write decode(tokens): the text of a list of tokens (bytes). A model may give tokens that "
    "together are no UTF-8; each wrong stretch shows as the replacement character U+FFFD.",
    reference=decode,
    probes=decode_probes,
    mistakes=(
        Mistake(
            "tokens decoded one by one",
            why="A character may be spread over tokens; no part of it is text by itself.",
            where="Join the bytes of all tokens first; then decode once.",
            wrong=(
                lambda tokens: "".join(t.decode("utf-8", errors="replace") for t in tokens),
                lambda tokens: "".join(t.decode("utf-8", errors="ignore") for t in tokens),
                lambda tokens: "".join(t.decode("utf-8") for t in tokens),
            ),
        ),
        Mistake(
            "wrong bytes are dropped silently",
            why="Nobody sees that something is missing.",
            where='The argument errors: "replace" shows the place.',
            wrong=lambda tokens: b"".join(tokens).decode("utf-8", errors="ignore"),
        ),
        Mistake(
            "bytes that are no UTF-8 stop the program",
            why="A model can give any token after any other; half a character is no reason to stop.",
            where='decode("utf-8") alone is strict: it takes errors=.',
            wrong=lambda tokens: b"".join(tokens).decode("utf-8"),
        ),
        Mistake(
            "one character a byte",
            why="Latin-1 (or chr) gives each byte a character of its own: 风 becomes three of them.",
            where="The encoding: text was written as UTF-8.",
            wrong=lambda tokens: b"".join(tokens).decode("latin-1"),
        ),
        Mistake(
            "spaces between tokens",
            why="A token carries its own space; the text had no others.",
            where="What stands before .join.",
            wrong=lambda tokens: b" ".join(tokens).decode("utf-8", errors="replace"),
        ),
    ),
    hints=(
        "Is b'\\xe9\\xa3' text? Is it text together with b'\\x8e'?",
        "Join all bytes, then decode once.",
        "b''.join(tokens).decode('utf-8', errors=…)",
    ),
)

EXERCISES = [ENCODE, DECODE]
