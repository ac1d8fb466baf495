import json
import re

import numpy as np
import pytest
import torch

from llmasos_edu import lesson, progress
from llmasos_edu.lesson import lesson_04
from llmasos_edu.lesson.about import Recall, equal
from llmasos_edu.rounding import Text

REPO = lesson.data_dir().parent


@pytest.fixture(autouse=True)
def empty_state(monkeypatch, tmp_path):
    monkeypatch.setenv("LLMASOS_EDU_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(lesson, "_here", {"lesson": None, "rows": [], "guesses": {}})


def test_begin_and_end(capsys):
    lesson.begin("04")
    assert capsys.readouterr().out == (
        "Lesson 04 · How does a word look at other words? 一个词怎样看别的词？\n"
        "You: 45 minutes, exercises 45 more · CPU: 1 minute · network: no\n"
    )
    lesson.end()
    assert "Lesson 04 ends here." in capsys.readouterr().out
    assert [e["kind"] for e in progress.read()[0]] == ["begin", "end"]


def test_end_tells_how_the_exercises_stand(capsys, monkeypatch):
    about = lesson.Lesson("00", "x", "Why?", "为什么？", 1, exercises=("a.b", "c.d"))
    monkeypatch.setattr(lesson, "lessons", lambda: {"00": about})
    lesson.begin("00")
    progress.record({"kind": "check", "key": "a.b", "passed": False})
    progress.record({"kind": "check", "key": "a.b", "passed": True})
    lesson.end()
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "a.b: passed",
        "c.d: not passed yet",
        "Lesson 00 ends here.",
    ]


def test_an_unknown_lesson_lists_what_exists():
    with pytest.raises(ValueError, match="no lesson '99'; there are 00, 01, 02, 03, 04"):
        lesson.begin("99")
    with pytest.raises(RuntimeError, match="no lesson has begun"):
        lesson.end()


@pytest.mark.parametrize(
    "true", [True, np.bool_(True), np.array([True, True]), torch.tensor([[True]]), [True]]
)
def test_a_claim_holds(true, capsys):
    lesson.claim("loss under the trigram line", true)
    assert capsys.readouterr().out == "holds: loss under the trigram line\n"


@pytest.mark.parametrize("false", [False, np.bool_(False), np.array([True, False]), torch.tensor(False)])
def test_a_claim_fails(false):
    with pytest.raises(lesson.ClaimFailed, match="does not hold: loss under"):
        lesson.claim("loss under the trigram line", false)


@pytest.mark.parametrize("number", [3.1, 1, None, "yes", np.array([]), np.array([0.5])])
def test_a_number_claims_nothing(number):
    with pytest.raises(TypeError, match="a claim needs True or False"):
        lesson.claim("loss", number)


def said(capsys):
    return capsys.readouterr().out.strip()


def test_the_first_real_guess_stands(capsys):
    key = "04.which-bug"
    lesson.predict(key, None, choices=("no scale", "no mask"))
    assert said(capsys) == (
        "your guess: none yet. Write it in place of None and run this cell. Choose from: no\nscale, no mask."
    )
    lesson.reveal(key, "no mask")
    assert said(capsys) == "the truth: no mask · your guess: none yet"
    lesson.predict(key, "nonsense", choices=("no scale", "no mask"))
    assert said(capsys).startswith("your guess: nonsense is not one of the choices. Choose from")
    lesson.predict(key, "no scale", choices=("no scale", "no mask"))
    assert said(capsys) == "your guess: no scale"
    lesson.predict(key, "no mask", choices=("no scale", "no mask"))
    assert said(capsys) == "your guess: no scale (the first one stands)"
    lesson.reveal(key, "no mask")
    assert said(capsys) == "the truth: no mask · your guess: no scale, it came out otherwise"


def test_a_guess_is_remembered_by_the_next_process(capsys, monkeypatch):
    lesson.predict("06.where", np.float64(4.5))
    monkeypatch.setattr(lesson, "_here", {"lesson": None, "rows": [], "guesses": {}})
    lesson.reveal("06.where", np.log(100))
    assert said(capsys).splitlines()[-1] == "the truth: 4.61 · your guess: 4.50, right"


def test_a_guess_counts_even_where_the_disk_refuses(capsys, monkeypatch):
    monkeypatch.setattr(progress, "record", lambda event: False)
    lesson.predict("06.where", 4)
    lesson.reveal("06.where", 4.61)
    assert said(capsys).splitlines()[-1] == "the truth: 4.61 · your guess: 4, it came out otherwise"


@pytest.mark.parametrize("key", ["which-bug", "4.bug", "04.", "attention.weights"])
def test_malformed_keys(key):
    with pytest.raises(ValueError, match="a key is"):
        lesson.predict(key, 1)


def test_recall(capsys, monkeypatch):
    asked = Recall(
        "How many nats does a fair coin cost?",
        np.log(2).item(),
        "ln 2, since it has two equal outcomes.",
        {1: "That is in bits."},
        "02_probability",
    )
    monkeypatch.setattr(lesson_04, "RECALL", {"r1": asked})
    lesson.recall("04.r1")
    assert said(capsys).splitlines() == [
        "Question: How many nats does a fair coin cost?",
        "Your answer: none yet. Write it in place of None and run this cell.",
    ]
    lesson.recall("04.r1", 1)
    assert said(capsys).endswith("Your answer: 1. Not yet. That is in bits. Look again at 02_probability.")
    lesson.recall("04.r1", "?")
    assert said(capsys).endswith("Your answer: ?. Not yet. Look again at 02_probability.")
    lesson.recall("04.r1", 0.69)
    assert said(capsys).endswith("Your answer: 0.690. Right: ln 2, since it has two equal outcomes.")
    with pytest.raises(ValueError, match=r"no question '04\.r2'; lesson 04 has: 04\.r1"):
        lesson.recall("04.r2", 1)
    with pytest.raises(ValueError, match="lesson 77 has: none"):
        lesson.recall("77.r2", 1)


@pytest.mark.parametrize(
    ("given", "right", "same"),
    [
        (" Kite ", "kite", True), (1, "1", False), (True, 1, False), (1, True, False),
        ([1, 2.001], (1, 2), True), ([1], (1, 2), False), (0, 0, True), ("a", 1, False),
    ],
)  # fmt: skip
def test_equal(given, right, same):
    assert equal(given, right, 0.01) is same


def test_the_blank(monkeypatch, tmp_path):
    (tmp_path / "runs").mkdir()
    stored = [
        {"lesson": "02", "name": "bigram", "kite": 0.25, "drum": 0.25},
        {"lesson": "04", "name": "attention", "kite": 0.9, "drum": 0.1},
        {"lesson": "08", "name": "heads off", "kite": 0.07, "drum": 0.39},
    ]
    (tmp_path / "runs" / "blank.json").write_text(json.dumps(stored))
    monkeypatch.setattr(lesson, "data_dir", lambda: tmp_path)
    lesson.begin("04")
    line = lesson.blank_row("attention", 0.8123, 0.1)
    assert isinstance(line, Text)
    assert repr(line) == "attention: P(kite) 0.812, P(drum) 0.100"
    lesson.blank_row("attention", 0.9123, 0.05)  # the cell run again
    assert repr(lesson.blank_table()).splitlines() == [
        "lesson  who answers  P(kite)  P(drum)",
        "------  -----------  -------  -------",
        "02      bigram         0.250    0.250",
        "04      attention      0.912   0.0500",
    ]
    for p in (1.5, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            lesson.blank_row("x", p, 0.1)


def test_every_lesson_says_who_it_is():
    for number, about in lesson.lessons().items():
        assert about.number == number
        assert re.fullmatch(r"[a-z_]+", about.name)
        assert about.question.endswith("?")
        assert about.question_zh.endswith("？")
        assert about.core_minutes <= 45
        assert about.exercise_minutes <= 45
