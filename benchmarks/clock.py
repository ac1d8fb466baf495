"""Which clock the long benches count by: the wall's, or with CLOCK=cpu the processor's, on one thread.

Processor seconds are for a machine on which others compute too: two cores take at least half of them.
"""

from __future__ import annotations

import os
import time
from typing import Any

import torch

__all__ = ["counted_by", "now"]

BY_CPU = os.environ.get("CLOCK") == "cpu"
now = time.process_time if BY_CPU else time.perf_counter


def counted_by() -> dict[str, Any]:
    """Say it, and take one thread where processor seconds are counted."""
    if BY_CPU:
        torch.set_num_threads(1)
    return {"clock": "processor, one thread" if BY_CPU else "wall", "threads": torch.get_num_threads()}
