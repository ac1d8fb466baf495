"""From a move of the hand to the painted frame, in a real JupyterLab: map, bars, and matplotlib beside them.

Each move is an input event sent at a random moment of a frame; the clock stops when the browser has painted
the change (a message posted in the frame that drew it). `median_ms` and `p95_ms` are all of that, the wait
for the browser's next frame (up to 16.7 ms) included. The `work_` figures leave the wait out: the event's
listener, our drawing, and the browser's style, layout and paint; `draw_ms` is our drawing alone. Past 32
tokens the table and the tints follow 60 ms later, and stand in no figure. Each Explorer has a notebook to
itself: what else a page holds, the browser looks at in every frame. Needs Chromium.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.widget_moves import MOVES, OPENED, STOCK
from tests.browser.driver import Desk

#: Of tinyworld-base, and of SmolLM2.
VOCABULARIES = (1_112, 49_152)
LENGTHS = (16, 64, 256, 512)
OTHERS = {
    "first": "shown(128, 12)",
    "long": "shown(1024)",
    "stock": "by_matplotlib(64)",
}
SET_UP = """
import ipywidgets, numpy as np
import matplotlib.pyplot as plt
from llmasos_edu.widgets import keyboard
from llmasos_edu.widgets.attention_explorer import AttentionExplorer
rng = np.random.default_rng(0)

def bars(V):
    from llmasos_edu.widgets.strategy_bars import StrategyBars
    return StrategyBars(4 * rng.normal(size=V), str)

def shown(T, layers=1, heads=12, D=64):
    q, k, v = rng.standard_normal((3, layers, heads, T, D), np.float32)
    return AttentionExplorer(q, k, [f"t{i}" for i in range(T)], v=v, layer=0, head=0)

def by_matplotlib(T):
    q, k = rng.normal(size=(2, T, 16))
    def draw(temperature):
        scores = np.where(np.tri(T) > 0, q @ k.T / 4 / temperature, -np.inf)
        weights = np.exp(scores - scores.max(1, keepdims=True))
        plt.imshow(weights / weights.sum(1, keepdims=True), vmin=0, vmax=1, cmap="cividis")
        plt.show()
    slider = ipywidgets.FloatSlider(1.0, min=0.5, max=4.0, step=0.1, description="temperature")
    return ipywidgets.VBox([slider, ipywidgets.interactive_output(draw, {"temperature": slider})])
"""


def _figures(found: list[list[float]]) -> dict[str, Any]:
    def of(name: str, values: Iterable[float]) -> dict[str, float]:
        ms = sorted(values)
        return {
            f"{name}median_ms": round(statistics.median(ms), 1),
            f"{name}p95_ms": round(ms[int(0.95 * (len(ms) - 1))], 1),
        }

    total, *parts = zip(*found, strict=True)
    figures = {"n": len(found), **of("", total)}
    if parts:
        work, draw = parts
        figures |= {**of("work_", work), "draw_ms": round(statistics.median(draw), 2)}
    return figures


def _moves(host: Any, *kinds: str) -> dict[str, Any]:
    """Figures of 40 moves of each kind."""
    evaluate = f"(host, [kind, n]) => ({MOVES})(host, kind, n)"
    return {kind: _figures(host.evaluate(evaluate, [kind, 40])) for kind in kinds}


def run() -> dict[str, Any]:
    """Milliseconds from move to painted frame, median and 95th percentile: all, the work, the drawing."""
    alone = {f"explorer T={T} × 12 heads": {"set-up": SET_UP, "shown": f"shown({T})"} for T in LENGTHS}
    cells = {"set-up": SET_UP, "T=64": "shown(64)", **OTHERS}
    cells |= {f"V={V}": f"bars({V})" for V in VOCABULARIES}
    result: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        desk = stack.enter_context(contextlib.closing(Desk(home)))
        for name, own in alone.items():
            with desk.notebook(own) as notebook:
                notebook.run(*own)
                kinds = ("hover", "scale", "temperature", "mask", "head")
                result[name] = _moves(notebook.widget("shown"), *kinds)
        notebook = stack.enter_context(desk.notebook(cells))
        notebook.run("set-up", "V=1112", "V=49152", "stock", "T=64")
        result["T=64 among other widgets"] = _moves(notebook.widget("T=64"), "hover", "temperature")
        for V in VOCABULARIES:
            result[f"strategy_bars V={V}"] = _moves(notebook.widget(f"V={V}"), "temperature", "top-p")
        opened = [notebook.page.evaluate(OPENED, "first") for _ in range(7)]
        result["first picture T=128, 12 × 12"] = _figures([times for times, _ in opened[1:]])
        result["notebook grows by, kB"] = round(max(size for _, size in opened) / 1000)
        result["opens T=1024"] = _figures([notebook.page.evaluate(OPENED, "long")[0] for _ in range(3)])
        result["layer T=128, 12 × 12"] = _moves(notebook.widget("first"), "layer")
        output = notebook.cell("stock").locator(".jp-OutputArea-output").first
        output.scroll_into_view_if_needed()
        found = output.evaluate(f"(output, n) => ({STOCK})(output, n)", 15)
        result["interactive_output + matplotlib T=64"] = {"temperature": _figures(found)}
    ours = result["explorer T=64 × 12 heads"]["temperature"]["median_ms"]
    theirs = result["interactive_output + matplotlib T=64"]["temperature"]["median_ms"]
    return {**result, "times_faster_than_matplotlib_T=64": round(theirs / ours, 1)}
