import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmasos_edu.probability import NGram

END = "."
VOCAB = ("a", "b", "c", "never", END)
docs_of_abc = st.lists(
    st.lists(st.sampled_from("abc"), max_size=8).map(lambda d: [*d, END]), min_size=1, max_size=6
)
models = st.tuples(st.integers(1, 5), st.sampled_from(["add_k", "back_off"]))


def padded(doc, n):
    return ["<start>"] * (n - 1) + list(doc)


def counted(docs, m, n):
    """c(hw) for sequences of m words that end in a real word, by the slowest possible loop."""
    found = Counter()
    for doc in docs:
        words = padded(doc, n)
        for i in range(n - 1, len(words)):
            found[tuple(words[i - m + 1 : i + 1])] += 1
    return found


def brute_force(docs, n, smoothing, context, word, k=1.0, d=0.75):
    """The formulas of the docstring, written down again without arrays."""
    history = tuple(padded(context, n)[-(n - 1) :]) if n > 1 else ()
    tables = {m: counted(docs, m, n) for m in range(1, n + 1)}

    def followers(h):
        return {g[-1]: c for g, c in tables[len(h) + 1].items() if g[:-1] == h}

    if smoothing == "add_k":
        f = followers(history)
        return (f.get(word, 0) + k) / (sum(f.values()) + k * len(VOCAB))

    def p(h):
        f = followers(h)
        below = p(h[1:]) if h else 1 / len(VOCAB)
        if not f:
            return below
        return (max(f.get(word, 0) - d, 0) + d * len(f) * below) / sum(f.values())

    return p(history)


@settings(max_examples=60)
@given(docs_of_abc, models, st.lists(st.sampled_from(VOCAB[:4]), max_size=6))
def test_equals_brute_force_and_sums_to_one(docs, model, context):
    n, smoothing = model
    ngram = NGram(n, VOCAB, smoothing, k=0.3, discount=0.6).fit(docs)
    p = ngram.next(context)
    assert list(p) == list(VOCAB)
    for word in VOCAB:
        assert p[word] == pytest.approx(
            brute_force(docs, n, smoothing, context, word, k=0.3, d=0.6), rel=1e-12
        )
    assert sum(p.values()) == pytest.approx(1, rel=1e-12)  # float64: five terms


@settings(max_examples=60)
@given(docs_of_abc, models, st.lists(st.sampled_from(VOCAB), min_size=1, max_size=8))
def test_nats_follow_the_chain_rule(docs, model, doc):
    n, smoothing = model
    ngram = NGram(n, VOCAB, smoothing).fit(docs)
    nats = ngram.nats(doc)
    steps = [-math.log(ngram.next(doc[:i])[word]) for i, word in enumerate(doc)]
    np.testing.assert_allclose(nats, steps, rtol=1e-10, atol=1e-12)


def test_by_hand():
    docs = [["a", "b", END], ["a", "a", END]]
    bigram = NGram(2, ["a", "b", END], "add_k", k=0.5).fit(docs)
    # after "a" came "b", "a" and the end, once each: (1 + ½) / (3 + 3 · ½)
    assert bigram.next(["a"]) == pytest.approx({"a": 1 / 3, "b": 1 / 3, END: 1 / 3})
    # a document began with "a" both times: (2 + ½) / (2 + 3 · ½)
    assert bigram.next([])["a"] == pytest.approx(2.5 / 3.5)
    backed = NGram(2, ["a", "b", END], discount=0.5).fit(docs)
    # unigram: a 3, b 1, end 2 of 6, three types: b = (1 − ½)/6 + ½ · 3/6 · 1/3 = 1/6
    # after "a": one of 3, three types: (1 − ½)/3 + ½ · 3/3 · 1/6 = 1/4
    assert backed.next(["a"])["b"] == pytest.approx(1 / 4)


def test_words_never_counted_are_possible():
    ngram = NGram(3, VOCAB).fit([["a", END]])
    assert min(ngram.next(["never", "never"]).values()) > 0
    assert np.isfinite(ngram.nats(["never", "c", END])).all()


def test_only_the_last_words_of_the_context_count():
    ngram = NGram(2, VOCAB).fit([["a", "b", "c", END], ["b", "a", END]])
    assert ngram.next(["c", "c", "b"]) == ngram.next(["b"])
    assert NGram(1, VOCAB).fit([["a", END]]).next(["b"]) == NGram(1, VOCAB).fit([["a", END]]).next([])


def test_documents_do_not_run_into_each_other():
    one = NGram(3, VOCAB).fit([["a", "b"], ["c", "a"]])
    other = NGram(3, VOCAB).fit([["c", "a"], ["a", "b"]])
    assert one.next(["b"]) == other.next(["b"])
    assert one.next([]) == other.next([])


def test_a_stream_is_enough_and_fit_forgets():
    ngram = NGram(2, VOCAB).fit(iter([["c", "c"]]))
    assert ngram.fit(d for d in [["a", "b"]]).next(["a"]) == NGram(2, VOCAB).fit([["a", "b"]]).next(["a"])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: NGram(0, VOCAB), "n must be at least 1; got 0"),
        (lambda: NGram(2, VOCAB, k=0), "k must be a number above 0; got 0"),
        (lambda: NGram(2, VOCAB, discount=1.0), r"discount must lie between 0 and 1; got 1\.0"),
        (lambda: NGram(2, ["a", "a"]), "vocab must hold different words"),
        (lambda: NGram(2, []), "at least one; got 0 words"),
        (lambda: NGram(2, VOCAB).fit([]), "empty text: there is no word to count"),
        (lambda: NGram(2, VOCAB).fit([[]]), "empty text: there is no word to count"),
        (lambda: NGram(2, VOCAB).fit([["a", "zebra"]]), "'zebra' is not among the 5 words"),
        (lambda: NGram(2, VOCAB).next([]), r"call fit\(docs\) first"),
        (lambda: NGram(2, VOCAB).fit([["a"]]).nats([]), "empty text: a document needs at least one word"),
        (lambda: NGram(2, VOCAB).fit([["a"]]).nats(["zebra"]), "'zebra' is not among"),
    ],
)
def test_bad_input(make, why):
    with pytest.raises(ValueError, match=why):
        make()
