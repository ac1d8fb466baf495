"""The plane against closed forms; words and static form; bad input."""

import base64
import re

import numpy as np
import pytest

from llmasos_edu.widgets.base import as_bytes
from llmasos_edu.widgets.embedding_plane import EmbeddingPlane, nearest, principal_plane

WORDS = ["Mia", "Tom", "park", "farm", "kite", "<b>"]
GROUPS = ["people", "people", "places", "places", "things", "things"]
# two rows a group, side by side in three far corners of a space of 3; before training all the same but noise
LAST = np.array([[9, 0, 0], [9, 1, 0], [0, 9, 0], [1, 9, 0], [0, 0, 9], [0, 1, 9]], dtype=float)
FIRST = np.random.default_rng(4).normal(size=(6, 3))


def plane(**more):
    return EmbeddingPlane(np.stack([FIRST, LAST]), WORDS, GROUPS, [0, 500], **more)


def test_the_plane_keeps_the_most_of_the_spread():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 5)) * [3.0, 0.1, 0.1, 7.0, 0.1]
    xy = principal_plane(rows[None])[0]
    # eigenvalues of the covariance are the spread along principal axes, in another algorithm than the SVD
    expected = np.linalg.eigvalsh(np.cov(rows.T, bias=True))[::-1][:2]
    np.testing.assert_allclose(xy.var(axis=0), expected, rtol=1e-10)  # float64, two algorithms
    np.testing.assert_allclose(xy.mean(axis=0), 0, atol=1e-12)
    assert np.argmax(np.abs(np.corrcoef(xy[:, 0], rows.T)[0, 1:])) == 3


def test_all_snapshots_share_the_axes_and_the_sign_is_settled():
    still = np.stack([LAST, LAST])
    np.testing.assert_array_equal(*principal_plane(still))
    moved = LAST.copy()
    moved[4] += [0, 0, 2.0]
    xy = principal_plane(np.stack([moved, LAST]))
    assert [i for i in range(6) if not np.allclose(xy[0, i], xy[1, i])] == [4]
    np.testing.assert_allclose(principal_plane(LAST[None, ::-1])[0][::-1], principal_plane(LAST[None])[0])


def test_nearest_by_brute_force():
    rows = np.random.default_rng(1).normal(size=(7, 4))
    found, cosines = nearest(rows, 2)
    c = rows - rows.mean(axis=0)
    for i in range(7):
        of = {j: c[i] @ c[j] / np.linalg.norm(c[i]) / np.linalg.norm(c[j]) for j in range(7) if j != i}
        best = sorted(of, key=of.get, reverse=True)[:2]
        assert found[i].tolist() == best
        np.testing.assert_allclose(cosines[i], [of[j] for j in best], atol=1e-12)


def test_what_it_says():
    widget = plane(word="kite")
    assert widget.together() == 1
    assert widget.together(0) < 1
    assert widget.by_chance() == pytest.approx(1 / 5)
    assert widget.text().splitlines()[0] == widget.summary
    assert widget.summary == (
        "At step 500 of 500: 100 % of the words have their nearest word in their own group; by chance 20 %."
    )
    assert widget.text().splitlines()[1].startswith("Nearest to kite (things), by cosine: <b> 0.9")
    assert len(plane().text().splitlines()) == 4  # one example a group


def test_what_is_sent():
    widget = plane()
    snapshots = np.stack([FIRST, LAST])
    assert widget.points == as_bytes(principal_plane(snapshots))
    assert len(widget.neighbours) == 4 * 2 * 6 * 3 * 2
    assert (widget.at, widget.picked, widget.groups) == (1, -1, [0, 0, 1, 1, 2, 2])


def test_static_form_is_the_same_every_time_and_text_stays_text():
    image = plane().static_html()
    assert image == plane().static_html()
    svg = base64.b64decode(re.search('base64,([^"]+)', image)[1]).decode()
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg
    assert svg.count("<path") == 6 + 3  # the words, and the legend's signs
    ys = [float(y) for y in re.findall(r'translate\(\S+ (\S+)\)"', svg)]
    assert min(ys[3:]) > 30  # no word lies under the legend
    data, _ = plane()._repr_mimebundle_()
    assert data["text/plain"] == plane().text()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: EmbeddingPlane(np.zeros((2, 5, 3)), WORDS, GROUPS, [0, 1]),
            r"got \(2, 5, 3\) for 2 steps, 6",
        ),
        (lambda: EmbeddingPlane(LAST[None], WORDS, GROUPS[:5], [0]), "5 groups"),
        (
            lambda: EmbeddingPlane(LAST[None], WORDS, [*"abcdef"], [0], word="cat"),
            "word must be one of the 6",
        ),
        (lambda: EmbeddingPlane(np.zeros((1, 7, 3)), [*"abcdefg"], [*"abcdefg"], [0]), "at most 6 groups"),
        (lambda: EmbeddingPlane(LAST[None, :3], WORDS[:3], GROUPS[:3], [0]), "at least 4 words"),
        (lambda: principal_plane(np.zeros((1, 4, 1))), r"got \(1, 4, 1\)"),
        (lambda: principal_plane(np.full((1, 4, 2), np.nan)), "did training diverge"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
