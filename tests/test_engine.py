"""The engine on a small bank: the mean of the rows of a matrix, and on everything a reader may hand in."""

import contextlib
import copy
import math
import signal
import subprocess
import sys
import threading
import time
import types

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llmasos_edu import exercises, progress
from llmasos_edu.exercises import Exercise, Mistake, Probe, Property, check, running
from llmasos_edu.exercises.comparing import describe, difference
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.lesson_files import execute
from llmasos_edu.rounding import number

from .bank_contract import hold


def mean_of_rows(x, ignore=None):
    """The mean of each row of x (R, C), without the columns that `ignore` (C,) marks."""
    keep = np.ones(x.shape[1], bool) if ignore is None else ~ignore
    return x[:, keep].mean(axis=-1)


def probes():
    return [
        Probe("two rows", (np.array([[1.0, 2.0, 6.0], [4.0, 4.0, 7.0]]),)),
        Probe("two rows, one column left out", (np.array([[1.0, 2.0, 6.0], [4.0, 4.0, 7.0]]),),
              {"ignore": np.array([False, True, False])}),
        Probe("three rows of two", (np.array([[2.0, 4.0], [8.0, 0.5], [1.0, -9.0]]),)),
    ]  # fmt: skip


def stays_in_range(probe, got, expected):
    x = probe.args[0]
    if not (x.min() <= got.min() and got.max() <= x.max()):
        return f"a mean is {number(got.max())}, but the largest value is {number(x.max())}"
    return None


def zeroed(x, ignore=None):
    return np.where(np.zeros(x.shape[1], bool) if ignore is None else ignore, 0, x).mean(axis=-1)


def kept_only(x, ignore=None):
    keep = np.ones(x.shape[1], bool) if ignore is None else ignore
    return x[:, keep].mean(axis=-1)


def summed(x, ignore=None):
    return mean_of_rows(x, ignore) * (x.shape[1] - (0 if ignore is None else ignore.sum()))


def all_columns(x, ignore=None):
    return x.mean(axis=-1)


ROWS = Exercise(
    key="rows.mean",
    task="Write mean_of_rows(x, ignore=None): the mean of each row of x (R, C), shape (R,).",
    reference=mean_of_rows,
    probes=probes,
    properties=(Property("a mean lies between the values", stays_in_range),),
    mistakes=(
        Mistake("sum for mean", "The sum grows with the length of a row.", "What divides?", summed),
        Mistake("left-out values count as zeros", "They pull the mean.", "How are columns left out?", zeroed),
        Mistake("ignore is not used", "Every column counts.", "Where does ignore appear?", all_columns),
        Mistake("ignore is inverted", "It keeps what it should leave out.", "Is a ~ missing?", kept_only),
    ),
    hints=("Which axis runs along a row?", "NumPy's mean takes axis=.", "x[:, ~ignore].mean(axis=…)"),
)


def by_loops(x, ignore=None):
    out = []
    for row in x:
        total = [v for j, v in enumerate(row) if ignore is None or not ignore[j]]
        out.append(sum(total) / len(total))
    return np.array(out)


def masked(x, ignore=None):
    return (
        np.ma.array(x, mask=np.broadcast_to(False if ignore is None else ignore, x.shape)).mean(axis=1).data
    )


def in_float16(x, ignore=None):
    return mean_of_rows(x.astype(np.float16), ignore)


def summed_and_ignored(x, ignore=None):
    return x.sum(axis=-1)


def test_the_bank_holds():
    hold(
        ROWS,
        variants=[by_loops, masked, in_float16, lambda a, ignore=None: mean_of_rows(a, ignore)],
        pairs={("sum for mean", "ignore is not used"): summed_and_ignored},
    )


def test_symptom_with_numbers_comes_before_the_name():
    result = diagnose(ROWS.mistakes[0].wrong, ROWS)
    assert str(result).splitlines() == [
        "Not yet: rows.mean",
        '  What shows: on "two rows", a mean is 15.0, but the largest value is 7.00.',
        "  Looks like: sum for mean",
        "  Why:        The sum grows with the length of a row.",
        "  Where:      What divides?",
        '  For a hint: check.hint("rows.mean")',
    ]


def test_an_unknown_mistake_gets_the_symptom_alone():
    result = diagnose(lambda x, ignore=None: np.median(x, axis=-1), ROWS)
    assert result.symptom == 'on "two rows", at [0] got 2.00, expected 3.00 (2 of 2 values differ).'
    assert result.mistakes == ()


def test_mistakes_that_no_probe_tells_apart_are_named_together():
    twin = Mistake("the same in other words", "Why not.", "Here.", ROWS.mistakes[2].wrong)
    two = Exercise(**{**vars(ROWS), "mistakes": (*ROWS.mistakes, twin)})
    result = diagnose(lambda x, ignore=None: x.mean(-1), two)
    assert [m.name for m in result.mistakes] == ["ignore is not used", "the same in other words"]
    assert "Looks like: ignore is not used — or: the same in other words" in str(result)


def test_errors_alone_name_nothing():
    raising = Mistake("raises always", "Why.", "Where.", lambda x, ignore=None: x.no_such_thing)
    bank = Exercise(**{**vars(ROWS), "mistakes": (raising,)})
    assert diagnose(lambda x, ignore=None: x.another_name, bank).mistakes == ()


def test_an_error_on_one_probe_is_part_of_the_signature():
    def no_mask(x, ignore=None):
        if ignore is not None:
            raise IndexError("boolean index did not match")
        return x.mean(-1)

    bank = Exercise(**{**vars(ROWS), "mistakes": (Mistake("mask misread", "Why.", "Where.", no_mask),)})
    result = diagnose(no_mask, bank)
    line = no_mask.__code__.co_firstlineno + 2
    assert result.symptom == (
        'on "two rows, one column left out", it raised IndexError: boolean index did not match, '
        f'at line {line}, `raise IndexError("boolean index did not match")`. '
        "It was given x (2, 3), ignore (3,)."
    )
    assert [m.name for m in result.mistakes] == ["mask misread"]


# --- what a reader may hand in --------------------------------------------------------------------


def stub_not_implemented(x, ignore=None):
    raise NotImplementedError


def stub_pass(x, ignore=None):
    """The docstring stays."""
    pass


def stub_in_the_middle(x, ignore=None):
    keep = ...
    return keep / 2


@pytest.mark.parametrize(
    "stub",
    [
        stub_not_implemented, stub_pass, stub_in_the_middle, lambda x, ignore=None: ...,
        lambda x, ignore=None: np.exp(...), lambda x, ignore=None: torch.softmax(..., dim=-1),
    ],
)  # fmt: skip
def test_a_stub_is_not_attempted_yet(stub):
    result = diagnose(stub, ROWS)
    assert result.status == "not attempted yet"
    assert "First hint: Which axis runs along a row?" in str(result)
    assert "To do:      Write mean_of_rows(x, ignore=None)" in str(result)


def forgot_return(x, ignore=None):
    x.mean(axis=-1)


def generator(x, ignore=None):
    yield x.mean()


ARRAY = "a NumPy array of shape (2,), float64"


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (np.ones(3), "check got a NumPy array of shape (3,), float64, not a function."),
        (3.5, "check got the number 3.50, not a function."),
        (lambda: 1, "your function takes (), the exercise needs (x, ignore=None): too many positional"),
        (
            lambda x: x.mean(-1),
            "your function takes (x), the exercise needs (x, ignore=None): got an unexpected",
        ),
        (forgot_return, "got None: does every way through the function end in a return?"),
        (lambda x, ignore=None: x.mean(-1).tolist(), f"got a list of 2 items, expected {ARRAY}: np.array("),
        (
            lambda x, ignore=None: torch.tensor(x).mean(-1),
            f"got a torch tensor of shape (2,), float64, expected {ARRAY}: tensor.numpy() makes one.",
        ),
        (lambda x, ignore=None: x.mean(), f"got the number 4.00, expected {ARRAY}: is an axis missing"),
        (lambda x, ignore=None: x.mean(0), "got shape (3,), expected (2,)."),
        (lambda x, ignore=None: x.mean(-1) > 3, "got values of type bool, expected float64."),
        (lambda x, ignore=None: x.mean(-1).astype(str), "got values of type <U32, expected float64."),
        (generator, f"got a generator, expected {ARRAY}."),
        (
            lambda x, ignore=None: x.mean(-1) * np.nan,
            "2 of 2 values are not finite, the first at [0] is NaN.",
        ),
        (lambda x, ignore=None: sys.exit(3), "it raised SystemExit: 3"),
    ],
)
def test_what_comes_back_wrong_is_told_in_a_sentence(function, told):
    result = diagnose(function, ROWS)
    assert result.status == "not yet"
    assert result.symptom.removeprefix('on "two rows", ').startswith(told)


def test_an_input_changed_in_place():
    def in_place(x, ignore=None):
        right = mean_of_rows(x, ignore)
        x -= 1
        return right

    result = diagnose(in_place, ROWS)
    assert result.symptom == (
        'on "two rows", it changed its input x. After the call: at [0, 0] got 0, expected 1.00 '
        "(6 of 6 values differ)."
    )
    assert [m.name for m in result.mistakes] == ["an input is changed in place"]


def test_two_calls_that_differ():
    drawn = np.random.default_rng(0)
    calls = []

    def unsteady(x, ignore=None):
        calls.append(1)
        return mean_of_rows(x, ignore) + (drawn.normal() if len(calls) > 3 else 0)

    assert [m.name for m in diagnose(unsteady, ROWS).mistakes] == ["two equal calls give two results"]


def test_prints_and_warnings_are_caught_and_told(capsys, recwarn):
    def noisy(x, ignore=None):
        print("looking at", x.shape)
        print("oh", file=sys.stderr)
        np.log(np.zeros(1))
        return mean_of_rows(x, ignore)

    result = diagnose(noisy, ROWS)
    assert result.passed
    assert result.notes == (
        "It printed while it ran, first: looking at (2, 3)",
        "There was a warning: divide by zero encountered in log",
    )
    assert capsys.readouterr() == ("", "")
    assert not recwarn.list


# --- endless loops --------------------------------------------------------------------------------


def spin(x, ignore=None):
    while True:
        pass


def spin_and_swallow_exceptions(x, ignore=None):
    while True:
        with contextlib.suppress(Exception):
            sum(range(100))


def spin_and_swallow_all(x, ignore=None):
    tries = 0
    while tries < 3:  # a loop that swallows everything needs more than one interrupt
        try:
            while True:
                sum(range(100))
        except:  # noqa: E722
            tries += 1
    while True:
        sum(range(100))


def spin_in_torch(x, ignore=None):
    t = torch.ones(50, 50)
    while True:
        t = t @ t


def spin_and_print(x, ignore=None):
    while True:
        print("again " * 100)


@pytest.mark.parametrize(
    "endless", [spin, spin_and_swallow_exceptions, spin_and_swallow_all, spin_in_torch, spin_and_print]
)
def test_an_endless_loop_is_ended_and_told(endless):
    result = diagnose(endless, ROWS, seconds=0.2)
    assert 'on "two rows", it was still running after 0.2 seconds, at line' in result.symptom
    assert result.symptom.endswith("Is there a loop whose end is never reached?")
    assert result.mistakes == ()


def test_a_call_that_cannot_be_stopped_is_told_so():
    result = diagnose(lambda x, ignore=None: time.sleep(1.3), ROWS, seconds=0.1)
    assert "still running after 0.1 seconds" in result.symptom
    assert "can be stopped only when it comes back" in result.symptom


def test_the_limit_is_for_all_probes_together():
    def slow(x, ignore=None):
        time.sleep(0.15)
        return mean_of_rows(x, ignore)

    assert "still running" in diagnose(slow, ROWS, seconds=0.2).symptom


def test_no_interrupt_leaks_out_of_the_limit():
    def until_about_the_limit(end):
        while time.perf_counter() < end:
            pass

    before = signal.getsignal(signal.SIGINT)
    ended = set()
    for i in range(300):
        end = time.perf_counter() + 0.002 + (i - 150) * 1e-6
        ran = running.run(until_about_the_limit, [((end,), {})], seconds=0.002)
        ended.add(type(ran.outcomes[0].error))
    time.sleep(3 * running.AGAIN)  # a leaked interrupt would come now
    assert ended <= {type(None), running.TimeUp}
    assert signal.getsignal(signal.SIGINT) is before


SPINNING = """
import time
from llmasos_edu.exercises import Exercise, Probe
from llmasos_edu.exercises.diagnosing import diagnose
nothing = Exercise("a.b", "t", lambda x: x, lambda: [Probe("one", (1,))], hints=("", "", ""))
def spin(x):
    while True:
        try: sum(range(100))
        except Exception: pass
print("still running after 0.3 seconds" in diagnose(spin, nothing, seconds=0.3).symptom)
"""


def test_in_a_terminal_the_loop_ends_and_what_follows_runs():
    code = SPINNING + "\ntime.sleep(0.3)\nprint('alive')\n"
    for how in (["-c", code], ["-i", "-q", "-c", code]):
        done = subprocess.run(
            [sys.executable, *how], input="1 + 1\n", capture_output=True, text=True, timeout=60
        )
        assert done.stdout.startswith("True\nalive\n"), done.stderr
        assert "KeyboardInterrupt" not in done.stderr


def test_in_a_kernel_the_loop_ends_and_the_next_cell_runs(tmp_path):
    cells = [
        nbformat.v4.new_code_cell(SPINNING.replace("print", "assert "), id="spin"),
        nbformat.v4.new_code_cell("time.sleep(0.3)", id="next"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "spin.ipynb")
    execute(tmp_path / "spin.ipynb", write=False)


def test_a_call_that_fails_only_the_second_time():
    calls = []

    def tired(x, ignore=None):
        calls.append(1)
        if len(calls) > 3:
            raise RuntimeError("again?")
        return mean_of_rows(x, ignore)

    symptom = diagnose(tired, ROWS).symptom
    assert symptom.startswith('the first call went well; when called again, on "two rows", it raised Runt')


def test_the_readers_own_ctrl_c_passes_through():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        diagnose(lambda x, ignore=None: signal.raise_signal(signal.SIGINT), ROWS)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_there_is_no_limit_but_an_answer():
    answers = []
    thread = threading.Thread(target=lambda: answers.append(diagnose(mean_of_rows, ROWS)))
    thread.start()
    thread.join()
    assert answers[0].passed


# --- check, hint, solution ------------------------------------------------------------------------


@pytest.fixture
def rows_bank(monkeypatch, tmp_path):
    bank = types.ModuleType("llmasos_edu.exercises.rows")
    bank.EXERCISES = [ROWS]
    monkeypatch.setitem(sys.modules, bank.__name__, bank)
    monkeypatch.setattr(exercises, "topics", lambda: ["attention", "rows"])
    monkeypatch.setattr(check, "_hints_given", {})
    monkeypatch.setenv("LLMASOS_EDU_STATE", str(tmp_path))


def test_check_records_and_answers(rows_bank):
    assert check(mean_of_rows, "rows.mean").passed
    check(zeroed, "rows.mean")
    check(stub_pass, "rows.mean")  # not an attempt
    events, problems = progress.read()
    assert problems == []
    assert [(e["kind"], e["key"], e["passed"], e["mistakes"]) for e in events] == [
        ("check", "rows.mean", True, []),
        ("check", "rows.mean", False, ["left-out values count as zeros"]),
    ]


def test_hints_come_one_by_one(rows_bank):
    assert [check.hint("rows.mean")[:26] for _ in range(4)] == [
        "Hint 1 of 3: Which axis ru", "Hint 2 of 3: NumPy's mean ", "Hint 3 of 3: x[:, ~ignore]",
        "Hint 1 of 3: Which axis ru",
    ]  # fmt: skip


def test_the_solution_is_the_live_source(rows_bank):
    assert repr(check.solution("rows.mean")).startswith("def mean_of_rows(x, ignore=None):\n")


def test_unknown_keys_list_what_exists(rows_bank):
    with pytest.raises(
        ValueError, match=r"'rows.maen': did you mean 'rows.mean'\? The exercises are: rows.mean."
    ):
        check(mean_of_rows, "rows.maen")
    with pytest.raises(
        ValueError, match=r"'row.mean': did you mean 'rows'\? The topics are: attention, rows."
    ):
        check.hint("row.mean")
    with pytest.raises(TypeError, match="named by text"):
        check(mean_of_rows, 4)


def test_swapped_arguments_are_understood(rows_bank):
    assert check("rows.mean", mean_of_rows).passed


def test_html_says_the_same_and_escapes():
    def angry(x, ignore=None):
        raise ValueError("<script>alert(1)</script>")

    result = diagnose(angry, ROWS)
    html = result._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    for label, _ in result.lines():
        assert f"<b>{label}:</b>" in html
    assert result._repr_html_() == diagnose(angry, ROWS)._repr_html_()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"key": "rows"}, 'must be "topic.what"'),
        ({"hints": ("one",)}, "must have 3 hints"),
        ({"mistakes": (ROWS.mistakes[0], ROWS.mistakes[0])}, "two mistakes of one name"),
    ],
)
def test_a_malformed_exercise_is_refused(change, told):
    with pytest.raises(ValueError, match=told):
        Exercise(**{**vars(ROWS), **change})


# --- comparing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "expected", "told"),
    [
        ((1, 2), [1, 2], None),
        ([1, 2], [1, 2, 3], "got 2 items, expected 3"),
        ([1, 5, 3], [1, 2, 3], "item 1: got 5, expected 2"),
        ({"a": 0.1}, {"a": 0.1, "b": 1}, "got 1 keys, expected 2: 'b' is missing"),
        ({"a": 0.1, "c": 1}, {"a": 0.1}, "got 2 keys, expected 1: 'c' should not be there"),
        ({"a": 0.1}, {"a": 0.2}, "for 'a': got 0.100, expected 0.200"),
        ("ab", "abc", "got 'ab', expected 'abc'"),
        (b"ab", "ab", "got the bytes b'ab', expected the text 'ab'"),
        (np.float32(0.1), 0.1, None),
        (torch.tensor(0.1), 0.1, None),
        (torch.ones(2, dtype=torch.bfloat16) / 3, torch.ones(2) / 3, None),
        (0.5000004, 0.5, "got 0.5000004, expected 0.5000000"),
        ({1}, {1, 2}, "got {1}, expected {1, 2}"),
        (np.array([1, 2]), [1, 2], "got a NumPy array of shape (2,), int64, expected a list of 2 items: "
                                   "array.tolist() makes one"),
        ((np.ones(2), np.ones(3)), (np.ones(2), np.ones(4)), "item 1: got shape (3,), expected (4,)"),
        (np.array([np.inf, np.nan]), np.array([np.inf, np.nan]), None),
        (2 + 1j, 2 + 2j, "got (2+1j), expected (2+2j)"),
    ],
)  # fmt: skip
def test_difference(got, expected, told):
    assert difference(got, expected, 1e-8) == told


def test_describe():
    assert describe(True) == "True"
    assert describe(None) == "None"
    assert describe(["a"]) == "a list of 1 item"
    assert describe("x" * 100).endswith("…")


numbers_ = st.floats(-100, 100) | st.integers(-100, 100)
arrays = st.lists(st.floats(-100, 100), min_size=1, max_size=4).map(np.array)
values = st.recursive(
    numbers_ | arrays | st.text(max_size=3) | st.binary(max_size=3) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(values)
def test_a_copy_never_differs(value):
    assert difference(copy.deepcopy(value), value, 0.0) is None
    assert difference(value, value, math.inf) is None


@given(arrays, st.integers(0, 3), st.floats(0.01, 10))
def test_a_changed_number_is_told_with_its_place(array, place, by):
    place %= len(array)
    other = array.copy()
    other[place] += by
    assert f"at [{place}] got " in difference(other, array, 1e-6)
