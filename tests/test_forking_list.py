"""The forking list on a world of two letters: products, forks, wishes from the browser, bad lists."""

import math

import pytest

from llmasos_edu.widgets.forking_list import KEPT, ForkingList


class TwoLetters:
    """After any text: "a" with 3/4, "b" with 1/4; counts how often it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, text):
        self.asked.append(text)
        return [("a", 0.75), ("b", 0.25)]


@pytest.fixture
def fork():
    return ForkingList("x", TwoLetters())


def tried(fork):
    return ["".join(token for token, _ in path) for path in fork.left]


def test_the_probability_is_the_product(fork):
    assert (fork.full_text, fork.probability) == ("x", 1)
    fork.choose("a", "b")
    fork.choose("b")
    assert fork.full_text == "xabb"
    assert fork.probability == pytest.approx(0.75 * 0.25 * 0.25, rel=1e-15)  # exact but for one rounding


def test_probabilities_of_all_texts_of_one_length_sum_to_one():
    total = 0.0
    for text in ("aaa", "aab", "aba", "abb", "baa", "bab", "bba", "bbb"):
        fork = ForkingList("", TwoLetters())
        fork.choose(*text)
        total += fork.probability
    assert math.isclose(total, 1, rel_tol=1e-15)


def test_going_back_forks_and_keeps_whole_texts_only(fork):
    fork.choose("a", "b", "b")
    fork.back(2)
    fork.back(1)
    assert tried(fork) == ["abb"]
    fork.choose("a")
    fork.back()
    fork.choose("b")
    assert tried(fork) == ["abb", "aa"]
    fork.back()
    fork.choose("a", "a", "a")  # goes on where "aa" ended: no longer left behind
    assert tried(fork) == ["abb", "b"]


def test_at_most_some_texts_are_kept(fork):
    for i in range(KEPT + 3):
        fork.back()
        fork.choose(*f"{i:04b}".replace("0", "a").replace("1", "b"))
    assert len(fork.left) == KEPT


def test_each_list_is_asked_for_once(fork):
    fork.choose("a")
    fork.back()
    fork.choose("a")
    assert fork._ask.asked == ["x", "xa"]


def test_a_wish_of_the_browser(fork):
    fork.wish = {"tokens": ["b"], "seq": fork.seq}
    assert fork.full_text == "xb"
    fork.wish = {"tokens": ["b", "a"], "seq": fork.seq - 1}  # a second click before the first was answered
    assert fork.full_text == "xb"
    fork.wish = {"tokens": ["c"], "seq": fork.seq}
    assert fork.error.startswith("ValueError: 'c' cannot be chosen here; the list is 'a', 'b'")
    assert fork.full_text == "xb"
    fork.wish = {"tokens": [], "seq": fork.seq}
    assert (fork.full_text, fork.error, tried(fork)) == ("x", "", ["b"])


def test_an_exception_of_the_model_is_shown_and_changes_nothing(fork):
    def breaks(text):
        raise RuntimeError("out of memory")

    fork._ask = breaks
    fork.wish = {"tokens": ["a"], "seq": fork.seq}
    assert fork.error == "RuntimeError: out of memory"
    assert fork.full_text == "x"


def test_words_and_static_form_are_escaped_and_the_same_every_time():
    fork = ForkingList("<script>", lambda text: [("<b>", 0.5), ("\ufffd", 0.25)])
    fork.choose("<b>")
    first = fork._repr_mimebundle_()[0]
    assert first["text/plain"].splitlines() == [
        "'<script><b>': 1 word chosen, probability 0.500, 1 in 2; the likeliest next is '<b>' with 0.500.",
        "the list: '<b>' 0.500, '\ufffd' 0.250; all others 0.250",
    ]
    assert "<script>" not in first["text/html"]
    assert "<b>&lt;b&gt;</b>" in first["text/html"]
    assert fork._repr_mimebundle_()[0]["text/html"] == first["text/html"]
    with pytest.raises(ValueError, match=r"cannot be chosen here; the list is '<b>'$"):
        fork.choose("\ufffd")


@pytest.mark.parametrize("found", [[], [("a", 1.5)], [("a", float("nan"))], [("a", 0.6), ("b", 0.6)]])
def test_a_list_that_is_none_is_refused(found):
    with pytest.raises(ValueError, match=r"\(token, probability\) pairs; got"):
        ForkingList("x", lambda text: found)


def test_back_out_of_range(fork):
    with pytest.raises(ValueError, match="from 0 to 0; got 1"):
        fork.back(1)
