"""What every exercise bank must hold; a bank's own test calls `hold` with its variants and pairs.

@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])
"""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from llmasos_edu.exercises.comparing import difference
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.engine import Exercise


def hold(
    exercise: Exercise,
    variants: Sequence[Callable],
    pairs: Mapping[tuple[str, str], Callable] | None = None,
) -> None:
    """Assert that a bank does what it promises.

    Args:
        exercise: The exercise.
        variants: At least three right but unusual answers (other dtype, loops, another order of steps).
        pairs: Functions with two of the mistakes at once, by the two names: refused, and never misnamed.
    """
    assert len(exercise.mistakes) >= 4, "a bank needs at least four mistakes that people really make"
    assert len(variants) >= 3, "show at least three right but unusual answers"
    _texts_are_short(exercise)
    _probes_are_fresh(exercise)
    for right in (exercise.reference, *variants):
        result = _check(right, exercise)
        assert result.passed, f"a right answer is refused: {right}\n{result}"
    _properties_can_judge(exercise)
    for mistake, wrong in [(m, way) for m in exercise.mistakes for way in m.ways]:
        result = _check(wrong, exercise)
        assert result.status == "not yet", f"{mistake.name!r} passes: no probe shows it\n{result}"
        named = [m.name for m in result.mistakes]
        assert named == [mistake.name], (
            f"{mistake.name!r} is named {named}: tell them apart, or make one entry"
        )
    for names, wrong in (pairs or {}).items():
        result = _check(wrong, exercise)
        assert result.status == "not yet", f"{names} together pass\n{result}"
        assert {m.name for m in result.mistakes} <= set(names), f"{names} together are misnamed\n{result}"


def _check(function: Callable, exercise: Exercise):
    """The diagnosis, within one second of this process's own time, whatever else the machine does.

    One that took longer gets a second try: the first may have imported a library.
    """
    for _ in range(2):
        start = time.process_time()
        result = diagnose(function, exercise)
        if time.process_time() - start < 1:
            return result
    raise AssertionError(f"{exercise.key} takes more than a second to check")


def _texts_are_short(exercise: Exercise) -> None:
    assert exercise.task.strip()
    for mistake in exercise.mistakes:
        assert len(mistake.name) <= 70, f"a name is a few words: {mistake.name!r}"
        for text in (mistake.why, mistake.where):
            assert 0 < len(text) <= 200, f"one line each, {mistake.name!r}: {text!r}"
            assert "\n" not in text, f"one line each, {mistake.name!r}: {text!r}"


def _probes_are_fresh(exercise: Exercise) -> None:
    first, second = exercise.probes(), exercise.probes()
    assert len({p.name for p in first}) == len(first), "each probe has a name of its own"
    for a, b in zip(first, second, strict=True):
        for x, y in zip([*a.args, *a.kwargs.values()], [*b.args, *b.kwargs.values()], strict=True):
            if isinstance(x, np.ndarray):
                assert not np.shares_memory(x, y), f"{a.name}: probes() must make its arrays anew each time"
            if isinstance(x, np.ndarray | list | tuple | dict | str | int | float):
                assert difference(x, y, 0.0) is None, f"{a.name}: probes() must make the same each time"


def _properties_can_judge(exercise: Exercise) -> None:
    """No property raises on, or accuses, the reference; each refuses at least one thing or is of no use."""
    for probe in exercise.probes():
        truth = exercise.reference(*probe.args, **dict(probe.kwargs))
        for prop in exercise.properties:
            told = prop.test(probe, truth, truth)
            assert told is None, f"{prop.name!r} accuses the reference on {probe.name!r}: {told}"
