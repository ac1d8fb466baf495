"""Rows 0 and 1 on every other Python from 3.11 to 3.13 that this machine has, with no torch beside them.

Each gets a small environment, kept inside the one that runs these tests. There it runs the doctests
of the rows' modules and every test file that needs no more than they do.
"""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_layers import NO_TORCH, ROWS

ROOT = Path(__file__).resolve().parent.parent
NEEDS = ["numpy", "regex", "platformdirs", "pytest", "hypothesis"]
MODULES = sorted((ROWS[0] | ROWS[1]) & NO_TORCH)


def python(minor: int) -> str | None:
    """A Python 3.<minor> that answers, or None."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [sys.executable, shutil.which(f"python3.{minor}"), *versions.glob(f"3.{minor}.*/bin/python")]
    for program in map(str, filter(None, found)):
        ask = [program, "-c", "import sys; print(*sys.version_info[:2])"]
        answer = subprocess.run(ask, capture_output=True, text=True, check=False).stdout
        if answer.split() == ["3", str(minor)]:
            return program
    return None


def environment(program: str, minor: int) -> Path:
    """The Python of a small environment with what rows 0 and 1 need, made once."""
    place = Path(sys.prefix) / f"python-3.{minor}"
    here = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp, pins = place / "made", (ROOT / "constraints.txt").read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != pins:
        subprocess.run([program, "-m", "venv", place], check=True)
        install = [here, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", "constraints.txt"]
        done = subprocess.run([*install, *NEEDS], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = f"cannot install for Python 3.{minor}: {done.stderr[-300:]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        stamp.write_text(pins, encoding="utf-8")
    return here


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it; of this package the module's own name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            outer = node.module or ""
            names |= (
                {f"{outer}.{a.name}" for a in node.names} if outer in ("llmasos_edu", "tests") else {outer}
            )
    return names


def light(path: Path) -> bool:
    """Whether a test file needs rows 0 and 1 and `NEEDS` alone."""
    for name in imported(path):
        first, _, rest = name.partition(".")
        if first == "llmasos_edu":
            if rest.split(".")[0] not in MODULES:
                return False
        elif first == "tests":
            if not light(ROOT / "tests" / f"{rest.split('.')[0]}.py"):
                return False
        elif first not in sys.stdlib_module_names and first not in NEEDS:
            return False
    return True


def about_the_package(path: Path) -> bool:
    """Whether a file imports the package at all."""
    return any(name.startswith("llmasos_edu.") for name in imported(path))


TESTS = [p for p in sorted((ROOT / "tests").glob("test_*.py")) if about_the_package(p) and light(p)]


def test_the_rows_are_really_tested():
    tested = {
        name.split(".")[1] for path in TESTS for name in imported(path) if name.startswith("llmasos_edu.")
    }
    assert {"files", "rounding", "tinyworld", "progress", "probability"} <= tested


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_rows_0_and_1(minor):
    if sys.version_info[:2] == (3, minor):
        pytest.skip("the whole suite runs on this one")
    program = python(minor)
    if program is None:
        pytest.skip(f"this machine has no Python 3.{minor}")
    sources = [p for name in MODULES for p in (ROOT / "llmasos_edu").glob(f"{name}*") if p.stem == name]
    options = ["-q", "-x", "-o", "addopts=", "--noconftest", "-p", "no:cacheprovider"]
    command = [environment(program, minor), "-m", "pytest", *options, "--doctest-modules", *sources, *TESTS]
    done = subprocess.run(
        [*command, "--import-mode=importlib"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
