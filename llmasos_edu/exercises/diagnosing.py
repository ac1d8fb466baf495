"""Finding the mistake: the symptom with its numbers first, then the mistake's name, if only one thing fits.

The reader's function and every entry of the bank run on the same probes. An entry is named where it agrees
with the reader on all of them, values and errors alike; errors alone name nothing.
"""

from __future__ import annotations

import dis
import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from llmasos_edu.exercises.comparing import describe, difference, has_evidence, not_finite
from llmasos_edu.exercises.engine import Exercise, Probe
from llmasos_edu.exercises.results import Named, Result
from llmasos_edu.exercises.running import Outcome, Ran, TimeUp, run

__all__ = ["diagnose"]

SECONDS = 5.0  # for all probes together

IN_PLACE = Named(
    "an input is changed in place",
    why="The caller still holds that object and goes on with the changed values.",
    where="Look for +=, *=, x[…] = …, .sort(), or a torch name that ends in _; work on a copy.",
)
UNSTEADY = Named(
    "two equal calls give two results",
    why="Something is drawn or remembered between calls, such as dropout left on or a changed global.",
    where="Look for what the function uses besides its arguments.",
)


def diagnose(function: Any, exercise: Exercise, seconds: float = SECONDS) -> Result:
    """Run a function on an exercise's probes and say what it shows.

    Args:
        function: The reader's.
        exercise: From a bank.
        seconds: For all calls of the reader's function together.

    Returns:
        Passed, not attempted yet, or not yet with symptom, names and notes.
    """
    probes = list(exercise.probes())
    told = _not_callable(function, exercise, probes)
    if told:
        return Result(exercise.key, "not yet", symptom=told)
    calls = list(probes)
    if exercise.repeatable:
        calls.append(exercise.probes()[0])  # the first once more: the same again?
    ran = run(function, [(p.args, dict(p.kwargs)) for p in calls], seconds)
    if _is_stub(function, ran):
        return Result(exercise.key, "not attempted yet", task=exercise.task, hint=exercise.hints[0])
    ordinary = sum(not p.edge for p in probes)
    for stage in (ordinary, len(probes)):  # the edges once the rest is right
        symptom = _error(exercise, probes[:stage], ran, seconds) or _wrong_value(
            exercise, probes[:stage], ran
        )
        if symptom:
            named = _matching(exercise, ran.outcomes[:stage])
            return Result(exercise.key, "not yet", symptom, named, _notes(ran))
    symptom, conduct = _conduct(exercise, probes, ran)
    if symptom:
        return Result(exercise.key, "not yet", symptom, (conduct,), _notes(ran))
    return Result(exercise.key, "passed", notes=_notes(ran), probes=tuple(p.name for p in probes))


def _not_callable(function: Any, exercise: Exercise, probes: Sequence[Probe]) -> str | None:
    """What keeps the function from being called at all, in a sentence."""
    if not callable(function):
        return (
            f"check got {describe(function)}, not a function. Give it the function itself, "
            f'without a call: check(my_function, "{exercise.key}").'
        )
    try:
        takes = inspect.signature(function)
    except (TypeError, ValueError):
        return None  # written in C: only calling it will tell
    for probe in probes:
        try:
            takes.bind(*probe.args, **probe.kwargs)
        except TypeError as e:
            wanted = inspect.signature(exercise.reference)
            return f"your function takes {_plain(takes)}, the exercise needs {_plain(wanted)}: {e}."
    return None


def _plain(signature: inspect.Signature) -> str:
    """A signature without annotations: "(q, k, mask=None)"."""
    empty = inspect.Parameter.empty
    bare = [p.replace(annotation=empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def _is_stub(function: Callable[..., Any], ran: Ran) -> bool:
    """Whether the function still is what the lesson gave: nothing filled in."""
    first = ran.outcomes[0]
    if first.error is not None:  # a `...` left in the middle shows itself in the message of an error
        return isinstance(first.error, NotImplementedError) or "ellipsis" in str(first.error)
    if first.value is None:
        code = getattr(function, "__code__", None)
        names = {i.opname for i in dis.get_instructions(code)} if code else {"unknown"}
        return names <= {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return first.value is ...


def _error(exercise: Exercise, probes: Sequence[Probe], ran: Ran, seconds: float) -> str | None:
    """The first call that raised or never came back, in a sentence."""
    for probe, outcome in zip(probes, ran.outcomes, strict=False):
        error = outcome.error
        if error is None:
            continue
        at = f", at {outcome.line}" if outcome.line else ""
        if isinstance(error, TimeUp):
            return (
                f'on "{probe.name}", it was still running after {seconds:g} seconds{at}. '
                f"Is there a loop whose end is never reached?{_outlasted(ran, seconds)}"
            )
        message = (str(error).strip().splitlines() or ["no message"])[0]
        shapes = _shapes(exercise, probe)
        return f'on "{probe.name}", it raised {type(error).__name__}: {message[:160]}{at}.{shapes}'
    return None


def _outlasted(ran: Ran, seconds: float) -> str:
    """What is to be said where one call could not be stopped at the limit."""
    if ran.seconds < seconds + 1:
        return ""
    return (
        f" It ended only after {ran.seconds:.0f} seconds: one call of a library (NumPy, torch, time.sleep) "
        "can be stopped only when it comes back."
    )


def _shapes(exercise: Exercise, probe: Probe) -> str:
    """The shapes that went in, since most errors in array code are about them."""
    given = {**dict(zip(_parameters(exercise.reference), probe.args, strict=False)), **probe.kwargs}
    shaped = [f"{name} {tuple(x.shape)}" for name, x in given.items() if hasattr(x, "shape")]
    return f" It was given {', '.join(shaped)}." if shaped else ""


def _wrong_value(exercise: Exercise, probes: Sequence[Probe], ran: Ran) -> str | None:
    """What is wrong about the results: kind and shape, then finiteness, the properties, the values."""
    truth = [_quietly(exercise.reference, p) for p in exercise.probes()]
    probes = exercise.probes()[: len(probes)]  # as they were: the reader may have changed the others in place

    def same_kind(probe: Probe, got: Any, expected: Any) -> str | None:
        if got is None and expected is not None:
            return "got None: does every way through the function end in a return?"
        return difference(got, expected, math.inf)

    def same_values(probe: Probe, got: Any, expected: Any) -> str | None:
        return difference(got, expected, exercise.tolerance)

    def finite(probe: Probe, got: Any, expected: Any) -> str | None:
        return not_finite(got, expected)

    for test in (same_kind, finite, *(p.test for p in exercise.properties), same_values):
        for probe, outcome, true in zip(probes, ran.outcomes, truth, strict=False):
            with suppress(Exception):  # a property that cannot judge a strange result says nothing
                told = test(probe, outcome.value, true.value)
                if told:
                    return f'on "{probe.name}", {told if told[-1] in ".?" else told + "."}'
    return None


def _conduct(exercise: Exercise, probes: Sequence[Probe], ran: Ran) -> tuple[str | None, Named]:
    """A right result that comes with a change of an input, or that is another the next time."""
    names = _parameters(exercise.reference)
    for probe, before in zip(probes, exercise.probes(), strict=True):
        was = {**dict(zip(names, before.args, strict=False)), **before.kwargs}
        now = {**dict(zip(names, probe.args, strict=False)), **probe.kwargs}
        for name in was:
            with suppress(Exception):
                told = difference(now[name], was[name], 0.0)
                if told:
                    return (
                        f'on "{probe.name}", it changed its input {name}. After the call: {told}.',
                        IN_PLACE,
                    )
    if exercise.repeatable:
        again = _error(exercise, [probes[0]], Ran(ran.outcomes[len(probes) :]), SECONDS)
        if again:
            return f"the first call went well; when called again, {again}", UNSTEADY
        told = difference(ran.outcomes[-1].value, ran.outcomes[0].value, exercise.tolerance)
        if told:
            return f'called twice on "{probes[0].name}", the second result is another: {told}.', UNSTEADY
    return None, IN_PLACE


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def _matching(exercise: Exercise, outcomes: Sequence[Outcome]) -> tuple[Named, ...]:
    """The mistakes whose results agree with these on every probe; none on the word of errors alone."""
    if any(isinstance(o.error, TimeUp) for o in outcomes):
        return ()
    if not any(o.error is None and has_evidence(o.value) for o in outcomes):
        return ()

    def agrees(wrong: Callable[..., Any]) -> bool:
        calls = zip(outcomes, exercise.probes(), strict=False)
        return all(_same(outcome, _quietly(wrong, probe), exercise.tolerance) for outcome, probe in calls)

    found = [m for m in exercise.mistakes if any(map(agrees, m.ways))]
    return tuple(Named(m.name, m.why, m.where) for m in found)


def _same(a: Outcome, b: Outcome, tolerance: float) -> bool:
    if a.error is not None or b.error is not None:
        return type(a.error) is type(b.error)
    try:
        return difference(a.value, b.value, tolerance) is None
    except Exception:
        return False


def _quietly(function: Callable[..., Any], probe: Probe) -> Outcome:
    """One call of a bank's own function: its error is an outcome, its warnings are of no interest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Outcome(value=function(*probe.args, **dict(probe.kwargs)))
        except Exception as e:
            return Outcome(error=e)


def _notes(ran: Ran) -> tuple[str, ...]:
    """What else the reader may want to know: prints and warnings, a sentence each."""
    notes = []
    if ran.printed.strip():
        lines = ran.printed.strip().splitlines()
        notes.append(f"It printed while it ran, first: {lines[0][:60]}")
    if ran.warned:
        notes.append(f"There was a warning: {ran.warned[0].splitlines()[0][:120]}")
    return tuple(notes)
