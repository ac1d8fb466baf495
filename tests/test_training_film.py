"""The film of a training run: what it says, what is sent, bad input."""

import numpy as np
import pytest

from llmasos_edu.widgets.base import as_bytes
from llmasos_edu.widgets.training_film import TrainingFilm

STEPS, ABOVE, WORDS = [0, 100, 200], [320.0, 21.5, 1.25], ["kite", "drum", "<b>"]
P = [[0.005, 0.004, 0.003], [0.2, 0.3, 0.1], [0.994, 0.001, 0.0]]
STORIES = [("", "the a the"), ("Mia had a red kite.", " Tom kite"), ("Mia had a red kite.", "")]


def film(**more):
    given = {
        "steps": STEPS,
        "above": ABOVE,
        "words": WORDS,
        "p": P,
        "stories": STORIES,
        "blank": "left the red",
    }
    return TrainingFilm(**{**given, **more})


def test_what_it_says():
    widget = film()
    lines = widget.text().splitlines()
    assert lines[0] == widget.summary
    assert lines == [
        "Step 200: 1.25 nats above the floor; kite has 0.994; every word of its story is possible.",
        "left the red ___: kite 0.994, drum 0.00100, <b> 0",
        "It tells: Mia had a red kite.",
    ]
    lines = film(at=1).text().splitlines()
    assert lines[0].endswith("kite has 0.200; its story breaks at “Tom”.")
    assert lines[2] == "It tells: Mia had a red kite. ✗ Tom kite"


def test_what_is_sent():
    assert film().p == as_bytes(np.array(P))
    assert film().at == 2


def test_static_form_is_the_same_every_time_and_text_stays_text():
    page = film(words=["<b>", "kite", "drum"])._repr_mimebundle_()[0]["text/html"]
    assert page == film(words=["<b>", "kite", "drum"])._repr_mimebundle_()[0]["text/html"]
    assert "P(&lt;b&gt;)" in page
    assert "<b>" not in page
    assert page.count("<tr>") == 4


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"above": [1.0, 2.0]}, "equally long, at least 1; got 3, 2, 3"),
        ({"steps": [0, 0, 1]}, "steps must rise"),
        ({"above": [1.0, 0.0, 2.0]}, "above must be positive"),
        ({"p": [[0.1, 0.2]] * 3}, r"\(3, 3\), at least one word; got \(3, 2\)"),
        ({"p": [[0.6, 0.5, 0.1]] * 3}, "at most 1 together"),
        ({"stories": [("a", " ")] * 3}, "only spaces"),
        ({"at": 3}, "one of the 3 moments, from 0; got 3"),
    ],
)
def test_bad_input_is_told(more, message):
    with pytest.raises(ValueError, match=message):
        film(**more)
