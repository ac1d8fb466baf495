"""String metrics against short versions written here by hand and worked examples; what they refuse."""

import importlib
import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from llmasos_edu.evaluation import (
    bleu,
    calibration,
    chrf,
    exact_match,
    f1,
    normalized,
    paired_interval,
    rouge,
    rouge_l,
)

#: Predictions and references with words repeated, left out, swapped, added, and equal.
EN = [
    ("Mia gave the red kite to Tom .", "Mia gave the red kite to Tom ."),
    ("Tom gave the red kite to Mia .", "Mia gave the red kite to Tom ."),
    ("the the the the the red kite", "Mia found the red kite in the park ."),
    ("Mia left it", "Mia left the blue drum at the beach ."),
    ("In the end Mia found the blue drum at the beach at last .", "Mia found the blue drum at the beach ."),
]
ZH = [
    ("米娅把红色的风筝送给了汤姆。", "米娅把红色的风筝送给了汤姆。"),
    ("汤姆把红色的风筝送给了米娅。", "米娅把红色的风筝送给了汤姆。"),
    ("风筝风筝风筝在公园", "米娅在公园里找到了红色的风筝。"),
    ("米娅走了", "米娅把蓝色的鼓留在了海滩上。"),
]
PAIRS = {"en": EN, "zh": ZH}
split = {"en": str.split, "zh": list}


def columns(language: str) -> tuple[list[str], list[str]]:
    said, right = zip(*PAIRS[language], strict=True)
    return list(said), list(right)


def rouge_words(text: str) -> list[str]:
    bare = text.lower().replace(".", "").replace("。", "")
    return bare.split() if bare.isascii() else list(bare)


def bleu_by_hand(pairs: list[tuple[list[str], list[str]]]) -> float:
    """Papineni et al. 2002, over the whole set."""
    logs = []
    for n in (1, 2, 3, 4):
        runs = [
            [Counter(zip(*(text[i:] for i in range(n)), strict=False)) for text in pair] for pair in pairs
        ]
        logs.append(math.log(sum((a & b).total() for a, b in runs) / sum(a.total() for a, _ in runs)))
    said, right = (sum(len(pair[k]) for pair in pairs) for k in (0, 1))
    return 100 * min(1.0, math.exp(1 - right / said)) * math.exp(sum(logs) / 4)


def rouge_l_by_hand(said: list[str], right: list[str]) -> float:
    """Lin 2004 with β = 1: the longest common subsequence, by its recursion."""
    row = [0] * (len(right) + 1)
    for a in said:
        row, old = [0], row
        for j, b in enumerate(right):
            row.append(old[j] + 1 if a == b else max(row[-1], old[j + 1]))
    return 2 * row[-1] / (len(said) + len(right))


def f1_by_hand(said: list[str], right: list[str]) -> float:
    left, shared = list(right), 0
    for word in said:
        if word in left:
            left.remove(word)
            shared += 1
    precision, recall = shared / len(said), shared / len(right)
    return 2 * precision * recall / (precision + recall) if shared else 0.0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_bleu_is_what_the_paper_s_formula_gives(language):
    pairs = [(split[language](said), split[language](right)) for said, right in PAIRS[language]]
    # both are the same formula in float64
    assert bleu(*columns(language), language) == pytest.approx(bleu_by_hand(pairs), rel=1e-9)


def test_bleu_of_a_set_is_no_mean_and_does_not_know_who_gave_what():
    said, right = columns("en")
    alone = [bleu([a], [b]) for a, b in zip(said, right, strict=True)]
    assert abs(np.mean(alone) - bleu(said, right)) > 5
    assert alone[0] == pytest.approx(100)
    assert alone[1] > 50


@pytest.mark.parametrize("language", ["en", "zh"])
def test_rouge_l_is_the_longest_common_subsequence(language):
    texts = [
        [normalized(text, "zh") if language == "zh" else rouge_words(text) for text in p]
        for p in PAIRS[language]
    ]
    by_hand = [rouge_l_by_hand(*pair) for pair in texts]
    np.testing.assert_allclose(rouge_l(*columns(language), language), by_hand, rtol=1e-12)
    assert (rouge(*columns(language), "rougeL", language) == rouge_l(*columns(language), language)).all()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_rouge_1_counts_words_and_rouge_2_pairs(language):
    texts = [
        [normalized(text, "zh") if language == "zh" else rouge_words(text) for text in p]
        for p in PAIRS[language]
    ]
    by_hand = [f1_by_hand(*pair) for pair in texts]
    np.testing.assert_allclose(rouge(*columns(language), "rouge1", language), by_hand, rtol=1e-12)
    by_hand = [f1_by_hand(*([*pairwise(t)] for t in pair)) for pair in texts]
    np.testing.assert_allclose(rouge(*columns(language), "rouge2", language), by_hand, rtol=1e-12)


def test_chrf_of_equal_and_of_foreign_texts():
    assert chrf(["Mia smiled."], ["Mia smiled."]) == pytest.approx(100)
    assert chrf(["米娅"], ["汤姆"], "zh") == 0
    # by hand, one letter of two: precision and recall 1/2 for single letters, 0 for pairs: the mean over both
    # orders is 1/4, and F₂ of equal precision and recall is that
    assert chrf(["ab"], ["ac"]) == pytest.approx(25)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_f1_is_the_overlap_of_what_is_left(language):
    by_hand = [f1_by_hand(normalized(a, language), normalized(b, language)) for a, b in PAIRS[language]]
    np.testing.assert_allclose(f1(*columns(language), language), by_hand, rtol=1e-12)


def test_what_is_compared_is_normalised_as_in_squad():
    assert normalized("The kite's at AN  anvil, a-b!") == ["kites", "at", "anvil", "ab"]
    assert normalized("它 是 Mia2 的,红色。", "zh") == ["它", "是", "mia2", "的", "红", "色"]
    assert exact_match(["the Red kite!", "red"], ["red kite", "kite"]).tolist() == [1, 0]
    assert exact_match(["它是红色的"], ["它 是 红色 的。"], "zh").tolist() == [1]
    assert f1(["", "the"], ["kite", "a"]).tolist() == [0, 1]  # nothing is left of either


@pytest.mark.parametrize("metric", [exact_match, f1, bleu, chrf, rouge, rouge_l])
def test_metrics_refuse_what_cannot_be_scored(metric):
    with pytest.raises(ValueError, match="must be as many; got 2 and 1"):
        metric(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="at least one prediction and its reference; got none"):
        metric([], [])
    with pytest.raises(ValueError, match=r"no reference may be empty, .* these are: \[1\]"):
        metric(["a", "b"], ["a", " "])
    with pytest.raises(TypeError, match="references must be a list of texts, one an item; got 'ab'"):
        metric(["a", "b"], "ab")
    with pytest.raises(ValueError, match='language must be "en" or "zh"; got \'fr\''):
        metric(["a"], ["a"], language="fr")


def test_rouge_refuses_an_unknown_kind():
    with pytest.raises(ValueError, match="kind must be rouge1 to rouge9 or rougeL; got 'rougeX'"):
        rouge(["a"], ["a"], "rougeX")


@pytest.mark.parametrize(
    ("metric", "name"), [(bleu, "sacrebleu"), (chrf, "sacrebleu"), (rouge_l, "rouge-score")]
)
def test_a_missing_library_is_named_with_the_way_to_install_it(monkeypatch, metric, name):
    def missing(module: str) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ModuleNotFoundError, match=rf'{name} is missing.*pip install "llmasos-edu\[eval\]"'):
        metric(["a"], ["a"])


def test_calibration_bins_and_error_by_hand():
    sure = [0.0, 0.05, 0.1, 0.55, 0.6, 0.95, 1.0]
    right = [False, False, True, True, False, True, True]
    found = calibration(sure, right, bins=10)
    assert [b.n for b in found.bins] == [3, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    first, sixth, last = found.bins[0], found.bins[5], found.bins[9]
    assert (first.confidence, first.accuracy) == (pytest.approx(0.05), pytest.approx(1 / 3))
    assert (sixth.low, sixth.high, sixth.accuracy) == (pytest.approx(0.5), pytest.approx(0.6), 0.5)
    assert math.isnan(found.bins[1].accuracy)
    by_hand = (3 * (1 / 3 - 0.05) + 2 * abs(0.5 - 0.575) + 2 * (1 - 0.975)) / 7
    assert found.error == pytest.approx(by_hand)
    assert last.accuracy == 1


def test_a_calibrated_model_has_a_small_error_and_a_boastful_one_a_large_one():
    draw = np.random.default_rng(5)
    sure = draw.uniform(size=20000)
    # of 2,000 answers a bin, the share that is right scatters by at most 0.011
    assert calibration(sure, draw.uniform(size=20000) < sure).error < 0.02
    # of 1,000 answers the share scatters by 0.016, and one in 16,000 times by more than four times that
    boastful = calibration(np.full(1000, 0.99), draw.uniform(size=1000) < 0.5)
    assert boastful.error == pytest.approx(0.49, abs=4 * 0.016)


@pytest.mark.parametrize(
    ("sure", "right", "bins", "match"),
    [
        ([], [], 10, "at least one answer"),
        ([0.5], [True, False], 10, r"got shapes \(1,\) and \(2,\)"),
        ([1.5, 0.1], [True, False], 10, r"between 0 and 1; got \[1.5\]"),
        ([math.nan], [True], 10, "between 0 and 1; got"),
        ([0.5], [0.5], 10, "true or false for each answer"),
        ([0.5], [True], 0, "bins must be at least 1; got 0"),
    ],
)
def test_calibration_refuses(sure, right, bins, match):
    with pytest.raises(ValueError, match=match):
        calibration(sure, right, bins)


def test_a_paired_interval_is_narrower_than_the_scatter_of_the_items():
    draw = np.random.default_rng(2)
    hard = draw.uniform(size=400)  # how hard each item is, for both systems
    better, worse = hard + 0.1 + 0.01 * draw.normal(size=400), hard
    low, high = paired_interval(better, worse, rng=np.random.default_rng(0))
    # the differences have mean 0.1 and standard deviation 0.01: the interval is ± 1.96 · 0.01 / √400; both
    # ends stray with the mean of 400, by 0.0005, the width by 4 %: 1/√800 of the items, 2 % of the resamples
    assert (low, high) == (pytest.approx(0.099, abs=0.001), pytest.approx(0.101, abs=0.001))
    assert high - low == pytest.approx(2 * 1.96 * 0.01 / 20, rel=0.15)
    assert paired_interval(worse, worse, rng=np.random.default_rng(0)) == (0, 0)


def test_a_paired_interval_refuses_items_that_are_not_the_same():
    with pytest.raises(ValueError, match=r"same items; got shapes \(2,\) and \(3,\)"):
        paired_interval([1, 0], [1, 0, 1], rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least 2"):
        paired_interval([1], [0], rng=np.random.default_rng(0))
