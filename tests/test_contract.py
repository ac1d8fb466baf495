"""A notebook that holds, and one broken notebook for each thing that the contract forbids."""

import copy
import json
import platform

import pytest

from llmasos_edu.contract import check_lesson, check_notebook, compared_share

ALT = {"image/png": {"alt": "A bar."}}


def code(name, source, *outputs, count=1, tags=(), **metadata):
    tagged = {"tags": list(tags)} if tags else {}
    cell = {"cell_type": "code", "id": name, "source": source, "outputs": list(outputs)}
    return {**cell, "execution_count": count, "metadata": {**tagged, **metadata}}


def words(name, source, tags=()):
    tagged = {"tags": list(tags)} if tags else {}
    return {"cell_type": "markdown", "id": name, "source": source, "metadata": tagged}


def said(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": [text]}


def picture(metadata=ALT, **data):
    data = {"image/png": "iVBORw0KGgo=", **data}
    return {"output_type": "display_data", "data": data, "metadata": metadata}


IGNORED = "nbval-ignore-output"
GOOD = {
    "nbformat": 4, "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3"}, "language_info": {"name": "python"}},
    "cells": [
        words("title", "# A question"),
        words("one-idea", "## One idea", tags=["concept"]),
        code("look", "print(1 + 1)", said("2\n"), count=1),
        code("draw", "plot", picture(), said("twin\n"), count=2),
        code("one-idea-claim", "lesson.claim('two', 1 + 1 == 2)", said("holds: two\n"), count=3),
        words("timing", "## What it costs"),
        code("clock", "t = clock()\nclaim('fast', t < 9)", said("0.1\n"), count=4, tags=[IGNORED]),
    ],
}  # fmt: skip


@pytest.fixture
def save(tmp_path):
    def write(nb, name="99_made_up.ipynb"):
        path = tmp_path / name
        path.write_text(json.dumps(nb), encoding="utf-8")
        return path

    return write


def changed(change):
    nb = copy.deepcopy(GOOD)
    change({c["id"]: c for c in nb["cells"]}, nb)
    return nb


def test_a_good_notebook_holds(save):
    assert check_notebook(save(GOOD)) == []
    assert compared_share(save(GOOD)) == (3, 4)


def put(cell, **new):
    """A change that gives one cell something else."""
    return lambda cells, nb: cells[cell].update(**new)


def output(*outputs):
    return put("look", outputs=list(outputs))


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}
BARE_SVG = picture(ALT, **{"text/html": ["<svg width='3'>", "</svg>"]})
BROKEN = {
    "was not executed": put("look", execution_count=None),
    "was executed as number 7, but stands as 2": put("draw", execution_count=7),
    "2 of 4 code cells have text that is compared; at least 60% must": put("draw", outputs=[]),
    "this concept makes no claim that is compared": put("one-idea-claim", source="lesson.blame(1)"),
    "no cell is tagged concept": put("one-idea", metadata={}),
    "is not compared (nbval-ignore-output), so it must make a claim": put("clock", source="clock()"),
    "never run by a check": put("look", metadata={"tags": ["nbval-skip"]}),
    "a picture (image/png) has no alt text": put("draw", outputs=[picture({}), said("twin")]),
    "a picture has no alt text": put("title", source="![](figure.png)"),
    "a picture in its HTML has no alt text": output(BARE_SVG),
    "the file must stay under 200,000 bytes": put("title", source="x" * 200_001),
    "wrote to stderr: 'oh'": output(said("2\n"), said("oh\n", "stderr")),
    "a warning stands in an output: 'RuntimeWarning'": output(said("RuntimeWarning: overflow")),
    "an absolute path stands in an output: '/home/somebody'": output(said("read /home/somebody/f.txt")),
    "an absolute path stands in an output: 'C:": output(said(r"C:\Users\x")),
    "a memory address": output(said("<function f at 0x7f0011223344>")),
    "stopped with ValueError: no": output(said("2\n"), ERROR),
    "the cell id stands twice": put("draw", id="look"),
    "a cell id is made of fixed words": put("look", id="Look Here"),
    "fixed words, such as": put("look", id="a1b2c3d4"),
    "installs nothing and runs no shell": put("look", source="%pip install x"),
    "runs no shell": put("look", source="!ls"),
    "widget state is stored": lambda cells, nb: nb["metadata"].update(widgets={}),
    "timestamps are stored": put("look", metadata={"execution": {"iopub.execute_input": "2026"}}),
}


@pytest.mark.parametrize("told", BROKEN)
def test_a_broken_notebook_is_caught(save, told):
    problems = check_notebook(save(changed(BROKEN[told])))
    assert any(told in str(p) for p in problems), problems


def test_this_machines_name_is_caught(save, monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "anna-laptop")
    (problem,) = check_notebook(save(changed(output(said("on anna-laptop")))))
    assert problem == ("look", "this machine's name stands in an output: 'anna-laptop'")


INNOCENT = [
    "a/b",
    "softmax(QKᵀ/√d) </div>",
    "yes/no",
    "https://example.org/home/a",
    "0.5 /home",
    "warning",
    "at 0x1",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_is_left_alone(save, text):
    assert check_notebook(save(changed(output(said(text))))) == []


NAMED = [
    "<svg role='img' aria-label='a map'></svg>",
    "<svg aria-hidden='true'></svg>",
    "<svg><title>a map</title></svg>",
    "<img src='x' alt='a map'>",
]


@pytest.mark.parametrize("html", NAMED)
def test_named_pictures_in_html_are_fine(save, html):
    assert check_notebook(save(changed(output(picture(ALT, **{"text/html": html}))))) == []


@pytest.mark.parametrize(
    ("text", "told"), [("{", "is no notebook"), ("[]", "format 4"), ('{"nbformat": 3}', "format 4")]
)
def test_what_is_no_notebook(tmp_path, text, told):
    (tmp_path / "x.ipynb").write_text(text)
    with pytest.raises(ValueError, match=told):
        check_notebook(tmp_path / "x.ipynb")


# --- lessons ------------------------------------------------------------------------------------------


def lesson_notebook():
    nb = copy.deepcopy(GOOD)
    calls = [
        code("begin", "lesson.begin('99')", said("Lesson 99\n")),
        code("recall", "lesson.recall('99.r1', None)", said("Your answer: none yet.")),
        code("predict", "lesson.predict('99.x', None)", said("your guess: none yet")),
        code("truth", "lesson.reveal('99.x', 1)", said("the truth: 1"), jupyter={"outputs_hidden": True}),
        code("check", "check(f, 'a.b')", said("Not attempted yet: a.b")),
        code("end", "lesson.end()", said("ends here")),
    ]
    nb["cells"] = calls[:-1] + nb["cells"] + [words(f"more-{i}", "Words.") for i in range(30)] + calls[-1:]
    for count, cell in enumerate((c for c in nb["cells"] if c["cell_type"] == "code"), start=1):
        cell["execution_count"] = count
    return nb


def test_a_good_lesson_holds(save):
    assert check_lesson(save(lesson_notebook())) == []


NEWER = {"name": "python", "version": "3.12"}
BROKEN_LESSON = {
    "a lesson has 35 to 60 cells; this one has 10": lambda cells, nb: nb.update(cells=nb["cells"][:10]),
    "a lesson has about 2,000 words; this one has 3,": put("more-1", source="word " * 3000),
    "needs kernelspec python3": lambda cells, nb: nb["metadata"].update(language_info=NEWER),
    "no cell calls check()": put("check", source="1"),
    "a code cell has at most 15 lines; this one has 16": put("look", source="1\n" * 16),
    "a cell prints at most 15 lines; this one prints 16": output(said("1\n" * 16)),
    "the output of predict() must say 'none yet'": put("predict", outputs=[said("your guess: 3")]),
    "the output of check() must say 'Not attempted yet'": put("check", outputs=[said("Passed")]),
    "follows a prediction: hide its output": put("truth", metadata={}),
}


@pytest.mark.parametrize("told", BROKEN_LESSON)
def test_a_broken_lesson_is_caught(save, told):
    nb = lesson_notebook()
    BROKEN_LESSON[told]({c["id"]: c for c in nb["cells"]}, nb)
    problems = check_lesson(save(nb))
    assert any(told in str(p) for p in problems), problems


def test_a_lessons_name(save):
    assert "named like 04_attention.ipynb" in str(check_lesson(save(lesson_notebook(), "Lesson 4.ipynb")))
