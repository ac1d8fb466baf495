"""The chart that grows while a model trains: what it draws, when, and that the checks can switch it off."""

from types import SimpleNamespace

import pytest

from llmasos_edu.lesson import live
from llmasos_edu.lesson.live import LiveChart


def event(step, steps=1000, **validation):
    return SimpleNamespace(step=step, steps=steps, loss=10.0 / (step + 1), validation=validation)


@pytest.fixture
def shown(monkeypatch):
    """Pictures that a notebook would show, the first and each update."""
    pictures = []
    handle = SimpleNamespace(update=lambda data, **options: pictures.append(("update", data, options)))

    def display(data, **options):
        pictures.append(("new", data, options))
        return handle

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=True))
    monkeypatch.delenv("LLMASOS_EDU_LIVE", raising=False)
    return pictures


def test_one_picture_that_is_updated(shown, monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(live.time, "monotonic", lambda: now.seconds)
    chart = LiveChart(every=2.0)
    for step in range(7):
        chart(event(step, steps=6))
        now.seconds += 1.0
    assert [kind for kind, *_ in shown] == ["new", "update", "update"]  # after 2 s, 4 s, and at the end
    assert shown[0][1]["image/png"].startswith(b"\x89PNG")
    assert "loss while training" in shown[0][2]["metadata"]["image/png"]["alt"]


def test_it_draws_a_number_of_the_test(shown):
    chart = LiveChart("above", log_y=True, levels={"goal": 1.0}, every=0.0)
    for step in range(4):
        chart(event(step, steps=3, **({"above": 8.0 - step} if step % 2 == 0 else {})))
    assert (chart.steps, chart.values) == ([0, 2], [8.0, 6.0])


def test_a_long_run_is_thinned_and_keeps_its_last_value():
    chart = LiveChart()
    for step in range(1001):
        chart(event(step))
    line = chart.plot().figure.axes[0].lines[0]
    assert len(line.get_xdata()) <= live.MOST_POINTS
    assert line.get_xdata()[-1] == 1000


def test_it_is_off_where_lessons_are_checked(shown, monkeypatch):
    monkeypatch.setenv("LLMASOS_EDU_LIVE", "0")
    chart = LiveChart(every=0.0)
    chart(event(0))
    chart(event(1))
    assert shown == []
