"""Each strategy against transformers' processor of the same name, ties and edges included."""

import math

import numpy as np
import pytest
import torch
from transformers.generation import logits_process as theirs

from llmasos_edu import generation as g

IDS = torch.tensor([[0, 3, 3, 5], [1, 1, 1, 1], [8, 2, 9, 0]])


def rows(kind):
    """Three rows of ten logits."""
    random = torch.Generator().manual_seed(5)
    logits = 4 * torch.randn(3, 10, generator=random)
    if kind == "ties":
        logits = logits.round() / 2  # few different values, so that cuts fall between equals
    if kind == "one value":
        logits = torch.full((3, 10), -1.5)
    if kind == "impossible":
        logits[:, ::2] = -torch.inf
    if kind == "one possible":
        logits[:, 1:] = -torch.inf
    if kind == "far apart":
        logits = logits * 1000
    return logits


def warped(processor, logits):
    return processor(IDS, logits.clone())


CASES = [
    *[(lambda x, t=t: g.temperature(x, t), theirs.TemperatureLogitsWarper(t)) for t in (0.1, 1.0, 3.0)],
    *[(lambda x, k=k: g.top_k(x, k), theirs.TopKLogitsWarper(k)) for k in (1, 2, 3, 9, 10, 99)],
    *[(lambda x, p=p: g.top_p(x, p), theirs.TopPLogitsWarper(p)) for p in (1e-9, 0.1, 0.5, 0.9, 0.999, 1.0)],
    *[(lambda x, p=p: g.min_p(x, p), theirs.MinPLogitsWarper(p)) for p in (0.0, 0.1, 0.5, 1.0)],
    *[
        (lambda x, r=r: g.repetition_penalty(x, IDS, r), theirs.RepetitionPenaltyLogitsProcessor(r))
        for r in (0.5, 1.0, 1.3, 5.0)
    ],
]  # fmt: skip


@pytest.mark.parametrize("kind", ["random", "ties", "one value", "impossible", "one possible", "far apart"])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_each_strategy_is_transformers(case, kind):
    ours, processor = CASES[case]
    logits = rows(kind)
    before = logits.clone()
    torch.testing.assert_close(ours(logits), warped(processor, before), rtol=0, atol=0)  # the same arithmetic
    assert torch.equal(logits, before)  # the reader's tensor is not changed


@pytest.mark.parametrize("kind", ["random", "ties", "impossible"])
def test_all_together_in_transformers_order(kind):
    decoding = g.Decoding(repetition_penalty=1.3, temperature=0.7, top_k=7, top_p=0.9, min_p=0.02)
    expected = rows(kind)
    for processor in (
        theirs.RepetitionPenaltyLogitsProcessor(1.3), theirs.TemperatureLogitsWarper(0.7),
        theirs.TopKLogitsWarper(7), theirs.TopPLogitsWarper(0.9), theirs.MinPLogitsWarper(0.02),
    ):  # fmt: skip
        expected = warped(processor, expected)
    torch.testing.assert_close(g.shaped(rows(kind), IDS, decoding), expected, rtol=0, atol=0)
    assert g.shaped(rows(kind), IDS, g.Decoding()).equal(rows(kind))  # the defaults change nothing


def test_top_p_by_hand():
    logits = torch.tensor([0.4, 0.1, 0.3, 0.2], dtype=torch.float64).log()
    kept = {p: g.top_p(logits, p).isfinite().tolist() for p in (0.39, 0.41, 0.69, 0.71, 0.91)}
    assert kept == {
        0.39: [True, False, False, False], 0.41: [True, False, True, False], 0.69: [True, False, True, False],
        0.71: [True, False, True, True], 0.91: [True, True, True, True],
    }  # fmt: skip


def test_draw_is_searchsorted_of_the_running_sum():
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(500, 7, generator=random, dtype=torch.float64)
    logits[:, 6] = -torch.inf
    numbers = torch.rand(500, generator=random, dtype=torch.float64)
    p = logits.softmax(-1).numpy()
    expected = [
        np.searchsorted(np.cumsum(row), u, side="right") for row, u in zip(p, numbers.numpy(), strict=True)
    ]
    assert g.draw(logits, numbers).tolist() == expected


def test_draws_have_the_probabilities_and_never_the_impossible():
    logits = torch.tensor([[0.5, 0.0, 0.3, 0.2, 0.0]]).log()
    numbers = torch.cat(
        [torch.arange(10_000).double() / 1e4, torch.tensor([math.nextafter(1, 0)], dtype=torch.float64)]
    )
    counts = torch.bincount(g.draw(logits.expand(10_001, 5), numbers), minlength=5)
    # numbers stand 1e-4 apart, so each count is exact but for its two ends
    np.testing.assert_allclose(counts, [5000, 0, 3000, 2000, 0], atol=2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: g.temperature(x, 0), "above 0; got 0. For the likeliest token use greedy"),
        (lambda x: g.temperature(x, math.inf), "above 0; got inf"),
        (lambda x: g.temperature(x, math.nan), "above 0; got nan"),
        (lambda x: g.top_k(x, 0), "at least 1; got 0"),
        (lambda x: g.top_p(x, 0), "above 0 and at most 1; got 0"),
        (lambda x: g.top_p(x, 1.1), "above 0 and at most 1; got 1.1"),
        (lambda x: g.min_p(x, -0.1), "at most 1; got -0.1"),
        (lambda x: g.repetition_penalty(x, IDS, 0), "above 0; got 0"),
        (
            lambda x: g.Decoding(temperature=0.0),
            "temperature must be above 0; for the likeliest token set greedy",
        ),
        (lambda x: g.Decoding(top_p=0.0), "top_p must be above 0; got 0"),
        (lambda x: g.Decoding(top_p=2.0), "top_p must be at most 1; got 2"),
        (lambda x: g.Decoding(top_k=-1), "top_k must be at least 0 tokens; got -1"),
        (lambda x: g.Decoding(min_p=1.5), "min_p must be at most 1; got 1.5"),
        (lambda x: g.Decoding(repetition_penalty=0.0), "repetition_penalty must be above 0; got 0"),
        (lambda x: g.Decoding(greedy=True, top_k=3, top_p=0.5), "which top_k, top_p cannot change"),
    ],
)
def test_wrong_numbers_say_what_is_allowed(call, words):
    with pytest.raises(ValueError, match=words):
        call(rows("random"))


def test_decoding_survives_json():
    decoding = g.Decoding(repetition_penalty=1.2, temperature=0.5, top_k=4, top_p=0.8, min_p=0.1)
    assert g.Decoding.from_json(decoding.to_json()) == decoding
    assert g.Decoding(greedy=True, repetition_penalty=1.2).greedy


def test_an_unknown_name_of_the_package():
    with pytest.raises(AttributeError, match="no attribute 'top_q'"):
        g.top_q  # noqa: B018
