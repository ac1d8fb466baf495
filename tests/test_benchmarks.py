"""The dispatcher of the benchmarks; what they measure is not asserted."""

import ast
import json
import types

import pytest

from benchmarks import __main__ as bench


@pytest.fixture
def groups(monkeypatch, tmp_path):
    """Two made-up groups, one of them long, in a folder of their own."""
    made = {
        "quick": types.SimpleNamespace(__doc__="Quick.\nMore.", run=lambda: {"a": {"b": 1234}}),
        "long": types.SimpleNamespace(__doc__="Long.", QUICK=False, run=lambda: {"c": 2.5}),
        "broken": types.SimpleNamespace(__doc__="Broken.", run=lambda: 1 / 0),
    }
    monkeypatch.setattr(bench, "HERE", tmp_path)
    monkeypatch.setattr(bench, "groups", lambda: list(made))
    monkeypatch.setattr(
        bench.importlib, "import_module", lambda name: made[name.removeprefix("benchmarks.bench_")]
    )
    monkeypatch.delenv("LOG", raising=False)
    return tmp_path


def test_each_group_ends_with_one_line_of_json(groups, capsys):
    assert bench.main(["quick", "long"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"cpu", "instructions"} <= set(json.loads(lines[0]))
    assert "a · b  1,234" in lines[3]
    assert [json.loads(line)["result"] for line in lines[1:] if line.startswith("{")] == [
        {"a": {"b": 1234}},
        {"c": 2.5},
    ]


def test_long_groups_run_only_when_named_and_a_broken_one_takes_no_other_with_it(groups, capsys):
    assert bench.main([]) == 1
    said = capsys.readouterr()
    assert '"group": "quick"' in said.out
    assert "long: takes long, runs only when named" in said.out
    assert "ZeroDivisionError" in said.err


def test_an_unknown_group_is_named(groups, capsys):
    assert bench.main(["slow"]) == 1
    assert "no group is called slow; there are: quick, long, broken" in capsys.readouterr().err


def test_the_log_gets_a_dated_line(groups, monkeypatch):
    monkeypatch.setenv("LOG", "1")
    monkeypatch.setenv("NOTE", "a cache")
    bench.main(["quick"])
    (line,) = (groups / "LOG.md").read_text(encoding="utf-8").splitlines()
    assert line.startswith("- 20")
    assert " · quick · a cache · " in line
    assert line.endswith('`{"a": {"b": 1234}}`')


def test_every_group_has_a_first_line_and_run():
    for path in bench.HERE.glob("bench_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path.name
        assert "run" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, path.name
