import math
from dataclasses import replace

import pytest

from llmasos_edu.tinyworld import World
from llmasos_edu.widgets.chips import (
    OTHER,
    ChipsGame,
    Round,
    believers_of,
    places_worth_asking,
    rounds_of,
)  # fmt: skip

WORDS = ["The", " cat", " sat", "."]


def coin(words):
    return {" cat": 0.5, " dog": 0.25, " sat": 0.125, ".": 0.125}


def sure(words):
    return {WORDS[len(words)]: 1.0}


def test_believers_give_distributions_and_the_exact_one_is_the_worlds():
    world = World("en")
    believers = believers_of(world, n_stories=50)
    assert list(believers) == ["bigram", "trigram", "5-gram", "exact"]
    begun = world.story(3).words[:9]
    for next_word in believers.values():
        assert math.fsum(next_word(begun).values()) == pytest.approx(1, abs=1e-9)
    assert believers["exact"](begun) == world.next_word("".join(begun))
    counted = [s.words for s in map(world.story, range(50))]
    after = [d[i + 1] for d in counted for i, w in enumerate(d[:-1]) if w == " had"]
    top = max(set(after), key=after.count)
    assert max(believers["bigram"](["Mia", " had"]).items(), key=lambda e: e[1])[0] == top


def test_rounds_hold_the_likeliest_candidates_and_all_the_rest():
    first, second = rounds_of(WORDS, [1, 3], {"coin": coin, "sure": sure}, n_candidates=2)
    assert first == Round(
        "The", [" cat", " dog", OTHER], 0, {"coin": [0.5, 0.25, 0.25], "sure": [1.0, 0.0, 0.0]}, " cat"
    )
    assert second.context == "The cat sat"
    assert second.candidates == [" cat", ".", OTHER]
    assert second.answer == 1


def test_an_answer_that_is_no_candidate_is_another_word():
    (only,) = rounds_of(WORDS, [3], {"coin": coin}, n_candidates=2)
    assert only.answer == 2
    assert only.candidates[2] == OTHER
    assert only.word == "."  # what the game shows in its place


def test_what_believers_pay_and_what_the_game_says():
    game = ChipsGame(rounds_of(WORDS, [1, 2], {"coin": coin, "sure": sure}))
    assert game.paid("coin") == pytest.approx(math.log(2) + math.log(8))
    assert game.paid("coin", 1) == pytest.approx(math.log(2))
    assert game.paid("sure") == 0
    assert game.text() == (
        "Word 1 of 2: 100 chips to place, nothing paid yet.\nFor all 2 words in nats: coin 2.8, sure 0.0."
    )
    game.costs = [0.25]
    assert game.text().startswith("After 1 of 2 words you paid 0.2 nats; coin 0.7, sure 0.0.\n")


def test_the_static_form_escapes_and_tells_no_answer():
    evil = Round("<b>", ["<script>", OTHER], 0, {"x": [0.5, 0.5]})
    shown = ChipsGame([evil]).static_html()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert shown == ChipsGame([replace(evil, answer=1)]).static_html()


GOOD = Round("a", ["b", "c"], 0, {"x": [0.5, 0.5]})


@pytest.mark.parametrize(
    ("rounds", "why"),
    [
        ([], "at least one round"),
        ([replace(GOOD, answer=2)], "an answer among them; got 2 and 2"),
        ([replace(GOOD, beliefs={"x": [0.5, 0.6]})], r"round 0: x's belief .* a sum of 1\.1"),
        ([replace(GOOD, beliefs={"x": [1.0]})], "got 1 with a sum of 1"),
        ([GOOD, replace(GOOD, beliefs={"y": [0.5, 0.5]})], r"round 1 must have the believers \['x'\]"),
    ],
)
def test_bad_rounds_are_refused(rounds, why):
    with pytest.raises(ValueError, match=why):
        ChipsGame(rounds)


def test_bad_places_are_refused():
    with pytest.raises(ValueError, match=r"places must lie in 0 … 3; got 4"):
        rounds_of(WORDS, [4], {"coin": coin})
    with pytest.raises(ValueError, match="at least one believer"):
        rounds_of(WORDS, [1], {})


def test_places_are_asked_where_a_guess_is_worth_making():
    words = ["x"] * 10
    open_at, wrong_at = {3: 0.5, 5: 0.9}, {4, 8}

    def truth(before):
        p = open_at.get(len(before), 1.0)
        return {"x": p, "y": 1 - p}

    def rival(before):
        return {"x": 0.1, "y": 0.9} if len(before) in wrong_at else truth(before)

    # 3 and 5 are open; 4 and 8 are where the rival errs most (it pays log 10 and more)
    assert places_worth_asking(words, truth, rival, n=4) == [3, 4, 5, 8]
    with pytest.raises(ValueError, match="has 8 places to ask for; got n = 9"):
        places_worth_asking(words, truth, rival, n=9)
