"""The README's commands: each one is run, or read by the program that would run it."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmasos_edu.cli import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, block in BLOCKS if language in ("sh", "bat") for line in block.splitlines()]
INLINE = re.findall(r"`((?:\.venv/bin/)?llmasos-edu [^`]+)`", README)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


def words(command):
    """The command's words, its program without folder: ["llmasos-edu", "fetch", "smollm2"]."""
    program, *rest = shlex.split(command.replace("\\", "/"))
    return [program.split("/")[-1], *rest]


def makefile(*arguments):
    done = subprocess.run(["make", "-n", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_there_are_commands_for_every_way():
    assert [c for c in COMMANDS if c.startswith("make")] == [
        "make lab", "make test", "make wheels WHEELS=stick", "make lab WHEELS=stick",
    ]  # fmt: skip
    for way in ("Linux and macOS:", "Windows", "conda", "Binder", "JupyterHub", "Colab"):
        assert way in README


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_make_knows_its_targets_and_settings(command):
    assert makefile(*words(command)[1:])


@pytest.mark.parametrize("command", sorted({*INLINE, *(c for c in COMMANDS if "llmasos-edu" in c)}))
def test_the_command_line_knows_every_command_and_option(command):
    name, *rest = words(command)[1:]
    options = [word for word in rest if word.startswith("-")]
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert all(option in result.output for option in options)


def test_without_make_the_same_is_run_as_with_it():
    """Each line of the section stands in what `make -n lab` and `make -n test` would run."""
    would = [
        " ".join(words(line))
        for line in makefile("lab", "test", "VENV=.venv-none", "MISSING=all")
        if "/bin/" in line
    ]
    would = [re.sub(r"\s+", " ", line.replace("@", "")) for line in would]
    unix = next(block for language, block in BLOCKS if language == "sh" and "venv .venv" in block)
    tests = next(block for language, block in BLOCKS if language == "sh" and "ruff" in block)
    for line in [*unix.splitlines()[1:], *tests.splitlines()]:
        plain = " ".join(words(line)).replace(" -c constraints.txt", "").replace("notebooks/*.ipynb", "")
        assert any(set(plain.split()) <= set(made.split()) for made in would), f"{line!r} not in\n{would}"


def test_windows_runs_what_linux_runs():
    def of(language, marker):
        block = next(b for kind, b in BLOCKS if kind == language and marker in b)
        return [words(line)[0:1] + words(line)[1:] for line in block.splitlines()]

    linux, windows = of("sh", "venv .venv"), of("bat", "venv .venv")
    assert [line[1:] for line in linux[1:]] == [line[1:] for line in windows[1:]]


def test_extras_and_files_that_are_named_exist():
    for extras in re.findall(r"\[((?:\w+,)+\w+)\]", README):
        assert set(extras.split(",")) <= set(EXTRAS)
    for link in re.findall(r"\]\(([^)h][^)]*)\)", README):
        assert (ROOT / link).exists(), link


def test_the_lesson_map_is_the_lessons():
    rows = re.findall(r"^\| (\d\d) \| `(\w+)` \| (.+) \|$", README, re.MULTILINE)
    from llmasos_edu import lesson

    assert [tuple(r) for r in rows] == [(n, of.name, of.question) for n, of in lesson.lessons().items()]
    for number, name, _ in rows:
        assert (ROOT / "notebooks" / f"{number}_{name}.ipynb").exists()


def test_the_python_command_without_make_makes_an_environment(tmp_path):
    """The first line of "without make", run: an environment whose Python is this one's version."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=tmp_path, check=True)
    version = [".venv/bin/python", "-c", "import sys; print(sys.version_info[:2])"]
    done = subprocess.run(version, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sys.version_info[:2])


def test_contributing_knows_the_rows_and_their_modules():
    from tests.test_layers import ROW_OF

    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for row, cell in re.findall(r"^\| (\d) \| (.+) \|$", text, re.MULTILINE):
        for name in re.findall(r"`(\w+)/?`", cell):
            assert ROW_OF[name] == int(row), f"{name} stands in row {ROW_OF[name]}"
