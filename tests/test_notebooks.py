"""Every committed lesson holds its contract, and runs clean on a machine without the real LLM.

The strict comparison of all outputs is `python -m llmasos_edu.lesson_files compare`, which `make test` runs.
"""

import json

import pytest

from llmasos_edu.contract import check_lesson
from llmasos_edu.files import data_dir, repo_root
from llmasos_edu.lesson import lessons
from llmasos_edu.lesson_files import execute, needs_real_llm

LESSONS = sorted((repo_root() / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_holds_its_contract(path):
    assert [str(p) for p in check_lesson(path)] == []


@pytest.mark.parametrize("path", [p for p in LESSONS if needs_real_llm(p)], ids=lambda p: p.stem)
def test_a_lesson_runs_clean_without_the_real_llm(path):
    execute(path, hide_real_llm=True, write=False)


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_is_known_by_its_name(path):
    number, name = path.stem.split("_", 1)
    assert lessons()[number].name == name


def test_the_lines_of_the_blank_stand_in_the_lessons_order():
    rows = json.loads((data_dir() / "runs" / "blank.json").read_text(encoding="utf-8"))
    assert [r["lesson"] for r in rows] == sorted(r["lesson"] for r in rows)
    assert {r["lesson"] for r in rows} <= set(lessons())
    assert all(0 <= r[word] <= 1 for r in rows for word in ("kite", "drum"))
