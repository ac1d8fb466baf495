"""The bars of the strategies without a browser: words, static form, what is refused."""

import numpy as np
import pytest
import torch

from llmasos_edu.generation import Decoding, shaped
from llmasos_edu.widgets.strategy_bars import SHOWN, StrategyBars

P = np.array([0.4, 0.1, 0.3, 0.15, 0.05])


def token(id):
    return [" kite", " <b>", " drum", "\n", "中"][id]


def test_it_says_what_is_kept():
    bars = StrategyBars(np.log(P), token, decoding=Decoding(top_p=0.8, temperature=1.0))
    assert bars.text().splitlines() == [
        # by hand: 0.4 + 0.3 + 0.15; −Σ p ln p of (0.4, 0.3, 0.15)/0.85 and of all five
        "top-p 0.80: 3 of 5 tokens can be drawn, with 85 % of the model's probability; "
        "the choice is 1.03 nats (before: 1.39), as among 2.8 equal tokens.",
        "'·kite': 40 % before, 47 % after", "'·drum': 30 % before, 35 % after",
        "'⏎': 15 % before, 18 % after", "'·<b>': 10 % before, cut", "'中': 5.0 % before, cut",
    ]  # fmt: skip
    assert bars.summary == bars.text().splitlines()[0]
    off = StrategyBars(np.log(P), token)
    assert off.summary.startswith("no strategy: 5 of 5 tokens can be drawn, with 100 % of")


def test_the_sliders_are_the_packages_strategies():
    decoding = Decoding(repetition_penalty=1.5, temperature=0.7, top_k=4, top_p=0.95, min_p=0.05)
    bars = StrategyBars(torch.tensor(P).log(), token, seen=[2, 2, 0], decoding=decoding)
    expected = shaped(torch.tensor(P).log()[None], torch.tensor([[2, 0]]), decoding).softmax(-1)[0]
    np.testing.assert_allclose(bars.after, expected, atol=1e-6)  # its logits travel as float32
    np.testing.assert_allclose(bars.before, P, atol=1e-6)
    assert bars.decoding == decoding
    bars.top_k = 1
    assert bars.text().startswith("temperature 0.70, top-k 1, top-p 0.95, min-p 0.05, repetition penalty 1.5")


def test_only_the_likeliest_are_named_and_markup_is_text():
    logits = np.random.default_rng(0).normal(size=5000)
    bars = StrategyBars(logits, lambda id: f"<{id}>", context="<script>")
    assert bars.ids == np.argsort(-logits)[:SHOWN].tolist()
    html = bars._repr_mimebundle_()[0]["text/html"]
    assert "<script>" not in html
    assert f"&lt;{bars.ids[0]}&gt;" in html
    assert html == bars._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize(
    ("logits", "changes", "words"),
    [
        (np.zeros((2, 3)), {}, r"got shape \(2, 3\)"),
        (np.array([0.0, np.nan]), {}, "no NaN"),
        (np.array([-np.inf, -np.inf]), {}, "at least one of them finite"),
        (np.log(P), {"seen": [5]}, "from 0 to 4; got 5"),
        (np.log(P), {"decoding": Decoding(greedy=True)}, "take top_k=1"),
    ],
)
def test_what_is_refused(logits, changes, words):
    with pytest.raises(ValueError, match=words):
        StrategyBars(logits, token, **changes)
