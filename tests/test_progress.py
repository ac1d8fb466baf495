import json
import subprocess
import sys

import pytest

from llmasos_edu import progress


@pytest.fixture(autouse=True)
def empty_state(monkeypatch, tmp_path):
    monkeypatch.setenv("LLMASOS_EDU_STATE", str(tmp_path / "state"))


def test_nothing_yet_is_no_file():
    assert progress.read() == ([], [])
    assert not progress.path().exists()


def test_round_trip_keeps_the_order_and_中文():
    progress.record({"kind": "check", "key": "attention.weights", "passed": True})
    progress.record({"kind": "prediction", "guess": "没有掩码"})
    events, problems = progress.read()
    assert [e["kind"] for e in events] == ["check", "prediction"]
    assert events[1]["guess"] == "没有掩码"
    assert all(e["v"] == progress.VERSION and e["time"].endswith("+00:00") for e in events)
    assert problems == []


WRITER = """
import sys
from llmasos_edu import progress
for i in range(200):
    progress.record({"kind": "check", "who": sys.argv[1], "i": i, "padding": "x" * 3000})
"""


def test_two_notebooks_at_once_lose_nothing():
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, who]) for who in "ab"]
    assert [w.wait() for w in writers] == [0, 0]
    events, problems = progress.read()
    assert problems == []
    for who in "ab":
        assert [e["i"] for e in events if e["who"] == who] == list(range(200))


def test_a_damaged_line_or_one_of_a_newer_version_is_kept_and_told():
    progress.record({"kind": "check", "key": "one"})
    future = json.dumps({"v": progress.VERSION + 1, "kind": "dream"})
    with open(progress.path(), "ab") as f:
        f.write(b"\xff\xfe damaged\n" + future.encode() + b'\n[1]\n{"kind": "old"}\n\n{"kind": "check", "v"')
    progress.record({"kind": "check", "key": "two"})  # closes the line that a crash left open
    events, problems = progress.read()
    assert [e["key"] for e in events] == ["one", "two"]
    assert [(p.line, p.reason.split(";")[0]) for p in problems] == [
        (2, "damaged: not a complete JSON line"),
        (3, "written by a newer version (format 2, this one reads 1)"),
        (4, "damaged: not an event"),
        (5, "damaged: no version"),
        (7, "damaged: not a complete JSON line"),
    ]
    assert problems[1].text == future
    assert future in progress.path().read_text(encoding="utf-8", errors="replace")  # nothing was rewritten


@pytest.mark.parametrize(
    "event", [{}, {"kind": ""}, {"kind": "check", "x": {1}}, {"kind": "c", "x": float("nan")}]
)
def test_what_is_no_event_is_refused(event):
    with pytest.raises(ValueError, match="an event "):
        progress.record(event)


def test_a_disk_that_refuses_stops_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("a file where the folder should be")
    monkeypatch.setenv("LLMASOS_EDU_STATE", str(tmp_path / "file"))
    assert progress.record({"kind": "check"}) is False


def test_the_log_is_the_readers_alone():
    progress.record({"kind": "check"})
    if sys.platform != "win32":
        assert progress.path().stat().st_mode & 0o777 == 0o600
