import math

import numpy as np
import pytest

from llmasos_edu.probability import continuation
from llmasos_edu.widgets.sampler import NextWordSampler


def clock(words):
    return {" tick": 0.8, " tock": 0.2, "<b>": 0.0, ".": 0.0}


def short(words):
    return {".": 0.5, " tick": 0.5}


def make(**options):
    return NextWordSampler({"clock": clock, "short": short}, ["It", " says"], end=".", **options)


def test_the_list_follows_the_temperature():
    sampler = make(model="clock")
    assert sampler.next_word() == pytest.approx({" tick": 0.8, " tock": 0.2, ".": 0, "<b>": 0})
    sampler.temperature.value = 0.5
    assert sampler.next_word()[" tick"] == pytest.approx(16 / 17)  # 0.8² / (0.8² + 0.2²)
    sampler.temperature.value = 3.0
    assert sampler.next_word()[" tick"] == pytest.approx(4 ** (1 / 3) / (4 ** (1 / 3) + 1))


def test_the_text_is_the_package_s_own_draw():
    sampler = make(model="short", seed=3, temperature=2.0)
    expected = continuation(
        short, ["It", " says"], np.random.default_rng(3), temperature=2.0, end=".", limit=40
    )
    assert sampler.written() == "".join(expected)
    sampler.model.value = "clock"
    drawn = continuation(clock, ["It", " says"], np.random.default_rng(3), temperature=2.0, end=".", limit=40)
    assert f"It says<b>{''.join(drawn)}</b>" in sampler._view.value


def test_what_it_says_without_a_kernel():
    data = make(model="clock")._repr_mimebundle_()
    nats = -(0.8 * math.log(0.8) + 0.2 * math.log(0.2))
    assert data["text/plain"].splitlines()[:3] == [
        f"clock at temperature 1.0: {nats:.3f} nats of choice in the next word",
        "tick          0.800",
        "tock          0.200",
    ]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "It says<b> t" in data["text/html"]


def test_markup_in_a_word_stays_text():
    sampler = NextWordSampler({"evil": lambda words: {"<script>": 1.0}}, ["<b>"], limit=1)
    assert "<script>" not in sampler._view.value
    assert "&lt;b&gt;<b>&lt;script&gt;</b>" in sampler._view.value


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"model": "none"}, r"one of \['clock', 'short'\]; got 'none'"),
        ({"temperature": 0}, "temperature must lie in 0.1 … 3"),
        ({"seed": 100}, "got 1.0 and 100"),
    ],
)
def test_bad_arguments(options, why):
    with pytest.raises(ValueError, match=why):
        make(**options)
