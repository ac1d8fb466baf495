"""Lesson 03 in JupyterLab: the embedding plane answers the lesson's two questions, by keyboard."""

from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "03_learning.ipynb"


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


def test_the_colours_gather_first(notebook, host):
    """The lesson asks which group gathers first; these are the numbers behind the picture."""
    gathered = "[plane._neighbours[:, [g == i for g in plane.groups], 0, 0] for i in range(4)]"
    first = notebook.python(
        f"near = {gathered}; own = [[all(plane.groups[int(w)] == i for w in row) for row in rows]"
        " for i, rows in enumerate(near)]; print([steps.index(True) for steps in own])"
    )
    at = dict(zip(("people", "places", "things", "colours"), eval(first), strict=True))
    assert min(at, key=at.get) == "colours"
    assert at["colours"] < at["people"]


def test_a_picked_name_is_near_people_at_the_end_and_not_at_step_0(notebook, host):
    """Pick Mia by keyboard and drag, as the lesson asks: who is near is shown, and read out."""
    host.get_by_text("Words: pick one").click()
    host.get_by_role("option", name="Mia", exact=True).press("Enter")
    people = notebook.python("print(*[p.name for p in World('en').people])").split()
    for key, found in (("Home", False), ("End", True)):
        host.get_by_role("slider").press(key)
        notebook.settled()
        near = notebook.python(
            f"print(*(plane.words[int(i)] for i in plane._neighbours[{-int(found)}, 0, :, 0]))"
        )
        host.get_by_text(f"Nearest to Mia (people), by cosine: {near.split()[0]}").first.wait_for()
        assert all(name in people for name in near.split()) == found
