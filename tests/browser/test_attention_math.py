"""The browser's arithmetic against NumPy, SciPy and matplotlib; its words against Python's."""

import matplotlib
import numpy as np
import pytest
import scipy.special

from llmasos_edu.widgets import attention_picture
from llmasos_edu.widgets.attention_data import allowed

RNG = np.random.default_rng(7)
SAME = {"atol": 1e-6, "rtol": 0}  # the issue's bar; both compute in float64


@pytest.mark.parametrize("temperature", [0.1, 1.0, 5.0])
def test_softmax(js, temperature):
    scores = RNG.normal(size=12) * 30 + 1000  # large: exp alone would overflow
    row = js("attention_math", "softmaxRow", scores.tolist(), temperature)
    np.testing.assert_allclose(row, scipy.special.softmax(scores / temperature), **SAME)


def test_a_row_with_nothing_to_look_at_is_zero(js):
    rows = js("attention_math", "weightsOf", [0.0] * 9, 3, {"mask": "causal", "hideFirst": True})
    np.testing.assert_allclose(np.reshape(rows, (3, 3)), [[0, 0, 0], [0, 1, 0], [0, 0.5, 0.5]], **SAME)


@pytest.mark.parametrize("hide", [False, True])
@pytest.mark.parametrize("mask", ["causal", "none", "window"])
def test_scores_mask_and_weights(js, mask, hide):
    q, k = RNG.normal(size=(2, 6, 3))
    scores = js("attention_math", "scoresOf", q.ravel().tolist(), k.ravel().tolist(), 3, 0.7, {})
    np.testing.assert_allclose(np.reshape(scores, (6, 6)), 0.7 * q @ k.T, **SAME)
    rules = {"mask": mask, "hideFirst": hide, "temperature": 1.5, "window": 2}
    weights = js("attention_math", "weightsOf", scores, 6, rules)
    back = np.arange(6)[:, None] - np.arange(6)
    may = {"none": back > -9, "causal": back >= 0, "window": (back >= 0) & (back < 2)}[mask]
    may &= np.arange(6) >= hide
    np.testing.assert_array_equal(allowed((6, 6), mask, 2, hide), may)
    powers = np.exp(0.7 / 1.5 * q @ k.T) * may
    total = powers.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(np.reshape(weights, (6, 6)), powers / np.where(total, total, 1), **SAME)


def test_top_k_and_entropy(js):
    row = RNG.dirichlet(np.ones(20))
    assert js("attention_math", "topK", row.tolist(), 5) == np.argsort(-row)[:5].tolist()
    assert js("attention_math", "topK", [0.5, 0.5, 0.0], 2) == [0, 1]
    assert js("attention_math", "entropy", [*row, 0.0]) == pytest.approx(
        scipy.special.entr(row).sum(), abs=1e-6
    )


@pytest.mark.parametrize("name", ["cividis", "viridis"])
def test_palettes_are_matplotlibs(js, name):
    ours = np.reshape(js("palette", "colours", name), (256, 3))
    theirs = np.array([matplotlib.colormaps[name](i)[:3] for i in range(256)]) * 255
    assert np.abs(ours - theirs).max() <= 11.5  # 17 stops and straight lines between them


@pytest.mark.parametrize("name", ["cividis", "viridis", "grey"])
def test_text_on_a_colour_can_be_read(js, name):
    table = np.reshape(js("palette", "colours", name), (256, 3)) / 255
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]  # WCAG 2.1
    for weight in np.linspace(0, 1, 52):
        ink = js("palette", "tint", (255 * table).ravel().tolist(), weight)["ink"]
        paper = luminance[round(255 * weight)]
        contrast = (paper + 0.05) / 0.05 if ink == "#000" else 1.05 / (paper + 0.05)
        assert contrast >= 4.5


@pytest.mark.parametrize(
    "weight", [0, 1e-5, 0.00049, 0.0005, 0.0125, 0.0994, 0.0996, 0.125, 0.5, 0.995, 1, 1.3]
)
def test_percent_is_pythons(js, weight):
    assert js("attention_math", "percent", weight) == attention_picture.percent(weight)


@pytest.mark.parametrize(
    "token", [" kite ", "\n", "", "a\u200bb\u202e", "x" * 500, "😀" * 50, "   ", "\x07", "قمر"]
)
def test_visible_is_pythons(js, token):
    assert js("base", "visible", token) == attention_picture.visible(token)


@pytest.mark.parametrize("own", [3, -1])
def test_sentences_are_pythons(js, own):
    names = ["<s>", "the", "mat", "it"]
    rows = [[0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0.1, 0.1, 0.7, 0.1], [0.4, 0.4, 0, 0.2], [0, 0, 0, 1.0]]
    for row in rows:
        said = js("attention_math", "sentenceOf", row, "it", names, own)
        assert said == attention_picture.sentence(np.array(row, dtype=float), "it", names, own)


def test_the_sink(js):
    weights = RNG.dirichlet(np.ones(5), size=4)
    mean = js("attention_math", "sinkOf", weights.ravel().tolist(), 5)
    assert mean == pytest.approx(weights[1:, 0].mean(), abs=1e-6)
