"""The strategies in the browser: their arithmetic against torch, sliders, words, themes, keyboard."""

import numpy as np
import pytest
import torch

from llmasos_edu import generation as g
from llmasos_edu.widgets.strategy_bars import StrategyBars

RNG = np.random.default_rng(3)
ROWS = {
    "random": 4 * RNG.normal(size=40),
    "ties": np.round(4 * RNG.normal(size=40)) / 2,
    "one value": np.full(6, -1.5),
    "impossible": np.where(np.arange(40) % 2, -np.inf, 4 * RNG.normal(size=40)),
}
CASES = [
    *[("temper", g.temperature, t) for t in (0.1, 0.7, 3.0)],
    *[("keepTopK", g.top_k, k) for k in (1, 2, 5, 40, 99)],
    *[("keepTopP", g.top_p, p) for p in (1e-9, 0.1, 0.5, 0.9, 0.999, 1.0)],
    *[("keepMinP", g.min_p, p) for p in (0.0, 0.1, 0.5, 1.0)],
]


@pytest.mark.parametrize("kind", ROWS)
def test_each_strategy_is_pythons(js, kind):
    logits = torch.tensor(ROWS[kind])
    for name, ours, value in CASES:
        told = np.array(js("strategy_math", name, ROWS[kind].tolist(), value), dtype=float)
        np.testing.assert_allclose(told, ours(logits, value), atol=1e-12, err_msg=f"{name} {value}")
    told = js("strategy_math", "penalise", ROWS[kind].tolist(), [0, 3, 3, 5], 1.3)
    expected = g.repetition_penalty(logits[None], torch.tensor([[0, 3, 3, 5]]), 1.3)[0]
    np.testing.assert_allclose(np.array(told, dtype=float), expected, atol=1e-12)


@pytest.mark.parametrize("kind", ROWS)
def test_all_together_and_the_sentence_are_pythons(js, kind):
    decoding = g.Decoding(repetition_penalty=1.2, temperature=0.8, top_k=5, top_p=0.9, min_p=0.05)
    bars = StrategyBars(ROWS[kind], str, seen=[1, 4], decoding=decoding)
    row = bars._row.tolist()  # float32, as it travels
    dials = {"penalty": 1.2, "temperature": 0.8, "topK": 5, "topP": 0.9, "minP": 0.05}
    told = js("strategy_math", "shapedBy", row, [1, 4], dials)
    after = js("attention_math", "softmaxRow", told)
    np.testing.assert_allclose(after, bars.after, atol=1e-12)
    count, mass = js("strategy_math", "keptOf", bars.before.tolist(), told)
    nats = [js("attention_math", "entropy", list(p)) for p in (bars.before, bars.after)]
    settings = js("strategy_bars", "settingsOf", {name: getattr(bars, name) for name in (
        "temperature", "top_k", "top_p", "min_p", "repetition_penalty")})  # fmt: skip
    sentence = js("strategy_bars", "sentenceAbout", settings, count, len(row), mass, *nats)
    assert sentence == bars.text().splitlines()[0]


SET_UP = """
import numpy as np
from llmasos_edu.generation import Decoding
from llmasos_edu.widgets.strategy_bars import StrategyBars
words = [" kite", " drum", " lamp", " book", " hat", " ball", " <b>", "\\n"]
words += [f" w{i}" for i in range(49_144)]
logits = np.random.default_rng(1).normal(size=len(words)) - 6
logits[:8] = [12, 11.2, 10.8, 10, 9.5, 9, 8.5, 8]
bars = StrategyBars(logits, words.__getitem__, context="Mia left the red", seen=[0, 1],
                    decoding=Decoding(top_p=0.9))
"""


@pytest.fixture(scope="module", params=["lab", "notebook"])
def notebook(request, desk):
    with desk.notebook({"set-up": SET_UP, "bars": "bars"}, request.param) as opened:
        opened.run("set-up", "bars")
        yield opened


def test_it_opens_on_a_state_that_shows_something(notebook):
    host = notebook.widget("bars")
    assert host.get_by_role("row", name="·kite").count() == 1
    assert host.get_by_text("top-p 0.90: ").first.is_visible()
    assert host.get_by_role("row", name="·<b>").get_by_text("cut").count() == 1


def test_sliders_move_the_bars_and_the_words(notebook):
    host = notebook.widget("bars")
    for name, keys in (("temperature", 4), ("top-k", 3), ("min-p", 2)):
        slider = host.get_by_role("slider", name=name)
        rev = notebook.rev(host)
        for _ in range(keys):
            slider.press("ArrowRight")
        notebook.wait_rev(host, rev)
        notebook.settled()
        assert host.locator(".said").inner_text() == notebook.python("print(bars.text().splitlines()[0])")
        trait = name.replace("-", "_")
        assert notebook.python(f"print(bars.{trait} != getattr(Decoding(), '{trait}'))") == "True"
    host.get_by_role("button", name="all off").click()
    notebook.settled()
    assert notebook.python("print(bars.decoding == Decoding())") == "True"
    assert notebook.python("print(bars.summary == bars.text().splitlines()[0])") == "True"
    notebook.python("bars.push(top_k=2)")  # Python moves it too
    host.locator(".said", has_text="top-k 2: 2 of 49,152 tokens").wait_for()
    notebook.python("bars.push(top_k=0, top_p=0.9)")
    host.locator(".said", has_text="top-p 0.90:").wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(notebook, theme):
    notebook.theme(theme)
    assert notebook.violations(notebook.widget("bars")) == []


def test_no_key_leaks(notebook):
    host = notebook.widget("bars")
    for control in (*host.get_by_role("slider").all(), host.get_by_role("button")):
        assert notebook.leaks(control) == ""
