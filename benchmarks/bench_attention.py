"""Attention's ladder side by side: loops, matrices, torch with its weights, the fused kernel.

One thread, float32, causal. Loops run at the small size only. Ratios are what to keep; absolute times move
with the machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from llmasos_edu import attention as in_numpy
from llmasos_edu import torch_attention as in_torch

SMALL = (1, 1, 64, 64)  # B, H, T, d_head: a lesson's sentence
LARGE = (1, 9, 1024, 64)  # the real LLM's heads over a page of text


def _ms(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """Median milliseconds of a call, repeated for about `seconds` (three times at least)."""
    call()
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def _ways(shape: tuple[int, ...]) -> dict[str, Callable[[], Any]]:
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal(shape).astype(np.float32) for _ in range(3))
    tq, tk, tv = map(torch.from_numpy, (q, k, v))
    mask, tmask = in_numpy.causal_mask(shape[-2]), in_torch.causal_mask(shape[-2])
    ways: dict[str, Callable[[], Any]] = {
        "matrices (NumPy)": lambda: in_numpy.attention_by_matrices(q, k, v, mask),
        "checked (NumPy)": lambda: in_numpy.attention(q, k, v, mask),
        "explicit (torch)": lambda: in_torch.explicit_attention(tq, tk, tv, tmask),
        "fused (torch)": lambda: in_torch.fused_attention(tq, tk, tv, causal=True),
    }
    if shape == SMALL:
        loops = {"loops (Python)": lambda: in_numpy.attention_by_loops(q[0, 0], k[0, 0], v[0, 0], mask)}
        return loops | ways
    return ways


def run() -> dict[str, Any]:
    """Milliseconds of each way and how many times faster than the first of its size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        result = {}
        for name, shape in (("small", SMALL), ("large", LARGE)):
            ms = {way: _ms(call) for way, call in _ways(shape).items()}
            slowest = next(iter(ms.values()))
            times = {way: {"ms": round(t, 4), "times_faster": round(slowest / t, 1)} for way, t in ms.items()}
            result[name] = {"shape_BHTd": shape, "ways": times}
        return result
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    import json

    print(json.dumps(run(), indent=1))
