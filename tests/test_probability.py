import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from llmasos_edu.probability import (
    bits_per_byte,
    bootstrap_interval,
    chain_rule,
    continuation,
    cross_entropy,
    entropy,
    kl_divergence,
    log_softmax,
    logsumexp,
    perplexity,
    sample,
    softmax,
    to_bits,
)

RTOL = 1e-12  # float64 sums of at most a few dozen terms

scores = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.floats(-800, 800))


@given(scores, st.sampled_from([0, 1, -1]), st.floats(0.05, 20))
def test_softmax_family_equals_scipy(z, axis, temperature):
    scaled = z / temperature
    # 1e-9: we subtract before dividing, scipy after, so scores of 800 / 0.05 differ in their last digits
    np.testing.assert_allclose(softmax(z, axis, temperature), scipy.special.softmax(scaled, axis), rtol=1e-9)
    np.testing.assert_allclose(
        log_softmax(z, axis, temperature), scipy.special.log_softmax(scaled, axis), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(
        logsumexp(z, axis), scipy.special.logsumexp(z, axis), rtol=RTOL, atol=1e-12
    )  # near 0 only the absolute error is small: scores reach 800


@given(scores, st.floats(-1e5, 1e5))
def test_softmax_sums_to_one_and_forgets_a_constant(z, constant):
    p = softmax(z)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=RTOL)
    np.testing.assert_allclose(softmax(z + constant), p, rtol=1e-9)  # 1e5 costs float64 five digits


def test_softmax_of_huge_scores_and_of_the_impossible():
    np.testing.assert_array_equal(softmax([1e308, 1e308, -np.inf]), [0.5, 0.5, 0])
    assert softmax([3.0, 1.0], temperature=1e-3)[0] == 1
    np.testing.assert_allclose(softmax([3.0, 1.0], temperature=1e9), 0.5, rtol=1e-8)


@pytest.mark.parametrize("f", [softmax, log_softmax])
@pytest.mark.parametrize("temperature", [0, -1.0, math.nan, math.inf])
def test_temperature_must_be_above_zero(f, temperature):
    with pytest.raises(ValueError, match="temperature must be a number above 0; got"):
        f([1.0, 2.0], temperature=temperature)


@pytest.mark.parametrize("f", [softmax, log_softmax, logsumexp])
def test_scores_without_a_distribution_are_refused(f):
    for z, why in [([[0, 1], [math.nan, 0]], "a score is nan"), ([math.inf, 0], "a score is inf"),
                   ([-math.inf, -math.inf], "nothing is possible"), ([], r"got shape \(0,\)")]:  # fmt: skip
        with pytest.raises(ValueError, match=why):
            f(z)


SIZES = st.integers(1, 8)


def distributions(size=SIZES):
    weights = size.flatmap(lambda n: arrays(np.float64, n, elements=st.floats(0, 1)))
    return weights.filter(lambda w: w.sum() > 1e-3).map(lambda w: w / w.sum())


@given(distributions())
def test_entropy_equals_scipy_and_lies_between_0_and_log_v(p):
    assert entropy(p) == pytest.approx(scipy.stats.entropy(p), rel=RTOL, abs=1e-15)
    assert 0 <= entropy(p) <= math.log(len(p)) + 1e-12


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(distributions(st.just(n)), distributions(st.just(n)))))
def test_kl_equals_scipy_and_is_never_negative(pair):
    p, q = pair
    expected = float(scipy.special.rel_entr(p, q).sum())
    assert kl_divergence(p, q) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert kl_divergence(p, q) >= 0
    assert kl_divergence(p, p) == 0


def test_kl_of_the_impossible_is_infinite():
    assert kl_divergence([0.5, 0.5], [1.0, 0.0]) == math.inf
    assert kl_divergence([1.0, 0.0], [0.5, 0.5]) == pytest.approx(math.log(2), rel=RTOL)


def test_measures_keep_the_other_axes():
    p = softmax(np.arange(24.0).reshape(2, 3, 4))
    assert entropy(p).shape == (2, 3)
    assert kl_divergence(p, p).shape == (2, 3)
    np.testing.assert_allclose(entropy(p), scipy.stats.entropy(p, axis=-1), rtol=RTOL)


def test_cross_entropy_is_entropy_plus_divergence():
    rng = np.random.default_rng(0)
    z, p = rng.normal(size=(5,)), softmax(rng.normal(size=(5,)))
    counts = np.round(p * 10_000).astype(int)
    p = counts / counts.sum()
    drawn = np.repeat(np.arange(5), counts)  # a text that holds the words exactly in these shares
    paid = cross_entropy(np.tile(z, (len(drawn), 1)), drawn)
    assert paid == pytest.approx(entropy(p) + kl_divergence(p, softmax(z)), rel=1e-10)


def test_cross_entropy_by_hand_and_in_batches():
    z = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    assert cross_entropy(z, [0, 2]) == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2, rel=RTOL)
    assert cross_entropy(z[None] + 700, [[0, 2]]) == pytest.approx(cross_entropy(z, [0, 2]), rel=1e-10)
    assert cross_entropy([0.0, -2000.0], 1) == 2000  # exp(−2000) underflows; its log must not


@pytest.mark.parametrize(
    ("logits", "targets", "why"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), "empty text"),
        (np.zeros((2, 3)), [0, 3], r"targets must lie in 0 … 2; got 3"),
        (np.zeros((2, 3)), [0, -1], "got -1"),
        (np.zeros((2, 3)), [0.0, 1.0], "must be integers, one index a word; got dtype float64"),
        (np.zeros((2, 3)), [0, 1, 2], r"got \(2, 3\) and \(3,\)"),
    ],
)
def test_cross_entropy_refuses(logits, targets, why):
    with pytest.raises(ValueError, match=why):
        cross_entropy(logits, targets)


def test_chain_rule():
    assert chain_rule([0.5, 0.25, 0.125]) == pytest.approx(6 * math.log(2), rel=RTOL)
    assert chain_rule([1.0, 1.0]) == 0
    assert math.copysign(1, chain_rule([1.0])) == 1
    assert chain_rule([0.5, 0.0]) == math.inf
    with pytest.raises(ValueError, match="empty text"):
        chain_rule([])
    with pytest.raises(ValueError, match=r"between 0 and 1; got 1\.5"):
        chain_rule([0.5, 1.5])


def test_units():
    assert perplexity(math.log(6)) == pytest.approx(6, rel=RTOL)
    assert to_bits(math.log(8)) == pytest.approx(3, rel=RTOL)
    np.testing.assert_allclose(to_bits([0, math.log(2)]), [0, 1], rtol=RTOL)
    assert bits_per_byte(24 * math.log(2), 3) == pytest.approx(8, rel=RTOL)
    with pytest.raises(ValueError, match="empty text"):
        bits_per_byte(1.0, 0)


@pytest.mark.parametrize(
    ("p", "why"),
    [
        ([0.5, 0.6], r"must sum to 1; got a sum of 1\.1"),
        ([[0.5, 0.5], [0.5, 0.4]], r"got a sum of 0\.9"),
        ([1.5, -0.5], r"at least 0; got -0\.5"),
        ([math.nan, 1.0], "got nan"),
        ([], r"got shape \(0,\)"),
    ],
)
@pytest.mark.parametrize(
    "f", [entropy, lambda p: kl_divergence(p, p), lambda p: sample(p, np.random.default_rng(0))]
)
def test_what_is_no_distribution_is_refused(f, p, why):
    with pytest.raises(ValueError, match=why):
        f(p)


def test_shapes_of_p_and_q_must_agree():
    with pytest.raises(ValueError, match=r"got \(2,\) and \(1,\)"):
        kl_divergence([0.5, 0.5], [1.0])
    with pytest.raises(ValueError, match=r"one distribution of shape \(V,\); got shape \(1, 2\)"):
        sample([[0.5, 0.5]], np.random.default_rng(0))


def test_sample_follows_p():
    p = np.array([0.0, 0.1, 0.2, 0.0, 0.7, 0.0])
    drawn = sample(p, np.random.default_rng(1), 20_000)
    counts = np.bincount(drawn, minlength=6)
    assert counts[[0, 3, 5]].tolist() == [0, 0, 0]
    # a right sampler fails at this level once in a thousand seeds; the seed is fixed
    assert scipy.stats.chisquare(counts[p > 0], 20_000 * p[p > 0]).pvalue > 0.001
    assert isinstance(sample(p, np.random.default_rng(1)), int)
    assert sample(p, np.random.default_rng(1), (2, 3)).shape == (2, 3)
    assert sample(p, np.random.default_rng(1)) == drawn[0]


@given(distributions(), st.integers(0, 2**32))
def test_sample_never_gives_the_impossible(p, seed):
    assert (p[sample(p, np.random.default_rng(seed), 50)] > 0).all()


@pytest.mark.parametrize("statistic", [np.mean, np.median])
def test_bootstrap_equals_scipy(statistic):
    values = np.random.default_rng(2).exponential(size=60)
    low, high = bootstrap_interval(values, statistic, 0.9, 4000, rng=np.random.default_rng(3))
    theirs = scipy.stats.bootstrap(
        (values,), statistic, confidence_level=0.9, n_resamples=4000, method="percentile", rng=4
    ).confidence_interval
    # two sets of 4,000 resamples: the ends scatter by about 2 % of the interval's width
    assert np.abs(np.array([low, high]) - theirs).max() < 0.08 * (high - low)


def test_bootstrap_of_rows_and_its_refusals():
    rng = np.random.default_rng(5)
    pairs = np.column_stack([np.arange(20.0), np.arange(20.0)])
    assert bootstrap_interval(pairs, lambda v: (v[:, 0] - v[:, 1]).max(), rng=rng) == (0.0, 0.0)
    with pytest.raises(ValueError, match=r"at least 2 values; got shape \(1,\)"):
        bootstrap_interval([1.0], rng=rng)
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        bootstrap_interval([1.0, 2.0], level=95.0, rng=rng)


def test_continuation_draws_words_with_their_probability():
    def next_word(words):
        return {"a": 0.5, "b": 0.2, "c": 0.3, "never": 0.0}

    text = continuation(next_word, ["x"], np.random.default_rng(6), limit=20_000)
    counts = [text.count(w) for w in ("a", "b", "c")]
    assert sum(counts) == 20_000
    assert scipy.stats.chisquare(counts, [10_000, 4_000, 6_000]).pvalue > 0.001  # as above


def test_continuation_at_a_temperature_and_to_its_end():
    seen = []

    def next_word(words):
        seen.append(list(words))
        return {"go": 0.8, ".": 0.2}

    hot = [
        continuation(next_word, [], np.random.default_rng(s), temperature=0.5, end=".") for s in range(2000)
    ]
    # 0.8² / (0.8² + 0.2²) = 16/17: the number of words before the end is geometric with mean 16
    assert np.mean([len(t) for t in hot]) == pytest.approx(16, rel=0.08)  # 2,000 draws: 2.3 % standard error
    assert set().union(*hot) == {"go"}
    assert seen[0] == []
    assert seen[1] == ["go"]
    with pytest.raises(ValueError, match="temperature must be a number above 0"):
        continuation(next_word, [], np.random.default_rng(0), temperature=0)
    with pytest.raises(ValueError, match=r"must sum to 1; got a sum of 0\.5"):
        continuation(lambda words: {"a": 0.5}, [], np.random.default_rng(0))
