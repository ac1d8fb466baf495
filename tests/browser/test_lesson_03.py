"""Lesson 03 in JupyterLab: the embedding plane answers the lesson's two questions, by keyboard."""

from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "03_learning.ipynb"
PRONOUNS = "{p.name: p.pronoun for p in World('en').people}"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(LESSON) as opened:
        opened.run("set-up", "embedding-plane")
        yield opened


@pytest.fixture
def host(notebook):
    return notebook.widget("embedding-plane")


def summary(notebook):
    notebook.settled()
    return notebook.python("print(plane.summary)")


def test_it_opens_on_groups_that_have_parted(notebook, host):
    assert ": 100 % of the words have their nearest word in their own group" in summary(notebook)


def test_the_slider_goes_back_to_noise_and_finds_the_parting(notebook, host):
    slider = host.get_by_role("slider")
    slider.press("Home")
    told = [summary(notebook)]
    for _ in range(15):
        slider.press("ArrowRight")
        told.append(summary(notebook))
    shares = [int(sentence.split(": ")[1].split(" %")[0]) for sentence in told]
    assert shares[0] < 50
    assert shares[-1] >= 95
    assert any(share < 90 for share in shares[1:])  # it takes a few steps


def test_people_lie_near_those_of_the_same_pronoun(notebook, host):
    """Pick every person by keyboard, as the lesson asks of two: most are near people of their own pronoun."""
    host.get_by_role("slider").press("End")
    host.get_by_text("Words: pick one").click()
    same = 0
    names = notebook.python("print(*[p.name for p in World('en').people])").split()
    for i, name in enumerate(names):
        host.get_by_role("option", name=name, exact=True).press("Enter")
        notebook.settled()
        near = notebook.python(f"print(plane.words[int(plane._neighbours[-1, {i}, 0, 0])])")
        host.get_by_text(
            f"Nearest to {name} (people), by cosine: {near}"
        ).first.wait_for()  # shown, and read out
        same += notebook.python(f"p = {PRONOUNS}; print(p[{name!r}] == p[{near!r}])") == "True"
    assert same >= 0.7 * len(names)
