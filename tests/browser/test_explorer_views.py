"""The arithmetic of the Explorer's views against NumPy and SciPy."""

import numpy as np
import pytest
import scipy.special

RNG = np.random.default_rng(11)
SAME = {"atol": 1e-6, "rtol": 0}  # the bar for the browser's numbers; both compute in float64
TQ, TK, D, SCALE, HEAT = 5, 5, 4, 0.5, 1.5


@pytest.fixture(scope="module")
def head():
    """One head: what the views get of it, and its numbers as NumPy has them."""
    q, k, v = RNG.normal(size=(3, TQ, D)) * 2
    allowed = np.tri(TQ, dtype=bool)
    scores = SCALE * q @ k.T
    weights = scipy.special.softmax(np.where(allowed, scores / HEAT, -np.inf), axis=-1)
    before = scipy.special.softmax(np.where(allowed, scores, -np.inf), axis=-1)
    now = {
        "Tq": TQ, "Tk": TK, "D": D, "Dv": D, "scale": SCALE, "temperature": HEAT, "rules": {"mask": "causal"},
        "q": q, "k": k, "v": v, "scores": np.where(allowed, scores, 0), "weights": weights,
        "original": before, "exact": True, "changed": True,
    }  # fmt: skip
    sent = {name: x.ravel().tolist() if isinstance(x, np.ndarray) else x for name, x in now.items()}
    return sent, q, k, v, weights, before


@pytest.mark.parametrize(("i", "j"), [(0, 0), (3, 1), (4, 4)])
def test_each_step_on_the_way_to_a_weight(js, head, i, j):
    now, q, k, _, weights, before = head
    chain = js("explorer_why", "chainOf", now, i, j)
    logits = SCALE / HEAT * q[i] @ k[: i + 1].T
    np.testing.assert_allclose(chain["products"], q[i] * k[j], **SAME)
    np.testing.assert_allclose(chain["dot"], q[i] @ k[j], **SAME)
    np.testing.assert_allclose(chain["scaled"], SCALE * (q[i] @ k[j]), **SAME)
    np.testing.assert_allclose(chain["logit"], logits[j], **SAME)
    np.testing.assert_allclose(chain["most"], logits.max(), **SAME)
    np.testing.assert_allclose(chain["power"] / chain["sum"], weights[i, j], **SAME)
    assert chain["allowed"] is True
    assert (chain["weight"], chain["before"]) == (weights[i, j], before[i, j])


def test_a_pair_behind_the_mask_says_so_and_keeps_its_score(js, head):
    now, q, k, _, _, _ = head
    chain = js("explorer_why", "chainOf", now, 1, 3)
    assert chain["allowed"] is False
    np.testing.assert_allclose(chain["scaled"], SCALE * (q[1] @ k[3]), **SAME)
    assert js("explorer_why", "chainWords", now, 1, 3)[-1] == "mask: may not look: weight 0"


def test_the_chain_in_words_has_its_numbers(js, head):
    now, q, k, *_ = head
    words = js("explorer_why", "chainWords", now, 3, 1)
    assert words[0].endswith(f" = {float(f'{q[3] @ k[1]:.3g}'):g}")
    assert words[1].startswith(f"× scale {SCALE:g} = ")
    assert f"÷ temperature {HEAT:g} = " in words[2]
    assert words[-1].startswith("weight = ")
    assert "the model's" in words[-1]
    assert js("explorer_why", "chainWords", {**now, "exact": False}, 3, 1)[-1].startswith("weight ≈ ")
    assert "the model's" not in js("explorer_why", "chainWords", {**now, "changed": False}, 3, 1)[-1]


def test_where_only_weights_are_known_softmax_gives_them_back(js, head):
    _, _, _, _, _, before = head
    logs = np.where(before > 0, np.log(np.where(before > 0, before, 1)), 0).ravel().tolist()
    only = {"Tq": TQ, "Tk": TK, "D": 0, "q": None, "k": None, "v": None, "scores": logs, "temperature": 1,
            "rules": {"mask": "causal"}, "weights": before.ravel().tolist(),
            "original": before.ravel().tolist(), "exact": True, "changed": False}  # fmt: skip
    chain = js("explorer_why", "chainOf", only, 3, 1)
    np.testing.assert_allclose(chain["power"] / chain["sum"], before[3, 1], **SAME)
    assert js("explorer_why", "chainWords", only, 3, 1)[0].startswith("only weights are known")


def test_the_output_is_the_weighted_sum_of_values(js, head):
    now, _, _, v, weights, _ = head
    for i in range(TQ):
        output = js("explorer_why", "outputOf", now["weights"], now["v"], i, TK, D)
        np.testing.assert_allclose(output, weights[i] @ v, **SAME)


@pytest.mark.parametrize(("rows", "columns"), [(6, 6), (3, 8), (1, 1)])
def test_entropy_of_eight_bit_weights(js, rows, columns):
    bits = np.round(255 * RNG.dirichlet(np.ones(columns), size=rows))
    shares = bits / bits.sum(axis=-1, keepdims=True)
    mean = js("explorer_heads", "meanEntropy", bits.ravel().tolist(), columns)
    np.testing.assert_allclose(mean, scipy.special.entr(shares).sum(axis=-1).mean(), **SAME)


def test_a_row_without_weight_has_no_entropy(js):
    assert js("explorer_heads", "meanEntropy", [0.0, 0.0, 128.0, 127.0], 2) == pytest.approx(
        scipy.special.entr(np.array([128, 127]) / 255).sum() / 2, abs=1e-6
    )


def test_the_best_heads_come_first(js):
    scores = RNG.permutation(48 * 64) / (48 * 64)
    best = js("explorer_glance", "bestHeads", scores.tolist(), 64)
    assert best == [list(divmod(int(n), 64)) for n in np.argsort(-scores)[:8]]
    assert len(js("explorer_glance", "bestHeads", [0.1, 0.9], 1)) == 2


@pytest.mark.parametrize("T", [1, 40, 41, 256])
def test_the_window_holds_the_row_and_moves_only_when_it_must(js, T):
    start = 0
    for at in [*range(T), *RNG.integers(0, T, size=50).tolist()]:
        moved = js("explorer_lines", "windowFrom", start, at, T)
        assert 0 <= moved <= max(0, T - 40)
        assert moved <= at < moved + 40
        if start <= at < start + 40:
            assert moved == start
        start = moved
    assert js("explorer_lines", "windowFrom", 200, 3, 12) == 0  # a shorter sentence came


def test_next_words_before_and_after(js):
    after = [["mat", 0.5], ["it", 0.2]]
    before = [["dog", 0.6], ["mat", 0.3]]
    assert js("explorer_next", "beforeAfter", after, before) == [
        ["mat", 0.5, 0.3],
        ["it", 0.2, None],
        ["dog", None, 0.6],
    ]
    assert js("explorer_next", "beforeAfter", [], []) == []


@pytest.mark.parametrize(
    ("x", "shown"), [(0.0, "0"), (-0.12345, "-0.123"), (1234.5, "1230"), (1e-9, "1e-9"), (5, "5")]
)
def test_three_digits(js, x, shown):
    assert js("explorer_parts", "three", x) == shown
