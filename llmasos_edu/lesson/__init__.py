"""What a lesson calls: begin and end, claims, predictions, recall questions, and the table of the blank.

Each lesson's title line and questions stand in `lesson_NN.py`. What is printed depends on nothing but the
reader's answers: with an empty state folder predictions and questions read "none yet". Nothing leaves the
machine.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import textwrap
from typing import Any

from llmasos_edu import progress
from llmasos_edu.files import data_dir
from llmasos_edu.lesson.about import Lesson, Recall, equal
from llmasos_edu.rounding import Text, number, table

__all__ = [
    "ClaimFailed", "begin", "blank_row", "blank_table", "claim", "end", "lessons", "predict", "recall",
    "reveal",
]  # fmt: skip


class ClaimFailed(AssertionError):
    """A claim of a lesson does not hold on this machine."""


WIDTH = 88  # characters a line: JupyterLab breaks longer ones inside a word
_here: dict[str, Any] = {"lesson": None, "rows": [], "guesses": {}}  # of this process: one notebook


def _say(text: str) -> None:
    print(textwrap.fill(text, WIDTH, break_on_hyphens=False))


def lessons() -> dict[str, Lesson]:
    """All lessons that there are, by number."""
    files = [m.name for m in pkgutil.iter_modules(__path__)]
    numbers = sorted(name.removeprefix("lesson_") for name in files if name.startswith("lesson_"))
    return {n: _module(n).LESSON for n in numbers}


def _module(lesson_number: str) -> Any:
    return importlib.import_module(f"{__name__}.lesson_{lesson_number}")


def begin(number: str) -> None:
    """Start a lesson: prints its question and what it takes.

    Args:
        number: Two digits, such as ``"04"``.

    Raises:
        ValueError: If there is no such lesson; lists what there is.
    """
    known = lessons()
    if number not in known:
        raise ValueError(f"there is no lesson {number!r}; there are {', '.join(known)}")
    about = known[number]
    _here.update(lesson=number, rows=[])
    progress.record({"kind": "begin", "lesson": number})
    print(f"Lesson {number} · {about.question} {about.question_zh}")
    print(
        f"You: {about.core_minutes} minutes, exercises {about.exercise_minutes} more · "
        f"CPU: {_minutes(about.cpu_minutes)} · network: no"
    )


def _minutes(m: int | float) -> str:
    return f"{int(m * 60)} seconds" if m < 1 else f"{m:g} minute{'' if m == 1 else 's'}"


def end() -> None:
    """Close the lesson: prints how its exercises stand, and what comes next.

    Raises:
        RuntimeError: If no lesson has begun.
    """
    about = _about()
    progress.record({"kind": "end", "lesson": about.number})
    passed = {e.get("key") for e in progress.read()[0] if e["kind"] == "check" and e.get("passed")}
    for key in about.exercises:
        print(f"{key}: {'passed' if key in passed else 'not passed yet'}")
    later = [n for n in lessons() if n > about.number]
    print(f"Lesson {about.number} ends here." + (f" Next: {_name(lessons()[later[0]])}" if later else ""))


def _name(about: Lesson) -> str:
    return f"{about.number}_{about.name}: {about.question}"


def _about() -> Lesson:
    if _here["lesson"] is None:
        raise RuntimeError('no lesson has begun: run the first cell, lesson.begin("…")')
    return lessons()[_here["lesson"]]


def claim(what: str, holds: Any) -> None:
    """Print that a claim holds, or stop.

    Args:
        what: The claim in words: "loss under the trigram line".
        holds: A comparison's result; an array or tensor holds if all of it does.

    Raises:
        ClaimFailed: If it does not hold.
        TypeError: If `holds` is no truth value: a number alone claims nothing.
    """
    values = holds.tolist() if hasattr(holds, "tolist") else holds
    flat = _flat(values)
    if not flat or not all(isinstance(v, bool) for v in flat):
        raise TypeError(f"a claim needs True or False, such as loss < 3.1; got {holds!r} for {what!r}")
    if not all(flat):
        raise ClaimFailed(f"does not hold: {what}")
    print(f"holds: {what}")


def _flat(values: Any) -> list[Any]:
    return [v for part in values for v in _flat(part)] if isinstance(values, list | tuple) else [values]


def predict(key: str, guess: Any = None, choices: tuple[Any, ...] | None = None) -> None:
    """Commit to a guess before the lesson shows the truth; the first real one stands.

    Args:
        key: ``"<lesson>.<words>"``, such as ``"04.which-bug-lowers-the-loss"``.
        guess: A number, a text, or a list of them; None for none yet.
        choices: What there is to choose from, if it is a choice.

    Raises:
        ValueError: If the key is malformed.
    """
    _check_key(key)
    offer = f" Choose from: {', '.join(map(_shown, choices))}." if choices else ""
    before = _guess(key)
    guess = guess.item() if hasattr(guess, "item") else guess
    if before is not None:
        _say(f"your guess: {_shown(before)}{'' if guess in (None, before) else ' (the first one stands)'}")
    elif guess is None or guess is ...:
        _say(f"your guess: none yet. Write it in place of None and run this cell.{offer}")
    elif choices and not any(equal(guess, c, 0.0) for c in choices):
        _say(f"your guess: {_shown(guess)} is not one of the choices.{offer}")
    else:
        _here["guesses"][key] = guess
        progress.record({"kind": "prediction", "key": key, "guess": guess})
        _say(f"your guess: {_shown(guess)}")


def reveal(key: str, truth: Any, tolerance: float = 0.1) -> None:
    """Print the truth beside the guess, where there is one.

    Args:
        key: That of the prediction.
        truth: A number or a text.
        tolerance: Relative distance at which a number counts as right.

    Raises:
        ValueError: If the key is malformed.
    """
    _check_key(key)
    truth = truth.item() if hasattr(truth, "item") else truth
    guess = _guess(key)
    if guess is None:
        _say(f"the truth: {_shown(truth)} · your guess: none yet")
    else:
        right = "right" if equal(guess, truth, tolerance) else "it came out otherwise"
        _say(f"the truth: {_shown(truth)} · your guess: {_shown(guess)}, {right}")


def _guess(key: str) -> Any:
    """The reader's first guess: from this process, or from the log."""
    if key in _here["guesses"]:
        return _here["guesses"][key]
    events = progress.read()[0]
    return next((e.get("guess") for e in events if e["kind"] == "prediction" and e.get("key") == key), None)


def _check_key(key: str) -> None:
    lesson, dot, words = key.partition(".")
    if not (len(lesson) == 2 and lesson.isdigit() and dot and words):
        raise ValueError(f'a key is "<lesson>.<words>", such as "04.which-bug"; got {key!r}')


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return number(value) if isinstance(value, int | float) else str(value)


def recall(key: str, answer: Any = None) -> None:
    """Ask a question from an earlier lesson, or check the answer to it.

    Args:
        key: Such as ``"04.r1"``; the questions stand in `lesson_04.py`.
        answer: None prints the question.

    Raises:
        ValueError: If there is no such question; lists what there is.
    """
    asked = _recall(key)
    answer = answer.item() if hasattr(answer, "item") else answer
    _say(f"Question: {asked.question}")
    if answer is None or answer is ...:
        _say("Your answer: none yet. Write it in place of None and run this cell.")
        return
    right = equal(answer, asked.answer, asked.tolerance)
    progress.record({"kind": "recall", "key": key, "right": right})
    if right:
        _say(f"Your answer: {_shown(answer)}. Right: {asked.because}")
    else:
        why = next((w for a, w in asked.wrong.items() if equal(answer, a, asked.tolerance)), "")
        _say(f"Your answer: {_shown(answer)}. Not yet. {why + ' ' if why else ''}Look again at {asked.look}.")


def _recall(key: str) -> Recall:
    _check_key(key)
    lesson, _, name = key.partition(".")
    questions = _module(lesson).RECALL if lesson in lessons() else {}
    if name not in questions:
        known = ", ".join(f"{lesson}.{n}" for n in questions) or "none"
        raise ValueError(f"there is no question {key!r}; lesson {lesson} has: {known}")
    return questions[name]


def blank_row(name: str, p_kite: Any, p_drum: Any) -> Text:
    """Add this lesson's line to the table of the blank: "Mia left the red ___".

    Args:
        name: Who answers: "bigram", "the real LLM".
        p_kite: Its probability of the right word.
        p_drum: Its probability of the other thing.

    Returns:
        The line as text.

    Raises:
        ValueError: If one is no probability.
    """
    about = _about()
    for p in (p_kite, p_drum):
        if not 0 <= p <= 1:
            raise ValueError(f"{name}: a probability lies between 0 and 1; got {p}")
    row = {"lesson": about.number, "name": name, "kite": float(p_kite), "drum": float(p_drum)}
    _here["rows"] = [r for r in _here["rows"] if r["name"] != name] + [row]
    progress.record({"kind": "blank", **row})  # executing a lesson stores it for the later ones
    return Text(f"{name}: P(kite) {number(row['kite'])}, P(drum) {number(row['drum'])}")


def blank_table() -> Text:
    """The table of the blank so far: the stored lines of earlier lessons, then this lesson's.

    Returns:
        A text table, one line a model.
    """
    number_here = _about().number
    stored = [r for r in _stored_rows() if r["lesson"] < number_here]
    rows = [[r["lesson"], r["name"], r["kite"], r["drum"]] for r in [*stored, *_here["rows"]]]
    return Text(table(rows, ["lesson", "who answers", "P(kite)", "P(drum)"]))


def _stored_rows() -> list[dict[str, Any]]:
    path = data_dir() / "runs" / "blank.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
