"""A model behind the Explorer: from Enter after a new sentence, or a head's switch, to the painted frame.

In a real JupyterLab, on TinyWorld's model, and on SmolLM2 by our code and by transformers' (where it has been
fetched), with 25 and 32 tokens. `kernel` is the part that is spent in Python, the Explorer's own included;
`first` the call of `explore` on a model not seen before, with its probe; `probe` that alone. One thread.
Needs Chromium.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.widget_moves import PAINTED
from llmasos_edu import real_llm
from tests.browser.driver import REPOSITORY, Desk

SET_UP = """
import json, statistics, time, torch
torch.set_num_threads(1)
from llmasos_edu import pretrained, real_llm
from llmasos_edu.explore import Source, explore

def open_explorer(model, tokenizer, text):
    global probe, first, shown
    start = time.perf_counter()
    shown = explore(model, tokenizer, text, views=("heads", "table", "next"))
    first = time.perf_counter() - start
    start = time.perf_counter()
    Source(model, tokenizer)._measured_roles()
    probe = time.perf_counter() - start
    return shown

def kernel(texts):
    found = []
    for text in texts:
        start = time.perf_counter()
        shown.typed = text
        found.append(1000 * (time.perf_counter() - start))
    print(json.dumps([statistics.median(found), max(found), 1000 * first, 1000 * probe, len(shown.tokens)]))
"""
TINYWORLD = repr(str(REPOSITORY / "data/checkpoints/tinyworld-base"))
MODELS = {
    "tinyworld": f"pretrained.load({TINYWORLD})",
    "smollm2": "pretrained.load(real_llm.folder())",
    "smollm2-transformers": "real_llm.load()",
}
SENTENCES = {
    "tinyworld": [
        f"{a} had a red kite. {a} went to the lake. {b} had a blue drum. {b} gave {a} the drum."
        for a, b in [("Mia", "Tom"), ("Tom", "Anna"), ("Anna", "Max"), ("Max", "Rosa"), ("Rosa", "Lily")] * 4
    ],
    "smollm2": [
        "The old grey cat sat on the mat because it was tired and the dog went to the park to play with a "
        f"ball in the sun until it was much {word}"
        for word in ["late", "dark", "cold", "hotter", "worse"] * 4
    ],
}  # fmt: skip
ASK = f"""async (host, texts) => {{
  {PAINTED}
  const root = host.shadowRoot, box = root.querySelector("input.typed"), found = [];
  const tokens = () => root.querySelector("[role=listbox]").textContent;
  const change = async (act, seen) => {{
    await pause();
    const before = seen(), start = performance.now();
    act();
    while (seen() === before) {{
      if (performance.now() - start > 30000) throw new Error("no answer in 30 s");
      await new Promise((done) => requestAnimationFrame(done));
    }}
    found.push((await painted())[1] - start);
  }};
  for (const text of texts) await change(() => {{
    box.value = text;
    box.dispatchEvent(new KeyboardEvent("keydown", {{ key: "Enter" }}));
  }}, tokens);
  const sentences = found.splice(0), shares = () => root.querySelector(".side table").textContent;
  for (let i = 0; i < 10; i++) await change(() => root.querySelector(".switches input").click(), shares);
  return [sentences, found];
}}"""


def _figures(found: list[float]) -> dict[str, float]:
    ms = sorted(found)
    return {
        "median_ms": round(statistics.median(ms), 1),
        "p95_ms": round(ms[int(0.95 * (len(ms) - 1))], 1),
        "n": len(ms),
    }


def run() -> dict[str, Any]:
    """Milliseconds, median and 95th percentile, of each model."""
    models = {name: call for name, call in MODELS.items() if name == "tinyworld" or real_llm.present()}
    result: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        desk = stack.enter_context(contextlib.closing(Desk(home)))
        for name, call in models.items():
            texts = SENTENCES[name.partition("-")[0]]
            cells = {"set-up": SET_UP, "show": f"open_explorer(*{call}, {texts[-1]!r})"}
            with desk.notebook(cells) as notebook:
                notebook.run(*cells)
                sentence, head = notebook.widget("show").evaluate(ASK, texts)
                told = json.loads(notebook.python(f"kernel({texts!r})"))
            kernel, slowest, first, probe, tokens = told
            result[name] = {
                "tokens": tokens, "sentence": _figures(sentence), "head off": _figures(head),
                "kernel_median_ms": round(kernel, 1), "kernel_max_ms": round(slowest, 1),
                "first_ms": round(first), "probe_ms": round(probe),
            }  # fmt: skip
    return result
