"""Judging what a model tells: stories broken by hand, models made for the test, bounds and intervals."""

import math
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats import entropy as kl_divergence

from llmasos_edu import evaluation as e
from llmasos_edu.corpora import tinyworld_tokenizer
from llmasos_edu.generation import Decoding
from llmasos_edu.tinyworld import END, TinyWorldError, World

EN, ZH = World("en").both()
OPEN = "Mia had a red kite. Tom had a blue drum."
OPEN_ZH = "米娅有一只红色的风筝。汤姆有一面蓝色的鼓。"


@pytest.fixture(scope="module")
def tokenizer():
    return tinyworld_tokenizer(EN, ZH)


# --- what broke

#: Story 191, as far as its ending.
TOLD = (
    "Mia had a blue hat. Tom had a white ball. He dropped it in the kitchen. Tom danced in the kitchen. "
    "Tom saw the white ball in the kitchen. He found the white ball in the kitchen. "
    "Tom danced in the kitchen."
)
TOLD_ZH = World("zh").story(191).text.partition("最后")[0]
BROKEN = [  # the text, its first wrong word, what kind of break a reader would call it
    (f"{OPEN} Mia left the reddish", " reddish", "no word"),
    (f"{OPEN} Mia left the风筝", " the风筝", "other language"),
    (f"{OPEN} Mia the", " the", "grammar"),
    (f"{OPEN} Mia put up", " up", "grammar"),
    (f"{OPEN} Mia left the red in", " in", "grammar"),
    ("Mia had a orange kite.", " orange", "grammar"),
    ("Mia was a artist.", " artist", "grammar"),
    ("Mia She", " She", "grammar"),
    ("She had a red kite.", " She", "pronoun"),
    (f"{OPEN} Mia left the red kite in the park. Tom went to the hill. Tom left it", " it", "pronoun"),
    ("Mia had a red kite. Tom had a red", " red", "introduced twice"),
    ("Mia had a red kite. Tom had a blue kite", " kite", "introduced twice"),
    ("Mia was a cook. Mia had a red kite. Tom was a cook", " cook", "introduced twice"),
    (f"{OPEN} Leo went to the park.", " Leo", "not in the story"),
    (f"{OPEN} Mia went to the park. Mia met Leo", " Leo", "not in the story"),
    (f"{OPEN} The", " The", "not in the story"),
    (f"{OPEN} Mia left the red ball", " ball", "not in the story"),
    (f"{OPEN} Mia left the green", " green", "colour"),
    (f"{OPEN} Mia left the red drum", " drum", "colour"),
    (f"{OPEN} Mia used it", " used", "no word"),
    (f"{OPEN} Mia flew the blue", " blue", "thing"),  # hers is the red one
    (f"{OPEN} Mia left the red kite in the park. Tom went to the hill. Tom slept in", " in", "place"),
    (f"{OPEN} Mia left the red kite in the park. Mia slept in the garden", " garden", "place"),
    ("Mia had a red kite. Mia", " Mia", "person"),
    ("Mia was a cook. The pilot", " pilot", "not in the story"),
    ("Mia was a cook. Mia had a red kite. Tom was a pilot. The cook", " cook", "person"),
    (f"{OPEN} Mia went to the park. Mia met Mia", " Mia", "person"),
    (f"{OPEN} Mia gave the red kite", " gave", "act"),  # they have not met
    (f"{OPEN} Mia went to the park. Mia ran", " ran", "act"),  # nobody goes twice in a row
    (f"{OPEN} In the end", " In", "act"),
    (f"{TOLD} In the end the blue hat was with Tom", " Tom", "ending"),
    (f"{TOLD} In the end the white", " white", "ending"),  # the hat came first
    (f"{TOLD} In the end the blue hat was in", " in", "ending"),
    (f"{TOLD} In the end the blue hat was with with", " with", "grammar"),
    (f"{TOLD} In the end the blue hat was with Mia and the white ball was with Tom. Tom", " Tom", "goes on"),
    (f"{TOLD} In the end the blue hat was with Mia", END, "no ending"),
    ("Mia had a red kite. Tom had a blue drum. Mia left the red kite in the forest", " forest", "held out"),
    (OPEN, END, "no ending"),
    ("", END, "no ending"),
    (f"{OPEN} Mia left the red kite in the park. Mia slept at", " at", "place"),  # it is "in the park"
    ("Mia had an orange kite. Tom had an", " an", "introduced twice"),  # orange is taken
    (f"{OPEN_ZH}米娅把红色的风筝留在了公园里。米娅 slept", " ", "other language"),
    (f"{TOLD_ZH}最后，蓝色的帽子在厨房", "厨房", "ending"),
    (f"{OPEN_ZH}米娅把红色的kite", "kite", "other language"),
    (f"{OPEN_ZH}米娅把绿色的", "绿色的", "colour"),
    (f"{OPEN_ZH}米娅把红色的鼓", "鼓", "colour"),
    (f"{OPEN_ZH}米娅把红色的伞", "伞", "not in the story"),
    (f"{OPEN_ZH}利奥去了", "利奥", "not in the story"),
    (f"{OPEN_ZH}米娅把红色的风筝留在了公园里。汤姆去了山坡。汤姆把它", "它", "pronoun"),
    ("米娅有一面红色的风筝", "风筝", "grammar"),  # the 量词 of a drum
    ("米娅有一只红色的风筝。汤姆有一只", "只", "introduced twice"),
    ("米娅有一只红色的风筝。汤姆有一面红色的", "红色的", "introduced twice"),
    (f"{OPEN_ZH}米娅送给了", "送给了", "act"),
    (f"{OPEN_ZH}米娅去了公园。米娅在花园", "花园", "place"),
    (OPEN_ZH, END, "no ending"),
]


@pytest.mark.parametrize(("text", "word", "kind"), BROKEN)
def test_a_story_broken_by_hand_has_the_kind_that_a_reader_would_call_it(text, word, kind):
    (verdict,) = e.judge([text], (EN, ZH))
    assert (verdict.word, verdict.kind) == (word, kind)


def test_every_kind_is_tried_and_explained():
    assert {kind for _, _, kind in BROKEN} == set(e.KINDS)


def test_the_training_world_keeps_apart_what_the_full_world_can_tell():
    told = World("en", held_out=False).story(3)  # any story of the full world is possible there
    assert e.judge([told.text], World("en", held_out=False))[0].possible
    text = next(t for t, _, kind in BROKEN if kind == "held out")
    assert e.judge([text], World("en", held_out=False))[0].kind == "no ending"


# --- judging, against the world's own parser


@pytest.mark.parametrize("world", [EN, ZH])
def test_verdicts_agree_with_the_parser_on_stories_and_on_mutations_of_them(world):
    draw = random.Random(5)
    texts = []
    for i in range(25):
        words = list(world.story(i).words)
        texts.append("".join(words))
        words[draw.randrange(1, len(words) - 1)] = draw.choice(words[1:])
        texts.append("".join(words))
    for verdict in e.judge(texts, (EN, ZH)):
        assert verdict.language == world.language
        assert verdict.possible == (verdict.nats < math.inf)
        if verdict.possible:
            assert verdict.nats == world.parse(verdict.text).nats
            continue
        with pytest.raises(TinyWorldError) as refused:
            world.parse(verdict.text)
        assert (verdict.sentence, verdict.word) == (refused.value.sentence, refused.value.word)
        assert verdict.kind in e.KINDS


def test_counts_of_possible_and_new_are_those_of_a_list_made_by_hand():
    seen = e.told((EN, ZH), 4)  # stories 0 and 2 in English, 1 and 3 in 中文
    assert seen == {EN.story(0).text, ZH.story(1).text, EN.story(2).text, ZH.story(3).text}
    texts = [
        EN.story(0).text,
        EN.story(2).text,
        EN.story(1).text,
        ZH.story(1).text,
        f"{OPEN} Mia left the green",
    ]
    found = e.tally(e.judge([*texts, texts[-1]], (EN, ZH), seen))
    assert found == e.Tally(
        n=6, possible=4, new=3, possible_and_new=1, different=5, kinds={"colour": 2}
    )  # fmt: skip


def test_a_judge_needs_a_world():
    with pytest.raises(ValueError, match="at least one world"):
        e.judge(["Mia"], ())


# --- what a model tells


class Script(torch.nn.Module):
    """A model that has learned one text a row by heart, and says nothing else."""

    def __init__(self, scripts, vocab_size):
        super().__init__()
        self.scripts, self.told = scripts, 0
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.config = type("Config", (), {"context_length": 120, "vocab_size": vocab_size})()

    def new_cache(self, batch_size, length):
        self.rows = [self.scripts[(self.told + i) % len(self.scripts)] for i in range(batch_size)]
        self.told += batch_size
        return {"read": 0}

    def forward(self, ids, cache=None, padding=None):
        cache["read"] += ids.shape[1]
        logits = torch.zeros(*ids.shape, self.config.vocab_size)
        for i, row in enumerate(self.rows):
            logits[i, -1, row[min(cache["read"], len(row)) - 1]] = 100.0  # all else: e^-100
        return logits


def scripts(tokenizer, texts):
    end = tokenizer.special_tokens[END]
    return [[*tokenizer.encode(text), end] for text in texts]


def test_a_model_that_learned_stories_by_heart_tells_possible_ones_and_none_new(tokenizer):
    texts = [EN.story(0).text, ZH.story(1).text, EN.story(2).text]
    model = Script(scripts(tokenizer, texts), tokenizer.vocab_size)
    stories = e.sample_stories(
        model, tokenizer, 7, generator=torch.Generator().manual_seed(0), batch_size=3
    )  # fmt: skip
    assert stories == [*texts, *texts, texts[0]]
    found = e.tally(e.judge(stories, (EN, ZH), e.told((EN, ZH), 3)))
    assert (found.possible, found.new, found.possible_and_new, found.different) == (7, 0, 0, 3)


def test_a_model_that_always_breaks_at_one_word_is_told_where(tokenizer):
    broken = f"{TOLD} In the end the blue hat was with Tom."
    model = Script(scripts(tokenizer, [broken]), tokenizer.vocab_size)
    stories = e.sample_stories(model, tokenizer, 2, decoding=Decoding(greedy=True))
    (one, two) = e.judge(stories, (EN, ZH))
    assert one == two
    assert (one.sentence, one.word, one.expected, one.kind) == (8, " Tom", (" Mia",), "ending")


def test_a_model_that_never_ends_breaks_off_at_its_context(tokenizer):
    model = Script([tokenizer.encode(" Mia") * 500], tokenizer.vocab_size)
    (story,) = e.sample_stories(model, tokenizer, 1, decoding=Decoding(greedy=True))
    assert story == " Mia" * 120


def test_an_opening_stands_before_what_the_model_tells(tokenizer):
    told = EN.story(191).text
    model = Script([[*tokenizer.encode(told), tokenizer.special_tokens[END]]], tokenizer.vocab_size)
    (story,) = e.sample_stories(model, tokenizer, 1, decoding=Decoding(greedy=True), opening=OPEN[:13])
    assert story == OPEN[:13] + told[len("Mia had a blue") :]  # the same number of words


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 1, "batch_size": 0}])
def test_numbers_below_one_are_refused(tokenizer, wrong):
    with pytest.raises(ValueError, match="at least 1"):
        e.sample_stories(Script([[0]], tokenizer.vocab_size), tokenizer, **wrong)


# --- the bound, against KL computed by scipy


@given(
    st.lists(st.floats(0.01, 1), min_size=6, max_size=6), st.lists(st.floats(0.01, 1), min_size=3, max_size=3)
)
@settings(max_examples=100, deadline=None)
def test_no_model_tells_more_impossible_stories_than_its_gap_allows(model, world):
    q = np.array(model) / sum(model)
    p = np.array([*world, 0, 0, 0]) / sum(world)  # the last three are impossible
    gap = float(kl_divergence(p, q))
    assert q[3:].sum() <= e.most_impossible(gap) + 1e-12  # rounding of double precision


def test_the_bound_is_reached_by_a_world_scaled_down():
    p = np.array([0.5, 0.3, 0.2, 0.0])
    q = np.array([0.35, 0.21, 0.14, 0.3])
    assert e.most_impossible(float(kl_divergence(p, q))) == pytest.approx(0.3, rel=1e-12)


def test_a_gap_measured_below_the_floor_counts_as_none():
    assert e.most_impossible(-0.01) == 0
    with pytest.raises(ValueError, match="nan"):
        e.most_impossible(math.nan)


# --- intervals, against scipy's


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (1, 3), (499, 500), (250, 500)])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_wilson_is_scipys(hits, n, level):
    theirs = binomtest(hits, n).proportion_ci(level, method="wilson")
    # both in double precision; the ends at 0 and 1 are exact there and a rounding away here
    assert e.wilson(hits, n, level) == pytest.approx((theirs.low, theirs.high), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("wrong", [(-1, 3), (4, 3), (0, 0), (1, 2, 0.0), (1, 2, 1.0)])
def test_wilson_refuses_what_is_no_count(wrong):
    with pytest.raises(ValueError, match="got"):
        e.wilson(*wrong)
