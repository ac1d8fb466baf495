"""A chart that grows while a model trains: a callback for `training.train`.

Leaves out the chart that stays: draw that afterwards from the history, with its numbers beneath. Lesson 06.
"""

from __future__ import annotations

import os
import time
from typing import Any

from llmasos_edu.plots import Plot, lines

__all__ = ["LiveChart"]

MOST_POINTS = 400  # of a curve on the screen; longer ones are thinned


class LiveChart:
    """Redraws one number of a run while its cell is running; does nothing outside a notebook.

    Args:
        name: What to draw: ``"loss"`` of every batch, or a number that the run's test gives, such as "above".
        title: Above the chart.
        log_y: A logarithmic axis.
        levels: Name → a horizontal line, such as a floor.
        every: Seconds between two pictures; each takes about a fifth of a second.

    ``LLMASOS_EDU_LIVE=0`` switches it off, as the checks of the lessons do.

    Example:
        >>> chart = LiveChart("above", title="nats above the floor", log_y=True)
        >>> # train(model, batches, config, validation=test, callbacks=[chart])
    """

    def __init__(
        self,
        name: str = "loss",
        *,
        title: str = "loss while training",
        log_y: bool = False,
        levels: dict[str, float] | None = None,
        every: float = 2.0,
    ):
        self.name, self.title, self.log_y, self.levels, self.every = name, title, log_y, levels, every
        self.steps: list[int] = []
        self.values: list[float] = []
        self.drawn, self.handle = time.monotonic(), None

    def __call__(self, event: Any) -> None:
        """Take in a step; draw when it is time, and at the end."""
        value = event.loss if self.name == "loss" else event.validation.get(self.name)
        if value is not None:
            self.steps.append(event.step)
            self.values.append(value)
        due = time.monotonic() - self.drawn >= self.every or event.step == event.steps
        if due and len(self.steps) > 1 and _in_a_notebook():
            self._draw()
            self.drawn = time.monotonic()

    def plot(self) -> Plot:
        """The chart as it stands."""
        thin = -(-len(self.steps) // MOST_POINTS)
        kept = slice((len(self.steps) - 1) % thin, None, thin)  # the last one always among them
        return lines(
            self.steps[kept], {self.name: self.values[kept]}, title=self.title, x_name="step",
            y_name="nats", log_y=self.log_y, levels=self.levels,
        )  # fmt: skip

    def _draw(self) -> None:
        from IPython.display import display

        data, metadata = self.plot().picture()
        if self.handle is None:
            self.handle = display(data, raw=True, metadata=metadata, display_id=True)
        else:
            self.handle.update(data, raw=True, metadata=metadata)


def _in_a_notebook() -> bool:
    from IPython import get_ipython

    return os.environ.get("LLMASOS_EDU_LIVE") != "0" and hasattr(get_ipython(), "kernel")
