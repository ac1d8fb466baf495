"""From a move of the hand to the painted frame, in a real JupyterLab: map, bars, and matplotlib beside them.

Each move is an input event sent at a random moment of a frame; the clock stops when the browser has painted
the change (a message posted in the frame that drew it). `median_ms` and `p95_ms` are all of that, the wait
for the browser's next frame (up to 16.7 ms) included. The `work_` figures leave the wait out: the event's
listener, our drawing, and the browser's style, layout and paint; `draw_ms` is our drawing alone. Past 64
tokens the table and the tints follow 60 ms later, and stand in no figure. Needs Chromium.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.browser.driver import Desk

#: Of tinyworld-base, and of SmolLM2.
VOCABULARIES = (1_112, 49_152)
SET_UP = """
import ipywidgets, numpy as np
import matplotlib.pyplot as plt
from llmasos_edu.widgets import keyboard
from llmasos_edu.widgets.attention_explorer import AttentionExplorer
rng = np.random.default_rng(0)

def bars(V):
    from llmasos_edu.widgets.strategy_bars import StrategyBars
    return StrategyBars(4 * rng.normal(size=V), str)

def shown(T, heads):
    q, k = rng.normal(size=(2, heads, T, 16))
    return AttentionExplorer(q, k, [f"t{i}" for i in range(T)], head=0)

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
PAINTED = """
const painted = () => new Promise((done) => requestAnimationFrame(() => {
  const after = performance.now();
  const channel = new MessageChannel();
  channel.port1.onmessage = () => done([after, performance.now()]);
  channel.port2.postMessage(0);
}));
const pause = () => new Promise((done) => setTimeout(done, 200 + 30 * Math.random()));
"""
MOVES = f"""async (host, kind, n) => {{
  {PAINTED}
  const root = host.shadowRoot, map = root.querySelector(".map"), found = [];
  const [head, mask] = root.querySelectorAll("select");
  const box = map?.getBoundingClientRect();
  const slide = (name, i) => {{ // through the middle half of its range
    const label = [...root.querySelectorAll("label")].find((one) => one.firstChild.textContent === name);
    const input = label.querySelector("input"), [min, max] = [Number(input.min), Number(input.max)];
    input.value = min + (max - min) * (0.25 + (i % 16) / 32);
    input.dispatchEvent(new Event("input"));
  }};
  const choose = (input, i) => {{
    input.selectedIndex = (i + 1) % input.options.length;
    input.dispatchEvent(new Event("change"));
  }};
  const moves = {{
    hover: () => map.dispatchEvent(new PointerEvent("pointermove", {{
      clientX: box.right - 0.6 * box.width * Math.random(),
      clientY: box.bottom - 0.6 * box.height * Math.random(), bubbles: true }})),
    scale: (i) => slide("scale", i),
    temperature: (i) => slide("temperature", i),
    "top-p": (i) => slide("top-p", i),
    mask: (i) => choose(mask, i),
    head: (i) => choose(head, i),
  }};
  for (let i = 0; i < n; i++) {{
    await pause();
    const before = new Promise((done) => requestAnimationFrame(() => done(performance.now())));
    const [start, rev] = [performance.now(), Number(host.dataset.rev)];
    moves[kind](i);
    const heard = performance.now();
    const [drawn, end] = await painted();
    const frame = await before; // the first thing in the frame; our drawing is next
    if (Number(host.dataset.rev) > rev) found.push([end - start, heard - start + end - frame, drawn - frame]);
  }}
  return found;
}}"""
STOCK = f"""async (output, n) => {{
  {PAINTED}
  const handle = output.querySelector(".noUi-handle"), found = [];
  for (let i = 0; i < n; i++) {{
    await pause();
    const old = output.querySelector("img")?.src, start = performance.now();
    handle.dispatchEvent(new KeyboardEvent("keydown", {{ key: "ArrowRight", bubbles: true }}));
    while (!output.querySelector("img") || output.querySelector("img").src === old) {{
      if (performance.now() - start > 10000) throw new Error("no new figure in 10 s");
      await new Promise((done) => setTimeout(done, 2));
    }}
    await output.querySelector("img").decode();
    const [, end] = await painted();
    found.push([end - start]);
  }}
  return found;
}}"""


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


def run() -> dict[str, Any]:
    """Milliseconds from move to painted frame, median and 95th percentile: all, the work, the drawing."""
    sizes = {"T=16": (16, 2), "T=64": (64, 2), "T=256": (256, 2)}
    cells = {"set-up": SET_UP, **{name: f"shown({T}, {heads})" for name, (T, heads) in sizes.items()}}
    cells |= {f"V={V}": f"bars({V})" for V in VOCABULARIES}
    result: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        desk = stack.enter_context(contextlib.closing(Desk(home)))
        notebook = stack.enter_context(desk.notebook({**cells, "stock": "by_matplotlib(64)"}))
        notebook.run(*cells, "stock")
        for name in sizes:
            host = notebook.widget(name)
            result[f"explorer {name}"] = {
                kind: _figures(host.evaluate(f"(host, [kind, n]) => ({MOVES})(host, kind, n)", [kind, 40]))
                for kind in ("hover", "scale", "temperature", "mask", "head")
            }
        for V in VOCABULARIES:
            host = notebook.widget(f"V={V}")
            result[f"strategy_bars V={V}"] = {
                kind: _figures(host.evaluate(f"(host, [kind, n]) => ({MOVES})(host, kind, n)", [kind, 40]))
                for kind in ("temperature", "top-p")
            }
        output = notebook.cell("stock").locator(".jp-OutputArea-output").first
        output.scroll_into_view_if_needed()
        found = output.evaluate(f"(output, n) => ({STOCK})(output, n)", 15)
        result["interactive_output + matplotlib T=64"] = {"temperature": _figures(found)}
    ours = result["explorer T=64"]["temperature"]["median_ms"]
    theirs = result["interactive_output + matplotlib T=64"]["temperature"]["median_ms"]
    return {**result, "times_faster_than_matplotlib_T=64": round(theirs / ours, 1)}
