"""Executing, copying and comparing small notebooks in real kernels."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from llmasos_edu import lesson_files
from llmasos_edu.contract import check_notebook
from llmasos_edu.lesson_files import executing


def notebook(path, *cells):
    nb = new_notebook(cells=list(cells))
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nb, path)
    return path


def cell(name, source, *tags, **metadata):
    return new_code_cell(source, id=name, metadata={**({"tags": list(tags)} if tags else {}), **metadata})


LESSON = (
    new_markdown_cell("## Idea", id="idea", metadata={"tags": ["concept"]}),
    cell("begin", "from llmasos_edu import lesson, plots\nlesson.begin('04')"),
    cell("numbers", "for i in range(3):\n    print(i, flush=True)"),
    cell("draw", "plots.bars(['a', 'b'], [1.0, 2.0], title='two bars')"),
    cell("widget", "import ipywidgets\nipywidgets.IntSlider(3)"),
    cell(
        "clock", "import time\nprint(time.perf_counter())\nlesson.claim('late', True)", "nbval-ignore-output"
    ),
    cell("predict", "lesson.predict('04.x', None)"),
    cell("row", "lesson.blank_row('made up', 0.123456, 0.25)\nlesson.blank_table()"),
    cell("claim", "lesson.claim('it holds', 1 < 2)"),
    cell("log", "import os\nos.environ['TQDM_DISABLE'], os.environ['OMP_NUM_THREADS']"),
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A lesson, executed twice; the data folder is a temporary one."""
    folder = tmp_path_factory.mktemp("lessons")
    path = notebook(folder / "notebooks" / "04_made_up.ipynb", *LESSON)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executing, "data_dir", lambda: folder / "data")
        patch.setattr(executing, "repo_root", lambda: folder)
        assert lesson_files.execute(path) is True
        first = path.read_bytes()
        assert lesson_files.execute(path) is False
    assert path.read_bytes() == first
    return folder, path


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def outputs(path, name):
    return next(c for c in nbformat.read(path, as_version=4).cells if c.id == name).outputs


def test_a_second_run_leaves_no_diff_and_the_file_holds_its_contract(executed):
    assert check_notebook(executed[1]) == []


def test_outputs_are_what_a_reader_without_history_sees(executed):
    path = executed[1]
    assert outputs(path, "numbers") == [{"output_type": "stream", "name": "stdout", "text": "0\n1\n2\n"}]
    assert "none yet" in outputs(path, "predict")[0].text
    assert (
        outputs(path, "draw")[0].metadata["image/png"]["alt"] == "Bars: two bars. The longest is b, P 2.00."
    )
    assert list(outputs(path, "widget")[0].data) == ["text/plain"]
    assert outputs(path, "log")[0].data["text/plain"] == "('1', '1')"


def test_the_lines_of_the_blank_are_stored(executed):
    stored = json.loads((executed[0] / "data" / "runs" / "blank.json").read_text())
    assert stored == [{"lesson": "04", "name": "made up", "kite": 0.1235, "drum": 0.25}]


def test_a_kept_output_is_renewed_when_its_source_changes_or_when_asked(tmp_path):
    clock = "import time\ntime.perf_counter()"
    path = notebook(tmp_path / "clock.ipynb", cell("clock", clock, "nbval-ignore-output"))
    seen = []
    for everything in (False, False, True):
        lesson_files.execute(path, everything=everything)
        seen.append(outputs(path, "clock")[0].data["text/plain"])
    replace(path, "import time\\n", "import time as time\\n")
    lesson_files.execute(path)
    seen.append(outputs(path, "clock")[0].data["text/plain"])
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


def test_comparing_agrees_with_what_was_stored_and_tells_a_difference(executed, tmp_path, capfd):
    same, other = tmp_path / "same.ipynb", tmp_path / "other.ipynb"
    for path in (same, other):
        path.write_bytes(executed[1].read_bytes())
    replace(other, '"2\\n"', '"7\\n"')
    assert lesson_files.compare([str(same), str(other)], ["-n", "0"]) == 1
    told = capfd.readouterr().out
    assert "1 failed, 17 passed" in told
    assert "other.ipynb::Cell 1" in told


def test_a_failing_cell_is_named_and_the_file_stays_as_it_was(tmp_path):
    path = notebook(tmp_path / "bad.ipynb", cell("fine", "1"), cell("boom", "1 / 0"))
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match=r"bad\.ipynb, cell boom: ZeroDivisionError: division by zero"):
        lesson_files.execute(path)
    assert path.read_bytes() == before


REACH = """
import socket, urllib.request
server = socket.create_server(("127.0.0.1", 0))
with socket.create_connection(server.getsockname()): pass
with socket.create_connection(("localhost", server.getsockname()[1])): pass
for reach in (
    lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
    lambda: socket.socket().connect_ex(("192.0.2.1", 80)),
    lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    lambda: socket.getaddrinfo("example.org", 80),
    lambda: urllib.request.urlopen("http://example.org", timeout=1),
):
    try:
        reach()
    except OSError as e:
        assert "beyond this machine" in str(e), e
    else:
        raise AssertionError("a connection left the machine")
"""


def test_no_connection_leaves_the_machine(tmp_path):
    """192.0.2.0/24 and 2001:db8::/32 are reserved for documentation (RFC 5737, RFC 3849): nobody is there."""
    path = notebook(tmp_path / "reach.ipynb", cell("reach", REACH))
    lesson_files.execute(path, write=False)


def test_the_real_llm_can_be_hidden_and_is_asked_for_before_storing(tmp_path, monkeypatch):
    asks = "from llmasos_edu import real_llm\nassert not real_llm.present()"
    path = notebook(tmp_path / "asks.ipynb", cell("ask", asks, "real-llm"))
    assert lesson_files.execute(path, hide_real_llm=True, write=False) is False
    monkeypatch.setenv("LLMASOS_EDU_CACHE", str(tmp_path / "nothing"))
    with pytest.raises(
        RuntimeError, match=r"asks the real LLM, which is not here: llmasos-edu fetch smollm2"
    ):
        lesson_files.execute(path)


def test_without_the_real_llm_a_comparison_skips_with_the_reason_but_not_in_ci(tmp_path, monkeypatch, capsys):
    path = notebook(tmp_path / "asks.ipynb", cell("ask", "1", "real-llm"))
    monkeypatch.setenv("LLMASOS_EDU_CACHE", str(tmp_path / "nothing"))
    monkeypatch.delenv("CI", raising=False)
    assert lesson_files.compare([str(path)]) == 0
    assert "skipped: asks.ipynb asks the real LLM" in capsys.readouterr().out
    monkeypatch.setenv("CI", "true")
    assert lesson_files.compare([str(path)]) == 1


def test_copies_have_no_outputs_and_are_never_overwritten(executed, tmp_path):
    source = executed[1].parent
    (source / "NOTATION.md").write_text("# Notation\n", encoding="utf-8")
    mine = tmp_path / "my_lessons"
    made = lesson_files.copy_lessons(mine, source=source)
    assert [p.name for p in made] == ["04_made_up.ipynb", "NOTATION.md"]
    nb = nbformat.read(made[0], as_version=4)
    assert all(c.outputs == [] and c.execution_count is None for c in nb.cells if c.cell_type == "code")
    made[0].write_text("my own work")
    assert lesson_files.copy_lessons(mine, source=source) == []
    assert made[0].read_text() == "my own work"
    again = [lesson_files.copy_lessons(mine, source=source, fresh="04")[0].name for _ in range(2)]
    assert again == ["04_made_up_2.ipynb", "04_made_up_3.ipynb"]
    with pytest.raises(ValueError, match="no lesson '77'; there are: 04"):
        lesson_files.copy_lessons(mine, source=source, fresh="77")


def test_the_environment_keeps_the_readers_state_out(tmp_path):
    env = lesson_files.lesson_environment(tmp_path)
    assert env["LLMASOS_EDU_STATE"].startswith(str(tmp_path))
    assert env["PATH"] == os.environ["PATH"]


def test_the_command_line(tmp_path):
    path = notebook(tmp_path / "small.ipynb", cell("one", "1 + 1"))
    command = [sys.executable, "-m", "llmasos_edu.lesson_files", "execute", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "small.ipynb: new outputs\n"), done.stderr
    assert done.stderr == ""
