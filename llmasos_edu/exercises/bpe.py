"""Exercises on learning a vocabulary: choosing the next merge, and merging. Beside lesson 01.

Mistakes that people make on the way: ties, `aaa`, borders between pre-tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.tokenizer import count_pairs, merge

Pair = tuple[bytes, bytes]
Piece = list[bytes]


def single_bytes(text: str) -> Piece:
    """The bytes of a text, each as a token of its own."""
    return [bytes([b]) for b in text.encode()]


# --- bpe.next_merge -----------------------------------------------------------------------------------


def next_merge(pieces: list[Piece]) -> Pair:
    """The commonest pair of neighbouring tokens within pre-tokens; of equally common ones the first seen."""
    counts = count_pairs(pieces)
    return max(counts, key=lambda pair: counts[pair])  # max keeps the first of equals


def next_merge_probes() -> list[Probe]:
    """A clear winner first; then ties, overlaps, borders, repeated pre-tokens and reversed pairs."""
    return [
        Probe("low lower lowest", ([single_bytes("low"), single_bytes(" lower"), single_bytes(" lowest")],)),
        Probe("four pairs, once each", ([single_bytes(w) for w in ("mb", "zb", "ab", "kb")],)),
        Probe("aaa beside xy", ([single_bytes("xy"), single_bytes("aaa")],)),
        Probe("ab only across borders", ([single_bytes(w) for w in ("a", "b", "a", "b", "cd")],)),
        Probe("one pre-token twice", ([single_bytes("xy"), single_bytes("pq"), single_bytes("pq")],)),
        Probe("abab beside cd", ([single_bytes("cd"), single_bytes("abab")],)),
        Probe("ab, ba and twice cd", ([single_bytes(w) for w in ("ab", "ba", "cd", "cd")],)),
        Probe(
            "tokens of several bytes", ([[b"lo", b"w"], [b"l", b"ow"], [b"l", b"ow"], [b"lo", b"w", b"w"]],)
        ),
        Probe("a·bc and ab·c, twice xy", ([[b"a", b"bc"], [b"ab", b"c"], [b"x", b"y"], [b"x", b"y"]],)),
    ]


def _is_a_pair_of_neighbours(call: Probe, got: Pair, expected: Pair) -> str | None:
    counts = count_pairs(call.args[0])
    pair = (got[0], got[1])
    if pair not in counts:
        return f"{pair} stand side by side in no pre-token"
    if counts[pair] < counts[expected]:
        return f"{pair} occurs {counts[pair]} times, but {expected} occurs {counts[expected]} times"
    return None


def most(counts: Counter[Pair]) -> Pair:
    """The pair with the highest count, the first of equals."""
    return max(counts, key=lambda pair: counts[pair])


def _without_overlaps(pieces: list[Piece]) -> Pair:
    counts: Counter[Pair] = Counter()
    for piece in pieces:
        last: tuple[Pair, int] | None = None
        for i, pair in enumerate(pairwise(piece)):
            if last != (pair, i - 1):
                counts[pair] += 1
                last = (pair, i)
            else:
                last = None
    return most(counts)


def _joined(pieces: list[Piece]) -> Pair:
    pairs = [pair for piece in pieces for pair in pairwise(piece)]
    counts = Counter(a + b for a, b in pairs)
    return max(pairs, key=lambda pair: counts[pair[0] + pair[1]])


def _unordered(pieces: list[Piece]) -> Pair:
    counts: Counter[Pair] = Counter()
    for pair in (pair for piece in pieces for pair in pairwise(piece)):
        counts[pair if pair in counts or pair[::-1] not in counts else pair[::-1]] += 1
    return most(counts)


NEXT_MERGE = Exercise(
    key="bpe.next_merge",
    task="Write next_merge(pieces): pieces are pre-tokens, each a list of tokens (bytes). Give the pair of "
    "neighbouring tokens that occurs most often; of equally common pairs the one seen first.",
    reference=next_merge,
    probes=next_merge_probes,
    properties=(Property("no pair is commoner", _is_a_pair_of_neighbours),),
    mistakes=(
        Mistake(
            "of equally common pairs the last is taken",
            why="Two tokenizers trained on one text then differ, from the first tie on.",
            where="The comparison: > keeps the first of equals, >= the last.",
            wrong=lambda pieces: max(enumerate(c := count_pairs(pieces)), key=lambda e: (c[e[1]], e[0]))[1],
        ),
        Mistake(
            "of equally common pairs the greatest is taken",
            why="A tuple (count, pair) compares bytes where counts are equal: another rule for ties.",
            where="max over (count, pair): compare the counts alone.",
            wrong=lambda pieces: max((n, pair) for pair, n in count_pairs(pieces).items())[1],
        ),
        Mistake(
            "of equally common pairs the smallest is taken",
            why="Sorting by (−count, pair) decides ties by bytes: another rule for ties.",
            where="The key that you sort by: the count alone.",
            wrong=lambda pieces: min((-n, pair) for pair, n in count_pairs(pieces).items())[1],
        ),
        Mistake(
            "pairs across pre-tokens are counted",
            why="A token could then hold the end of one word and the beginning of the next.",
            where="Are the pre-tokens put into one list before the pairs are counted?",
            wrong=lambda pieces: most(count_pairs([[t for piece in pieces for t in piece]])),
        ),
        Mistake(
            "overlapping pairs are counted once",
            why="In aaa the pair a·a stands at two places and counts twice; only merging cannot use both.",
            where="The step after a pair is found: one token on, not two.",
            wrong=_without_overlaps,
        ),
        Mistake(
            "a repeated pre-token is counted once",
            why="A common word should weigh as often as it stands in the text.",
            where="A set or a dict of pre-tokens: keep how often each occurs.",
            wrong=lambda pieces: most(count_pairs(dict.fromkeys(map(tuple, pieces)))),
        ),
        Mistake(
            "a pair is counted once in a pre-token",
            why="In abab the pair a·b stands twice, and both count.",
            where="A set of pairs for each pre-token.",
            wrong=lambda pieces: most(Counter(p for piece in pieces for p in dict.fromkeys(pairwise(piece)))),
        ),
        Mistake(
            "the greatest pair, however rare",
            why="max over a dict compares its keys, the pairs themselves, and never looks at a count.",
            where="max(counts, key=…): what is to be largest?",
            wrong=lambda pieces: max(count_pairs(pieces)),
        ),
        Mistake(
            "the count begins anew in each pre-token",
            why="What the pre-tokens before had is forgotten; only the last one counts.",
            where="The counter begins before the loop over pre-tokens.",
            wrong=lambda pieces: most(Counter(pairwise(pieces[-1]))),
        ),
        Mistake(
            "pairs of the same bytes are counted as one",
            why="a·bc and ab·c both make abc, but a merge joins only one of them.",
            where="What is counted: the pair (a, b), not the joined bytes a + b.",
            wrong=_joined,
        ),
        Mistake(
            "ab and ba are counted as one pair",
            why="A merge joins left with right; the other order is another token.",
            where="Sorting the two tokens of a pair, or a frozenset.",
            wrong=_unordered,
        ),
    ),
    hints=(
        "Which pairs of neighbours has [b'l', b'o', b'w']? How do you keep count over all pre-tokens?",
        "A Counter keeps the order in which keys came: Counter(pairwise(piece)) for one pre-token.",
        "counts = Counter(p for piece in pieces for p in pairwise(piece)); max(counts, key=counts.get).",
    ),
)


# --- bpe.merge ----------------------------------------------------------------------------------------


def merge_probes() -> list[Probe]:
    """Overlaps of odd and even length, the last place, tokens of several bytes, nothing to do."""
    return [
        Probe("abcab and a·b", (single_bytes("abcab"), (b"a", b"b"))),
        Probe("aaa and a·a", (single_bytes("aaa"), (b"a", b"a"))),
        Probe("aaaaaa and a·a", (single_bytes("aaaaaa"), (b"a", b"a"))),
        Probe("the pair at the end", (single_bytes("xyab"), (b"a", b"b"))),
        Probe("other tokens, same bytes", ([b"ab", b"c", b"a", b"bc"], (b"a", b"bc"))),
        Probe("tokens of several bytes", ([b" ", b"kit", b"e", b" ", b"kit"], (b" ", b"kit"))),
        Probe("the pair is not there", (single_bytes("ba"), (b"a", b"b"))),
        Probe("one token", ([b"a"], (b"a", b"b"))),
        Probe("no token", ([], (b"a", b"b"))),
    ]


def same_bytes(call: Probe, got: Sequence[bytes], expected: Sequence[bytes]) -> str | None:
    """Nothing is lost or invented: joined, the tokens are the same bytes."""
    if b"".join(got) != b"".join(expected):
        return f"the tokens joined are {b''.join(got)!r}, but the text is {b''.join(expected)!r}"
    return None


def scan(
    tokens: Piece, pair: Pair, step: int = 2, equal: Callable[[Piece, Pair], bool] | None = None
) -> Piece:
    """`merge`, with the step after a hit or the comparison replaced."""
    equal = equal or (lambda two, pair: tuple(two) == pair)
    out, i = [], 0
    while i < len(tokens):
        hit = equal(tokens[i : i + 2], pair)
        out.append(pair[0] + pair[1] if hit else tokens[i])
        i += step if hit else 1
    return out


def _from_the_right(tokens: Piece, pair: Pair) -> Piece:
    swapped = merge([t[::-1] for t in tokens[::-1]], (pair[1][::-1], pair[0][::-1]))
    return [t[::-1] for t in swapped[::-1]]


def first_only(tokens: Piece, pair: Pair) -> Piece:
    """`merge` that stops after its first hit."""
    for i, two in enumerate(pairwise(tokens)):
        if two == pair:
            return [*tokens[:i], pair[0] + pair[1], *tokens[i + 2 :]]
    return list(tokens)


def _beyond_the_end(tokens: Piece, pair: Pair) -> Piece:
    return scan([*tokens], pair, equal=lambda two, p: two[0] == p[0] and two[1] == p[1])


def _last_lost(tokens: Piece, pair: Pair) -> Piece:
    merged = merge(tokens, pair)
    return merged if merged[-1:] == [pair[0] + pair[1]] else merged[:-1]


def _all_windows(tokens: Piece, pair: Pair) -> Piece:
    out = list(tokens[:1])
    for left, right in pairwise(tokens):
        if (left, right) == pair:
            out[-1:] = [pair[0] + pair[1]]
        else:
            out.append(right)
    return out


MERGE = Exercise(
    key="bpe.merge",
    task="Write merge(tokens, pair): a new list in which every occurrence of the two neighbours is one "
    "token, found from left to right; no token is used twice.",
    reference=merge,
    probes=merge_probes,
    properties=(Property("the bytes stay the same", same_bytes),),
    mistakes=(
        Mistake(
            "the second token of a pair stays",
            why="After a hit the scan goes on at the pair's second token, so ab becomes ab·b.",
            where="The step after a hit: two tokens on.",
            wrong=lambda tokens, pair: scan(tokens, pair, step=1),
        ),
        Mistake(
            "the last token gets lost",
            why="A loop over pairs never visits the last token by itself.",
            where="The loop's end: if the last two are no pair, the last token still has to be added.",
            wrong=_last_lost,
        ),
        Mistake(
            "no pair is ever found",
            why="A list never equals a tuple: [b'a', b'b'] == (b'a', b'b') is False.",
            where="The comparison: tuple(tokens[i : i + 2]) == pair, or two comparisons with and.",
            wrong=lambda tokens, pair: list(tokens),
        ),
        Mistake(
            "it looks past the last token",
            why="At the last place tokens[i + 1] does not exist; a slice tokens[i : i + 2] is only shorter.",
            where="What happens where i is the last place.",
            wrong=_beyond_the_end,
        ),
        Mistake(
            "the pair at the end is not seen",
            why="The scan stops one place too early and copies the last two tokens as they are.",
            where="The range of the loop: the last pair begins at len(tokens) − 2.",
            wrong=lambda tokens, pair: merge(tokens[:-1], pair) + tokens[-1:],
        ),
        Mistake(
            "merged from right to left",
            why="In aaa the left pair must win, as in training; here the right one does.",
            where="The direction of the scan.",
            wrong=_from_the_right,
        ),
        Mistake(
            "only the first occurrence is merged",
            why="Every occurrence is joined before the next merge is chosen.",
            where="A return or a break inside the loop, or list.index without a loop.",
            wrong=first_only,
        ),
        Mistake(
            "bytes are compared, not tokens",
            why="ab·c and a·bc have the same bytes but are two pairs; a merge joins only its own.",
            where="The comparison: both tokens, not their joined bytes.",
            wrong=lambda tokens, pair: scan(
                tokens, pair, equal=lambda two, p: len(two) == 2 and b"".join(two) == b"".join(p)
            ),
        ),
        Mistake(
            "the joined token swallows its right neighbours",
            why="A window over the old list joins at each place, though the first token was used already.",
            where="After a hit, the next window must begin after the pair.",
            wrong=_all_windows,
        ),
    ),
    hints=(
        "Where must the scan go on after it has joined tokens[i] and tokens[i + 1]?",
        "A while loop with its own i: two on after a hit, one on otherwise.",
        "if tuple(tokens[i : i + 2]) == pair: append the joined token, i += 2; else tokens[i], i += 1.",
    ),
)

EXERCISES = [NEXT_MERGE, MERGE]
