"""The attention map without a browser: what it computes, says and refuses."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llmasos_edu.attention import attention_weights, causal_mask
from llmasos_edu.widgets.attention_map import AttentionMap, softmax_rows
from llmasos_edu.widgets.attention_picture import CIVIDIS, percent, visible

RNG = np.random.default_rng(4)
TOKENS = ["the", "cat", "sat", "on", "it"]
Q, K = RNG.normal(size=(2, 2, 5, 4)) * 2


@pytest.mark.parametrize("mask", ["causal", "none"])
@pytest.mark.parametrize(("scale", "temperature"), [(None, 1.0), (2.0, 0.25), (0.1, 3.0)])
def test_weights_are_torchs(mask, scale, temperature):
    shown = AttentionMap(Q, K, TOKENS, mask=mask, scale=scale, temperature=temperature)
    q, k = torch.tensor(Q), torch.tensor(K)
    values = torch.eye(5, dtype=q.dtype).expand(2, 5, 5)  # so that the output is the weights
    expected = torch.nn.functional.scaled_dot_product_attention(
        q, k, values, is_causal=mask == "causal", scale=(scale or 0.5) / temperature
    )
    for head in range(2):  # q and k travel as float32
        np.testing.assert_allclose(shown.weights(head), expected[head], atol=1e-5)


def test_softmax_rows_is_the_packages_own():
    mask = causal_mask(5) & (np.arange(5) > 0)  # row 0 may look at nothing
    np.testing.assert_allclose(
        softmax_rows(Q[0] @ K[0].T * 0.5, mask), attention_weights(Q[0], K[0], mask), atol=1e-12
    )


def test_hiding_token_0_renormalises_the_rest():
    shown = AttentionMap(Q, K, TOKENS, mask="none")
    before = shown.weights()
    shown.hide_first = True
    rest = before[:, 1:] / before[:, 1:].sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(shown.weights(), np.pad(rest, ((0, 0), (1, 0))), atol=1e-12)


def test_given_weights_are_shown_as_they_are():
    wrong = np.array([[0.2, 0.6], [0.9, 0.4]])  # a softmax over queries: rows that do not sum to one
    shown = AttentionMap(weights=wrong, tokens=["a", "b"])
    np.testing.assert_allclose(shown.weights(), wrong, atol=1e-7)  # float32
    shown.temperature = 1e-3
    np.testing.assert_allclose(shown.weights(), [[0, 0.8], [1.3, 0]], atol=1e-6)


def test_it_opens_where_a_token_looks_decidedly_at_another():
    weights = np.tile(np.tri(4) / np.arange(1, 5)[:, None], (3, 1, 1))
    weights[1, 3] = [0.1, 0.1, 0.8, 0.0]
    weights[2, 2] = [0.0, 0.0, 1.0, 0.0]  # itself: says nothing
    shown = AttentionMap(weights=weights, tokens=["<s>", "the", "mat", "it"])
    assert (shown.head, shown.row) == (1, 3)
    assert shown.summary == "'it' attends most to 'mat', 80 %."
    assert "head 1 of 3" in shown.text()


def test_a_sink_is_named():
    weights = np.array([[1, 0, 0], [0.7, 0.3, 0], [0.6, 0.2, 0.2]])
    shown = AttentionMap(weights=weights, tokens=["<s>", "a", "b"])
    assert shown.text().endswith("Token 0, '<s>', is a sink: it takes 65 % of this head.")
    shown.hide_first = True
    assert "sink" not in shown.text()


def test_equal_and_empty_rows_have_their_words():
    shown = AttentionMap(np.zeros((4, 2)), np.zeros((4, 2)), list("abcd"), row=3)
    assert shown.summary == "'d' attends equally to 4 tokens, 25 % each."
    shown = AttentionMap(np.ones((1, 1)), np.ones((1, 1)), ["a"])
    assert shown.summary == "'a' attends most to itself, 100 %."
    shown.hide_first = True
    assert shown.text().startswith("'a' attends to nothing.")


def test_the_static_form_is_the_same_every_time_and_small():
    first, second = (AttentionMap(Q, K, TOKENS)._repr_mimebundle_()[0]["text/html"] for _ in range(2))
    assert first == second
    cells = re.findall(r'<td style="background-color:(#\w+);color:(#\w+)">(\d+)</td>', first)
    assert len(cells) == 15  # the causal half of 5 × 5
    assert {paper for paper, _, _ in cells} <= set(CIVIDIS)
    diagonal = AttentionMap(weights=np.eye(2), tokens=["a", "b"])._repr_mimebundle_()[0]["text/html"]
    assert '#fee838;color:#000">100<' in diagonal
    assert '#00224e;color:#fff">0<' in diagonal
    assert "<svg" not in first  # an untrusted notebook would lose it
    long = AttentionMap(RNG.normal(size=(64, 8)), RNG.normal(size=(64, 8)), [f"t{i}" for i in range(64)])
    assert len(long._repr_mimebundle_()[0]["text/html"]) < 30_000


def test_last_bits_change_no_byte():
    q = np.zeros((8, 2))  # even rows: weights of 1/2, 1/4, 1/8 lie on the edges of rounding
    noisy = q + RNG.normal(size=q.shape) * 1e-6
    one, other = (AttentionMap(x, K[0][:1, :2].repeat(8, 0), list("abcdefgh"), row=7) for x in (q, noisy))
    assert one._repr_mimebundle_()[0]["text/html"] == other._repr_mimebundle_()[0]["text/html"]


def test_tokens_show_as_text():
    nasty = ["<script>alert(1)</script>", "a\nb", "\u200b\u202e", "x" * 500, ""]
    html = AttentionMap(Q, K, nasty, row=4)._repr_mimebundle_()[0]["text/html"]
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "a⏎b" in html
    assert "‹200B›‹202E›" in html
    assert "x" * 41 not in html
    assert "∅" in html


@given(st.text())
def test_every_token_is_visible_and_short(text):
    assert 0 < len(visible(text)) <= 40


@given(st.floats(0, 1))
def test_percent_is_within_half_of_its_last_digit(weight):
    words = percent(weight)
    if words == "< 0.1 %":
        assert weight < 0.0005
    else:
        allowed = 0.0501 if "." in words else 0.501
        assert abs(float(words.removesuffix(" %")) - 100 * weight) <= allowed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"q": Q, "k": K[:, :4]}, r"one shape; got q \(2, 5, 4\) and k \(2, 4, 4\)"),
        ({"q": Q[0, 0], "k": K}, r"q must have shape \(T, D\) or \(H, T, D\); got \(4,\)"),
        ({"q": Q, "k": K, "tokens": ["a"]}, "one token for each of the 5 positions; got 1 tokens"),
        ({"weights": np.ones((2, 3))}, r"weights must have shape \(T, T\) or \(H, T, T\); got \(2, 3\)"),
        ({"weights": np.array([[1, -0.5], [0, 1]])}, "≥ 0; got -0.5 at head 0, row 0, column 1"),
        ({"weights": np.full((2, 2), np.nan)}, "finite; got nan at head 0, row 0, column 0"),
        ({"q": Q}, "give q and k, or weights alone"),
        ({}, "give q and k, or weights alone"),
        ({"q": Q, "k": K, "weights": np.eye(5)}, "give q and k, or weights alone"),
        ({"q": Q, "k": K, "mask": "future"}, "mask must be one of"),
        ({"q": Q, "k": K, "scale": 0.0}, "scale must be above 0; got 0.0"),
        ({"q": Q, "k": K, "temperature": -1.0}, "temperature must be above 0; got -1.0"),
        ({"weights": np.eye(5), "scale": 1.0}, "scale needs q and k"),
        ({"q": Q, "k": K, "head": 2}, "head must be from 0 to 1; got 2"),
        ({"q": Q, "k": K, "row": -1}, "row must be from 0 to 4; got -1"),
        ({"weights": np.eye(513), "tokens": ["a"] * 513}, "at most 512 tokens; got 513"),
    ],
)  # fmt: skip
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        AttentionMap(**{"tokens": TOKENS, **arguments})


def test_update_keeps_the_controls_and_sends_once():
    shown = AttentionMap(Q, K, TOKENS, mask="none", temperature=2.0)
    shown.update(Q[:1, :3], K[:1, :3], TOKENS[:3])
    assert (shown.seq, shown.heads, shown.head, shown.row < 3) == (1, 1, 0, True)
    assert (shown.mask, shown.temperature) == ("none", 2.0)
    shown.update(Q[:1, :3], K[:1, :3])
    assert shown.seq == 2
