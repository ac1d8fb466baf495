"""The bank of metrics: each mistake is named, unusual right answers pass, references are the package's."""

import inspect
import math
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from llmasos_edu.evaluation import bleu, f1, rouge_l
from llmasos_edu.exercises import metrics as bank
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.metrics.bleu import bleu_with, found
from llmasos_edu.exercises.metrics.overlap import multiset, scored
from llmasos_edu.exercises.metrics.rouge import longest_run

from .bank_contract import hold


def crossed_out(prediction, reference):
    said, left = prediction.split(), reference.split()
    total = len(said) + len(left)
    before = len(left)
    for word in said:
        if word in left:
            left.remove(word)
    return 2 * (before - len(left)) / total


def f1_by_vocabulary(prediction, reference):
    words = sorted({*prediction.split(), *reference.split()})
    a, b = (np.array([text.split().count(word) for word in words]) for text in (prediction, reference))
    return np.float32(2 * np.minimum(a, b).sum() / (a.sum() + b.sum()))


def f1_with_numpy_means(prediction, reference):
    said, right = prediction.split(), reference.split()
    hits = sum(min(said.count(word), right.count(word)) for word in set(said))
    if hits == 0:
        return 0
    return 1 / np.mean([len(said) / hits, len(right) / hits])


def bleu_by_product(predictions, references):
    product, c, r = 1.0, 0, 0
    for n in range(4):
        top = bottom = 0
        for said, right in zip(predictions, references, strict=True):
            said, right = said.split(), right.split()
            c, r = (c + len(said), r + len(right)) if n == 0 else (c, r)
            pool = [right[i : i + n + 1] for i in range(len(right) - n)]
            for i in range(len(said) - n):
                bottom += 1
                if said[i : i + n + 1] in pool:
                    pool.remove(said[i : i + n + 1])
                    top += 1
        product *= top / max(bottom, 1)
    return 100 * product**0.25 * (1 if c > r else math.exp(1 - r / c))


def bleu_of_strings(predictions, references):
    shares, lengths = [], []
    for n in (1, 2, 3, 4):
        hits = total = 0
        for pair in zip(predictions, references, strict=True):
            a, b = (
                Counter(" ".join(t.split()[i : i + n]) for i in range(len(t.split()) - n + 1)) for t in pair
            )
            hits, total = hits + sum(min(a[run], b[run]) for run in a), total + sum(a.values())
        shares.append(hits / total if total else 0)
    lengths = [sum(len(t.split()) for t in each) for each in (references, predictions)]
    with np.errstate(divide="ignore"):
        return 100 * np.exp(np.mean(np.log(shares)) + min(0, 1 - lengths[0] / lengths[1]))


def bleu_by_sacrebleu(predictions, references):
    import sacrebleu

    return sacrebleu.corpus_bleu(
        list(predictions), [list(references)], tokenize="none", smooth_method="none"
    ).score


def rouge_by_recursion(prediction, reference):
    a, b = tuple(prediction.split()), tuple(reference.split())

    @cache
    def longest(i, j):
        if i == len(a) or j == len(b):
            return 0
        return 1 + longest(i + 1, j + 1) if a[i] == b[j] else max(longest(i + 1, j), longest(i, j + 1))

    return 2 * longest(0, 0) / (len(a) + len(b))


def rouge_by_table(prediction, reference):
    a, b = prediction.split(), reference.split()
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i, j] = max(table[i - 1, j], table[i, j - 1], table[i - 1, j - 1] + (a[i - 1] == b[j - 1]))
    share = table[-1, -1] / max(len(a), 1), table[-1, -1] / len(b)
    return 0.0 if not sum(share) else 2 * share[0] * share[1] / sum(share)


def rouge_over_subsets(prediction, reference):
    a, b = prediction.split(), reference.split()
    best = 0
    for mask in range(2 ** len(b)):
        chosen = [w for i, w in enumerate(b) if mask >> i & 1]
        rest = iter(a)
        if len(chosen) > best and all(w in rest for w in chosen):
            best = len(chosen)
    return 2 * best / (len(a) + len(b))


VARIANTS = {
    "metrics.token_f1": [crossed_out, f1_by_vocabulary, f1_with_numpy_means],
    "metrics.corpus_bleu": [bleu_by_product, bleu_of_strings, bleu_by_sacrebleu],
    "metrics.rouge_l": [rouge_by_recursion, rouge_by_table, rouge_over_subsets],
}
PAIRS = {
    "metrics.token_f1": {
        ("letters are counted, not words", "precision alone"): scored(multiset, lambda p, r: p, split=list),
        ("a repeated word counts too often", "the plain mean of precision and recall"): scored(
            lambda said, right: sum(w in right for w in said), lambda p, r: (p + r) / 2
        ),
        ("recall alone", "an answer that shares nothing is right"): scored(
            multiset, lambda p, r: r, empty=1.0
        ),
    },
    "metrics.corpus_bleu": {
        ("no brevity penalty", "a repeated run counts too often"): bleu_with(
            hits=found, penalty=lambda c, r: 1.0
        ),
        ("single words alone", "a share, not points"): bleu_with(most=1, points=1.0),
        ("letters for words", "recall for precision"): bleu_with(split=list, of=1),
    },
    "metrics.rouge_l": {
        ("the order is not looked at", "letters for words"): scored(multiset, split=list),
        ("the longest run without a gap", "recall alone"): scored(longest_run, lambda p, r: r),
    },
}


@pytest.mark.parametrize("exercise", bank.EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])


@pytest.mark.parametrize("exercise", bank.EXERCISES, ids=lambda e: e.key)
def test_a_stub_is_not_attempted(exercise):
    assert diagnose(lambda prediction, reference: ..., exercise).status == "not attempted yet"


@pytest.mark.parametrize("exercise", bank.EXERCISES, ids=lambda e: e.key)
def test_the_solution_shows_all_that_it_calls(exercise):
    shown = exercise.solution or (exercise.reference,)
    names = {"math": math, "Counter": Counter, "Sequence": Sequence, "Texts": Sequence}
    exec("\n".join(map(inspect.getsource, shown)), names)
    assert diagnose(names[exercise.reference.__name__], exercise).passed


@pytest.mark.parametrize(
    ("key", "wrong", "symptom"),
    [
        ("token_f1", scored(lambda a, b: sum(map(str.__eq__, a, b))), "has the same words, but got 0.500"),
        ("corpus_bleu", bleu_with(points=1.0), "a share; in points it is"),
        ("corpus_bleu", bleu_with(points=10000.0), "BLEU lies between 0 and 100, but it is"),
        ("rouge_l", scored(lambda a, b: len(a) * 2), "a share lies between 0 and 1, but it is"),
    ],
)
def test_the_symptom_has_numbers(key, wrong, symptom):
    (exercise,) = [e for e in bank.EXERCISES if e.key == f"metrics.{key}"]
    assert symptom in diagnose(wrong, exercise).symptom


#: Without articles, capitals or punctuation all ways to split words agree.
TEXTS = [
    ("mia gave tom two red kites", "mia gave tom one red kite"),
    ("tom left it", "tom left his drum at school today"),
    ("in park mia found found found it in park", "mia found it in park"),
    ("mia sang", "mia sang"),
]


def test_the_references_are_what_the_package_counts():
    said, right = (list(each) for each in zip(*TEXTS, strict=True))
    # each is the same formula in float64
    np.testing.assert_allclose([bank.token_f1(*pair) for pair in TEXTS], f1(said, right), rtol=1e-12)
    np.testing.assert_allclose([bank.rouge_l(*pair) for pair in TEXTS], rouge_l(said, right), rtol=1e-12)
    assert bank.corpus_bleu(said, right) == pytest.approx(bleu(said, right), rel=1e-9)
