"""Import time of each module of rows 0 and 1 beyond `import numpy`, and of `llmasos-edu --help`.

Each is measured in fresh processes, the median of five. The bar: 0.1 s (modules that are about torch aside).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

from tests.test_layers import NO_TORCH, ROWS

TIMED = """
import {first}, time
start = time.perf_counter()
import {module}
print(time.perf_counter() - start)
"""
BAR = 0.1  # seconds


def _import(module: str, first: str = "numpy") -> float:
    """Median seconds of importing a module once `first` is there."""
    command = [sys.executable, "-c", TIMED.format(first=first, module=module)]
    return statistics.median(float(subprocess.check_output(command)) for _ in range(5))


def _command(*arguments: str) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def run() -> dict[str, Any]:
    """Seconds beyond numpy of each module, the slowest, which are past the bar, and the command line."""
    from importlib.util import find_spec

    names = sorted(n for n in (ROWS[0] | ROWS[1]) & NO_TORCH if find_spec(f"llmasos_edu.{n}"))
    _import("llmasos_edu")  # writes the bytecode that later imports read
    seconds = {name: round(_import(f"llmasos_edu.{name}"), 3) for name in names}
    return {
        "numpy": round(_import("numpy", first="sys"), 3),
        "beyond_numpy": seconds,
        "slowest": max(seconds.items(), key=lambda item: item[1])[0],
        f"past_{BAR}_s": [name for name, s in seconds.items() if s > BAR],
        "python_alone": round(_command("-c", "pass"), 3),
        "help": round(_command("-c", "from llmasos_edu.cli import app; app()", "--help"), 3),
    }
