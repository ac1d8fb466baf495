"""The tokenizer against worked examples, against itself (naive == fast), and on bad input."""

import pickle
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmasos_edu.tokenizer import (
    DIGITS_PATTERN,
    GPT2_PATTERN,
    GPT4_PATTERN,
    NaiveTokenizer,
    Tokenizer,
    apply_merges,
    merge_film,
    pattern_of_words,
    split,
    train,
    train_naive,
)
from llmasos_edu.tokenizer.merging import LONG, merge_ids
from llmasos_edu.tokenizer.training import TIES

ROOT = Path(__file__).resolve().parent.parent
PROSE = (
    "Mia had a red kite. Tom had a blue drum. Mia's kite flew; Tom's drum didn't.\n\n"
    "米娅有一个红色的风筝。汤姆有一个蓝色的鼓。 12 kites, 345 drums -- 🪁🥁!\n"
) * 3
WORDS = [" kite", " red", "Mia", " Mia", " at", "风", "风筝", "红色的", ".", " New York"]
PATTERNS = [None, GPT2_PATTERN, GPT4_PATTERN, DIGITS_PATTERN, pattern_of_words(WORDS)]
SPECIALS = ("<|end|>", "<|end|><|end|>", "<|user|>")
few_letters = st.text(alphabet="aab ", max_size=30)


@pytest.fixture(scope="module")
def tok():
    return Tokenizer.train(PROSE, 330, special_tokens=SPECIALS)


def test_the_example_of_the_paper():
    # Sennrich et al. 2016, section 3.2: low 5, lower 2, newest 6, widest 3; · ends a word
    text = "low·" * 5 + "lower·" * 2 + "newest·" * 6 + "widest·" * 3
    merges = train(text.replace("·", ". "), 266, pattern=r"\w+\.", ties="first_seen")
    joined = [a + b for a, b in merges]
    assert joined[:4] == [b"es", b"est", b"est.", b"lo"]
    assert joined[4] == b"low"
    assert b"newest." in joined


def test_ties():
    # all pairs of "ab", "zb", "za" occur once: first in the text; greatest bytes; smallest ids
    text = ["mb", "ab", "zb", "za"]
    assert [train(text, 257, ties=t)[0] for t in TIES] == [(b"m", b"b"), (b"z", b"b"), (b"a", b"b")]
    # greater means greater as a pair of bytes, where a beginning is smaller than the whole (CS336's example)
    text = ["AB", "AC", "B", "ZZ", "BAA"]
    assert train(text, 257, ties="greater_pair") == [(b"Z", b"Z")]
    backwards = [*range(255, -1, -1)]
    assert train(["mb", "ab", "zb"], 257, ties="smaller_ids", byte_order=backwards) == [(b"z", b"b")]


@pytest.mark.parametrize("ties", TIES)
@given(texts=st.lists(few_letters, max_size=6))
def test_fast_training_equals_naive(ties, texts):
    for pattern in (None, GPT2_PATTERN):
        assert train(texts, None, ties=ties, pattern=pattern) == train_naive(
            texts, None, ties=ties, pattern=pattern
        )


@pytest.mark.parametrize("ties", TIES)
def test_fast_training_equals_naive_on_prose(ties):
    assert train(PROSE, 340, ties=ties) == train_naive(PROSE, 340, ties=ties)


def test_overlapping_pairs_count_as_windows_and_merge_left_to_right():
    assert train("aaaaa", None, pattern=None) == [(b"a", b"a"), (b"aa", b"aa"), (b"aaaa", b"a")]
    assert apply_merges(b"aaaaa", [(b"a", b"a")]) == [b"aa", b"aa", b"a"]


@given(trained_on=few_letters, text=few_letters, cut=st.integers(0, 20))
def test_fast_encoding_equals_naive(trained_on, text, cut):
    merges = train(trained_on, None, pattern=None)[:cut]
    vocab = {bytes([b]): b for b in range(256)}
    for a, b in merges:
        vocab.setdefault(a + b, len(vocab))
    fast, naive = (kind.from_parts(vocab, merges, pattern=None) for kind in (Tokenizer, NaiveTokenizer))
    assert fast.encode(text) == naive.encode(text)
    joins = {}
    for rank, (a, b) in enumerate(merges):
        joins.setdefault((vocab[a], vocab[b]), (rank, vocab[a + b]))
    padded = text.encode() + b"|" * LONG  # long enough for the heap
    assert merge_ids(list(padded), joins) == [*naive.encode(text), *[ord("|")] * LONG]


def test_naive_tokenizer_is_the_same_tokenizer():
    fast, naive = (kind.train(PROSE, 330, special_tokens=SPECIALS) for kind in (Tokenizer, NaiveTokenizer))
    assert naive.merges == fast.merges
    assert naive.vocab == fast.vocab
    assert naive.encode(PROSE) == fast.encode(PROSE)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text())
def test_decoding_gives_back_any_text(pattern, text):
    tok = Tokenizer.from_parts({bytes([b]): 300 - b for b in range(256)}, [], pattern=pattern)
    assert tok.decode(tok.encode(text)) == text
    assert "".join(split(text, pattern)) == text


@given(raw=st.binary())
def test_decoding_gives_back_any_bytes(tok, raw):
    assert tok.decode_bytes(tok.encode(raw)) == raw


@pytest.mark.parametrize("pattern", PATTERNS)
@given(data=st.data())
def test_a_stream_equals_the_joined_text(pattern, data):
    tok = _trained(pattern)
    alphabet = st.sampled_from([*"aé 1\n\t.'", "'ll", " New York", "风筝", "  ", "\r\n", "<|end|>", "<|"])
    text = "".join(data.draw(st.lists(alphabet, max_size=60)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("llmasos_edu.tokenizer.streaming.BUFFER", 8)
        patch.setattr("llmasos_edu.tokenizer.streaming.REACH", 12)  # longer than any word of the pattern
        streamed = list(tok.encode_iterable(chunks, special="allow"))
    assert streamed == tok.encode(text, special="allow")


def _trained(pattern, known={}):  # noqa: B006 - a memo over hypothesis' examples
    if pattern not in known:
        known[pattern] = Tokenizer.train(PROSE, 300, pattern=pattern, special_tokens=SPECIALS)
    return known[pattern]


def test_a_stream_takes_constant_memory(tok):
    rng = random.Random(0)

    def chunks(n):
        for _ in range(n):
            yield " ".join(rng.choices(["kite", "drum", "红", "it's"], k=1_000))

    def peak(n):
        tok._cache.clear()
        tracemalloc.start()
        total = sum(1 for _ in tok.encode_iterable(chunks(n)))
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return total, top

    (few, small), (many, large) = peak(50), peak(200)
    assert many > 3 * few
    assert large < 1.2 * small  # four times the text, in the same memory


def test_the_cache_is_bounded(tok, monkeypatch):
    monkeypatch.setattr(type(tok._cache), "MOST", 10)
    tok.encode(" ".join(map(chr, range(0x4E00, 0x4F00))))
    assert len(tok._cache) <= 10
    tok.encode("x" * 1_000)
    assert "x" * 1_000 not in tok._cache


def test_specials(tok):
    end, both, user = (tok.special_tokens[t] for t in SPECIALS)
    assert tok.encode("<|end|>Mia<|user|>", special="allow") == [end, *tok.encode("Mia"), user]
    assert tok.encode("<|end|><|end|><|end|>", special="allow") == [both, end]  # the longest wins
    plain = tok.encode("<|end|>", special="text")
    assert end not in plain
    assert tok.decode(plain) == tok.decode([end]) == "<|end|>"
    with pytest.raises(ValueError, match=r"special token '<\|end\|>'; pass special='allow'"):
        tok.encode("a <|end|>")
    with pytest.raises(ValueError, match=r"special token"):
        list(tok.encode_iterable(["a <|e", "nd|>"]))


def test_special_ids_follow_the_merges(tok):
    assert tok.vocab_size == 330
    assert sorted(tok.special_tokens.values()) == [327, 328, 329]
    assert tok.token_bytes(327) == b"<|end|>"
    assert tok.tokens("Mia had") == [tok.token_bytes(i) for i in tok.encode("Mia had")]


def test_every_word_of_a_list_is_one_token():
    tok = Tokenizer.train(WORDS, None, pattern=pattern_of_words(WORDS))
    assert all(len(tok.encode(w)) == 1 for w in WORDS)
    assert tok.tokens("Mia at New York attic") == [b"Mia", b" at", b" New York", *_bytes(" attic")]
    assert tok.tokens("红色的风筝!") == ["红色的".encode(), "风筝".encode(), b"!"]
    assert tok.tokens("Mia风筝") == [b"Mia", "风筝".encode()]  # 中文 does not go on an English word


def _bytes(text):
    return [bytes([b]) for b in text.encode()]


def test_patterns_on_worked_examples():
    text = "I'll pay  1234€\n\n!"
    assert split(text, GPT2_PATTERN) == ["I", "'ll", " pay", " ", " 1234", "€", "\n", "\n", "!"]
    assert split(text, GPT4_PATTERN) == ["I", "'ll", " pay", " ", " ", "123", "4", "€\n\n", "!"]
    assert split(text, DIGITS_PATTERN) == ["I", "'ll", " pay", "  ", *"1234", "€", "\n", "\n", "!"]
    assert split("a-b", "([a-z])") == ["a", "-", "b"]  # what a pattern does not match is kept


def test_film():
    merges = [(b"i", b"t"), (b"k", b"it"), (b" ", b"kit"), (b"x", b"y"), (b" kit", b"e")]
    film = merge_film(b" kite", merges)
    assert [step.rank for step in film] == [0, 1, 2, 4]
    assert film[-1].tokens == [b" kite"]
    assert merge_film(b"q", merges) == []


def test_invalid_utf8(tok):
    cut = tok.encode("米".encode()[:2])
    assert tok.decode(cut) == "\ufffd"
    with pytest.raises(ValueError, match=r"must be UTF-8; got .* at 0"):
        tok.decode(cut, errors="strict")
    with pytest.raises(ValueError, match=r"lone surrogate '\\ud800'"):
        tok.encode("a\ud800")
    with pytest.raises(ValueError, match='errors must be "replace" or "strict"'):
        tok.decode(cut, errors="ignore")


def test_ids_may_come_from_an_array(tok):
    ids = np.array(tok.encode("Mia had a kite."))
    assert tok.decode(ids) == "Mia had a kite."


def test_bad_requests(tok):
    with pytest.raises(ValueError, match=r"at least 258 \(256 bytes \+ 2 special tokens\); got 257"):
        Tokenizer.train("abc", 257, special_tokens=["<a>", "<b>"])
    with pytest.raises(ValueError, match="ties must be one of first_seen"):
        train("abc", 300, ties="random")
    with pytest.raises(ValueError, match="byte_order must hold each of 0 to 255 once"):
        train("abc", 300, byte_order=[0, 1])
    with pytest.raises(ValueError, match="must be a regular expression"):
        train("abc", 300, pattern="(")
    with pytest.raises(ValueError, match="one of the vocabulary's 330, below 330; got 330"):
        tok.decode([330])
    with pytest.raises(ValueError, match="got -1"):
        tok.token_bytes(-1)
    with pytest.raises(ValueError, match="special must be"):
        tok.encode("a", special="maybe")
    with pytest.raises(ValueError, match="at least one word"):
        pattern_of_words([])
    with pytest.raises(ValueError, match="1 to 255 characters; got 300"):
        pattern_of_words(["x" * 300])


@pytest.mark.parametrize("learn", [train, train_naive])
def test_too_little_text_stops_and_says_so(learn):
    with pytest.warns(UserWarning, match=r"stopped after 2 merges: .* there are 258 tokens of the 300 asked"):
        assert learn("aaa", 300) == [(b"a", b"a"), (b"aa", b"a")]
    with pytest.warns(UserWarning, match="stopped after 0 merges"):
        assert learn("", 300) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("tok.encode(5)", "text must be a str or bytes; got int"),
        ("tok.decode('ab')", "ids must be a row of whole numbers; got 'ab'"),
        ("tok.decode([1.5])", "ids must be a row of whole numbers"),
        ("Tokenizer.train(b'abc', 300)", "text must be a str, or documents of type str; got int"),
    ],
)
def test_wrong_types_are_told(call, message):
    # in a process of its own: here the annotations are checked first
    code = f"from llmasos_edu.tokenizer import Tokenizer; tok = Tokenizer.train('', None); {call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert f"TypeError: {message}" in done.stderr


def test_parts_that_do_not_fit():
    bytes_ = {bytes([b]): b for b in range(256)}
    with pytest.raises(ValueError, match="lacks b'ab'"):
        Tokenizer.from_parts(bytes_, [(b"a", b"b")])
    with pytest.raises(ValueError, match="ids must be unique"):
        Tokenizer.from_parts(bytes_ | {b"ab": 97}, [])
    with pytest.raises(ValueError, match="at least one byte"):
        Tokenizer.from_parts(bytes_ | {b"": 300}, [])
    with pytest.raises(ValueError, match="at least one token"):
        Tokenizer.from_parts({}, [])
    lacking = Tokenizer.from_parts({b"a": 7}, [])
    with pytest.raises(ValueError, match="lacks 0x62 of 'ab'"):
        lacking.encode("ab")


def test_a_tokenizer_can_be_pickled(tok):
    tok.encode(PROSE)
    assert pickle.loads(pickle.dumps(tok)).encode(PROSE) == tok.encode(PROSE)


def test_a_million_equal_characters():
    # quadratic would be 10¹² steps; n log n is seconds
    doubling = [(b"a" * 2**k, b"a" * 2**k) for k in range(14)]
    vocab = {b"a" * 2**k: k for k in range(15)}
    tok = Tokenizer.from_parts(vocab, doubling)
    ids = tok.encode("a" * 1_000_000)
    assert len(ids) < 80
    assert len(tok.decode_bytes(ids)) == 1_000_000
