import re
from collections import Counter
from itertools import pairwise

import pytest

from llmasos_edu.exercises import bpe, tokens
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.tokens import _pieces, _replay, encode, encode_probes
from llmasos_edu.tokenizer import GPT2_PATTERN, Tokenizer, apply_merges, merge, split
from tests.bank_contract import hold

EXERCISES = [*bpe.EXERCISES, *tokens.EXERCISES]
BY_KEY = {e.key: e for e in EXERCISES}


def most_common(pieces):
    counts = Counter()
    for piece in pieces:
        counts.update(pairwise(piece))
    return counts.most_common(1)[0][0]  # keeps the first of equals


def by_sorting(pieces):
    counts = {}
    for piece in pieces:
        for i in range(len(piece) - 1):
            counts[piece[i], piece[i + 1]] = counts.get((piece[i], piece[i + 1]), 0) + 1
    return sorted(counts, key=counts.get, reverse=True)[0]  # a stable sort keeps their order


def by_best_so_far(pieces):
    pairs = [p for piece in pieces for p in pairwise(piece)]
    best = pairs[0]
    for p in pairs:
        if pairs.count(p) > pairs.count(best):
            best = p
    return best


def merge_with_stack(tokens, pair):
    out, open_ = [], False  # open_: the last token is still free
    for token in tokens:
        if open_ and (out[-1], token) == pair:
            out[-1] += token
            open_ = False
        else:
            out.append(token)
            open_ = True
    return out


def merge_recursively(tokens, pair):
    for i in range(len(tokens) - 1):
        if (tokens[i], tokens[i + 1]) == pair:
            return [*tokens[:i], b"".join(pair), *merge_recursively(tokens[i + 2 :], pair)]
    return list(tokens)


def merge_by_deleting(tokens, pair):
    tokens, i = list(tokens), 0
    while i < len(tokens) - 1:
        if tokens[i] == pair[0] and tokens[i + 1] == pair[1]:
            tokens[i : i + 2] = [pair[0] + pair[1]]
        i += 1
    return tokens


def encode_by_rank(text, merges):
    ranks = {pair: i for i, pair in enumerate(merges)}
    out = []
    for piece in split(text, GPT2_PATTERN):
        tokens = [bytes([b]) for b in piece.encode()]
        while known := [p for p in pairwise(tokens) if p in ranks]:
            tokens = merge(tokens, min(known, key=ranks.get))
        out += tokens
    return tuple(out)


def encode_by_package(text, merges):
    vocab = dict.fromkeys([bytes([b]) for b in range(256)] + [a + b for a, b in merges])
    vocab = {token: i for i, token in enumerate(vocab)}
    return Tokenizer.from_parts(vocab, merges).tokens(text)


def decode_gathering(tokens):
    raw = bytearray()
    for token in tokens:
        raw += token
    return str(bytes(raw), "utf-8", "replace")


VARIANTS = {
    "bpe.next_merge": [most_common, by_sorting, by_best_so_far],
    "bpe.merge": [merge_with_stack, merge_recursively, merge_by_deleting],
    "tokens.encode": [
        encode_by_rank,
        encode_by_package,
        lambda text, merges: [t for p in split(text, GPT2_PATTERN) for t in apply_merges(p.encode(), merges)],
    ],
    "tokens.decode": [
        decode_gathering,
        lambda tokens: bytes(b for t in tokens for b in t).decode(errors="replace"),
        lambda tokens: "".join([b"".join(tokens).decode("utf8", "replace")]),
    ],
}
PAIRS = {
    "tokens.encode": {
        ("merges across pre-tokens", "characters for bytes"): lambda text, merges: _replay(
            [[c.encode() for c in text]], merges
        ),
        ("merges across pre-tokens", "the merges in reverse"): lambda text, merges: _replay(
            [[bytes([b]) for b in text.encode()]], merges[::-1]
        ),
    },
    "bpe.next_merge": {
        (
            "pairs across pre-tokens are counted",
            "of equally common pairs the greatest is taken",
        ): lambda pieces: max(
            (n, p) for p, n in Counter(pairwise([t for piece in pieces for t in piece])).items()
        )[1],
    },
}
# answers that the bank has no entry for: refused, and given no wrong name
UNSEEN = {
    "tokens.encode": [
        lambda text, merges: [text.encode()],
        lambda text, merges: split(text, GPT2_PATTERN),
        lambda text, merges: _replay(_pieces(text.lower().strip()), merges),
        lambda text, merges: _replay(_pieces(text), sorted(merges)),
        lambda text, merges: _replay(_pieces(text), merges[:-1]),
        lambda text, merges: _replay(_pieces(text), merges[:1]),
        lambda text, merges: _replay(_pieces(text[::-1]), merges)[::-1],
        lambda text, merges: list(dict.fromkeys(encode(text, merges))),
        lambda text, merges: [t for t in encode(text, merges) if t != b" "],
        lambda text, merges: encode(text, merges)[::-1],
    ],
    "bpe.next_merge": [
        lambda pieces: min(Counter(p for x in pieces for p in pairwise(x)).items(), key=lambda e: e[1])[0],
        lambda pieces: (pieces[0][0], pieces[0][1]),
        lambda pieces: Counter(t for x in pieces for t in x).most_common(2)[0][0],
        lambda pieces: most_common([x[::-1] for x in pieces])[::-1],
    ],
    "bpe.merge": [
        lambda tokens, pair: [t for t in tokens if t not in pair] + [pair[0] + pair[1]],
        lambda tokens, pair: [b"".join(pair) if t == pair[0] else t for t in tokens if t != pair[1]],
        lambda tokens, pair: merge(tokens, pair[::-1]),
    ],
    "tokens.decode": [
        lambda tokens: str(tokens),
        lambda tokens: b"".join(tokens),
        lambda tokens: b"".join(tokens).decode("utf-16", "replace"),
        lambda tokens: b"".join(tokens).decode("utf-8", "backslashreplace"),
    ],
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS.get(exercise.key))


# answers as a learner would write them, in code of their own, with the name that they deserve
def their_merge(tokens, pair):  # lesson 01's, which takes anything
    joined, i = [], 0
    while i < len(tokens):
        hit = tuple(tokens[i : i + 2]) == pair
        joined.append(pair[0] + pair[1] if hit else tokens[i])
        i += 2 if hit else 1
    return joined


def one_byte_numbers(text, merges):
    result = []
    for piece in split(text, GPT2_PATTERN):
        tokens = list(piece.encode("utf-8"))
        for pair in merges:
            tokens = their_merge(tokens, pair)
        result.extend(tokens)
    return result


def letters(text, merges):
    result = []
    for piece in split(text, GPT2_PATTERN):
        tokens = list(piece)
        for pair in merges:
            tokens = their_merge(tokens, pair)
        result += tokens
    return result


def whole_text(text, merges):
    tokens = [bytes([b]) for b in text.encode()]
    for pair in merges:
        tokens = their_merge(tokens, pair)
    return tokens


def append_for_extend(text, merges):
    result = []
    for piece in split(text, GPT2_PATTERN):
        tokens = [bytes([b]) for b in piece.encode()]
        for pair in merges:
            tokens = their_merge(tokens, pair)
        result.append(tokens)
    return result


def return_too_early(text, merges):
    tokens = []
    for piece in split(text, GPT2_PATTERN):
        tokens = [bytes([b]) for b in piece.encode()]
        for pair in merges:
            tokens = their_merge(tokens, pair)
        return tokens
    return tokens


def not_assigned(text, merges):
    out = []
    for piece in split(text, GPT2_PATTERN):
        tokens = [bytes([b]) for b in piece.encode()]
        for pair in merges:
            their_merge(tokens, pair)
        out += tokens
    return out


def zeros(text, merges):
    out = []
    for piece in split(text, GPT2_PATTERN):
        tokens = [bytes(b) for b in piece.encode()]
        for pair in merges:
            tokens = their_merge(tokens, pair)
        out += tokens
    return out


def by_words(text, merges):
    out = []
    for word in text.split():
        tokens = [bytes([b]) for b in word.encode()]
        for pair in merges:
            tokens = their_merge(tokens, pair)
        out += tokens
    return out


def backwards(text, merges):
    out = []
    for piece in split(text, GPT2_PATTERN):
        tokens = [bytes([b]) for b in piece.encode()]
        for pair in reversed(merges):
            tokens = their_merge(tokens, pair)
        out += tokens
    return out


def greedy(text, merges):
    known = {a + b for a, b in merges} | {bytes([b]) for b in range(256)}
    out = []
    for piece in split(text, GPT2_PATTERN):
        raw, start = piece.encode(), 0
        while start < len(raw):
            end = len(raw)
            while raw[start:end] not in known:
                end -= 1
            out.append(raw[start:end])
            start = end
    return out


def any_known_pair(text, merges):
    out = []
    for piece in split(text, GPT2_PATTERN):
        tokens = [bytes([b]) for b in piece.encode()]
        i = 0
        while i < len(tokens) - 1:
            if (tokens[i], tokens[i + 1]) in merges:
                tokens[i : i + 2] = [tokens[i] + tokens[i + 1]]
                i = 0
            else:
                i += 1
        out += tokens
    return out


def whole_words(text, merges):
    vocab = {a + b for a, b in merges}
    out = []
    for piece in split(text, GPT2_PATTERN):
        raw = piece.encode()
        out += [raw] if raw in vocab else [raw[i : i + 1] for i in range(len(raw))]
    return out


LEARNERS = [
    (whole_words, "a pre-token is one token or single bytes"),
    (one_byte_numbers, "numbers, or zeros, for single bytes"),
    (letters, "characters for bytes"),
    (whole_text, "merges across pre-tokens"),
    (append_for_extend, "a list of lists"),
    (return_too_early, "only one pre-token comes back"),
    (not_assigned, "what merge gives is not kept"),
    (zeros, "numbers, or zeros, for single bytes"),
    (by_words, "the spaces are lost"),
    (backwards, "the merges in reverse"),
    (greedy, "the longest token first"),
    (any_known_pair, "the leftmost pair first"),
]


@pytest.mark.parametrize(("wrong", "name"), LEARNERS)
def test_learners_mistakes_get_their_name(wrong, name):
    assert [m.name for m in diagnose(wrong, BY_KEY["tokens.encode"]).mistakes] == [name]


def words_alone(text, merges):
    return _replay([[bytes([b]) for b in w.encode()] for w in re.findall(r" ?\w+", text)], merges)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (words_alone, "tokens.encode"),  # loses the full stop
        (lambda tokens: b"".join(tokens).decode(errors="replace").strip(), "tokens.decode"),
        (lambda tokens: b"".join(tokens).decode(errors="replace").replace("\ufffd", "?"), "tokens.decode"),
    ],
)
def test_nearly_right_answers_are_refused(wrong, key):
    assert diagnose(wrong, BY_KEY[key]).status == "not yet"


@pytest.mark.parametrize("key", UNSEEN)
def test_unseen_mistakes_get_no_wrong_name(key):
    for number, wrong in enumerate(UNSEEN[key]):
        result = diagnose(wrong, BY_KEY[key])
        assert result.status == "not yet", f"{key} {number} passes"
        assert not result.mistakes, f"{key} {number} is named {result.mistakes}"
        assert result.symptom


def test_the_reference_equals_the_package():
    for probe in encode_probes():
        text, merges = probe.args
        assert encode(text, merges) == encode_by_package(text, merges)


def test_symptoms_come_with_numbers():
    first_pair = lambda pieces: next(p for piece in pieces for p in pairwise(piece))  # noqa: E731
    result = diagnose(first_pair, BY_KEY["bpe.next_merge"])
    assert "(b'x', b'y') occurs 1 times, but (b'a', b'a') occurs 2 times" in result.symptom
    result = diagnose(lambda text, merges: [b"x"], BY_KEY["tokens.encode"])
    assert "the tokens joined are b'x', but the text is b' kite kite'" in result.symptom
