"""The embedding plane in JupyterLab: slider, pointer, keyboard, themes; its JavaScript against Python."""

import numpy as np
import pytest

from llmasos_edu.widgets.base import as_bytes
from llmasos_edu.widgets.embedding_plane import EmbeddingPlane, nearest

SET_UP = """
import numpy as np
from llmasos_edu.widgets.embedding_plane import EmbeddingPlane
words = "Mia Tom Ben park farm beach kite drum lamp red blue green".split()
groups = ["people"] * 3 + ["places"] * 3 + ["things"] * 3 + ["colours"] * 3
rng = np.random.default_rng(0)
end = np.repeat(3 * np.eye(4), 3, axis=0) + rng.normal(size=(12, 4)) * 0.3
start = rng.normal(size=(12, 4))
shares = np.linspace(0, 1, 21)[:, None, None]
plane = EmbeddingPlane(start * (1 - shares) + end * shares, words, groups, range(0, 210, 10))
"""
PIXELS = """(host) => {
  const canvas = host.shadowRoot.querySelector("canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const counts = {};
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] === 255) {
      const key = [data[i], data[i + 1], data[i + 2]].join();
      counts[key] = (counts[key] ?? 0) + 1;
    }
  return counts;
}"""


@pytest.fixture(scope="module", params=["lab", "notebook"])
def notebook(request, desk):
    with desk.notebook({"set-up": SET_UP, "plane": "plane"}, request.param) as opened:
        opened.run("set-up", "plane")
        yield opened


def test_the_slider_moves_training_by_keyboard_and_mouse(notebook):
    host = notebook.widget("plane")
    slider = host.get_by_role("slider")
    rev = notebook.rev(host)
    slider.press("Home")
    notebook.wait_rev(host, rev)
    assert host.get_by_text("At step 0 of 200:").count() == 1
    slider.press("ArrowRight")
    told = "print(plane.at, plane.summary == plane.text().splitlines()[0])"
    assert notebook.until(lambda: notebook.python(told) == "1 True")
    box = slider.bounding_box()
    notebook.page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    at_end = "20 At step 200 of 200: 100 %"
    assert notebook.until(lambda: notebook.python("print(plane.at, plane.summary)").startswith(at_end))


def test_play_runs_to_the_end(notebook):
    host = notebook.widget("plane")
    notebook.python("plane.at = 17")
    host.get_by_role("button", name="play").click()
    host.get_by_text("At step 200 of 200:").wait_for(timeout=5_000)
    host.get_by_role("button", name="play").wait_for(timeout=5_000)


def test_pointer_and_keyboard_name_a_word_and_its_neighbours(notebook):
    host = notebook.widget("plane")
    host.get_by_text("Words: pick one").click()
    host.get_by_role("option", name="kite").click()
    host.get_by_text("Nearest to kite (things), by cosine:").first.wait_for()
    told = "print(plane.text().splitlines()[1])"
    assert notebook.until(lambda: host.get_by_text(notebook.python(told)).count() >= 1)
    host.get_by_role("option", name="kite").press("ArrowRight")
    host.get_by_text("Nearest to drum (things)").first.wait_for()
    notebook.page.keyboard.press("Enter")
    assert notebook.until(lambda: notebook.python("print(plane.words[plane.picked])") == "drum")
    spot = host.evaluate(
        "(host) => { const box = host.shadowRoot.querySelector('canvas').getBoundingClientRect();"
        " return [box.x, box.y, box.width, box.height]; }"
    )
    named = set()
    for fx in np.linspace(0.05, 0.95, 25):
        for fy in np.linspace(0.05, 0.95, 15):
            notebook.page.mouse.move(spot[0] + fx * spot[2], spot[1] + fy * spot[3])
            named.add(host.locator(".now").nth(1).inner_text().split(" (")[0])
    assert len(named) > 2, named


def test_colours_follow_the_theme_at_once(notebook):
    host = notebook.widget("plane")
    seen = {}
    for theme in ("light", "dark") * 2:
        notebook.theme(theme)
        notebook.page.wait_for_timeout(500)
        seen[theme] = host.evaluate(PIXELS)
    assert "0,114,178" in seen["light"]
    assert "111,192,245" in seen["dark"]
    assert "0,114,178" not in seen["dark"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(notebook, theme):
    notebook.theme(theme)
    assert notebook.violations(notebook.widget("plane")) == []


def test_no_key_leaks(notebook):
    host = notebook.widget("plane")
    if not host.get_by_role("option").first.is_visible():
        host.get_by_text("Words: pick one").click()
    for control in (
        host.get_by_role("slider"),
        host.get_by_role("button").first,
        host.get_by_role("option").first,
    ):
        assert notebook.leaks(control) == ""


def test_javascript_says_what_python_says(js):
    rows = np.random.default_rng(5).normal(size=(1, 12, 6))
    groups = ["a"] * 5 + ["b"] * 7
    widget = EmbeddingPlane(rows, [f"w{i}" for i in range(12)], groups, [0])
    pairs = np.stack(nearest(rows[0]), axis=-1).ravel().tolist()
    share = js("embedding_plane", "together", pairs, widget.groups)
    assert share == pytest.approx(widget.together(), abs=1e-12)
    assert len(widget.points) == len(as_bytes(rows[0, :, :2]))


def test_names_cover_no_point_and_no_name(js):
    rng = np.random.default_rng(6)
    points = rng.normal(size=80).tolist()
    box = js("embedding_plane", "bounds", points)
    pixels = js("embedding_plane", "onScreen", points, box, 640, 380)
    xy = np.array(pixels).reshape(-1, 2)
    assert xy.min() >= 0
    assert (xy <= [640, 380]).all()
    spread = np.array(points).reshape(-1, 2)
    ratio = np.ptp(xy, axis=0) / np.ptp(spread, axis=0)
    assert ratio[0] == pytest.approx(ratio[1])  # one scale for both axes
    spots = js("embedding_plane", "places", pixels, [30] * 40, list(range(40)), 640, 380)
    boxes = [(s[0], s[1] - 11, s[0] + 30, s[1] + 3) for s in spots if s]
    assert len(boxes) > 15
    for i, a in enumerate(boxes):
        assert not any(a[0] < x + 5 and a[2] > x - 5 and a[1] < y + 5 and a[3] > y - 5 for x, y in xy)
        for b in boxes[:i]:
            assert not (a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1])
