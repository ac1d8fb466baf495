"""What `llmasos-edu doctor` looks at: one function a question, each giving what it found and what to do.

Leaves out repairing anything. Lesson 00 shows the same self-test of the device.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .. import real_llm
from ..files import cache_dir

__all__ = ["CHECKS", "Finding", "examine"]

GB = 1e9
ENOUGH_MEMORY = 4 * GB  # bytes: the real LLM twice, JupyterLab, and a browser beside them
ENOUGH_DISK = 1 * GB  # bytes: the real LLM while it is fetched


@dataclass(frozen=True)
class Finding:
    """One answer.

    Attributes:
        name: What was looked at.
        fact: What was found.
        advice: What to do; empty where all is well.
        wrong: Whether lessons cannot run as they are meant to until the advice is taken.
    """

    name: str
    fact: str
    advice: str = ""
    wrong: bool = False

    def __str__(self) -> str:
        mark = "wrong" if self.wrong else "advice" if self.advice else "ok"
        return f"{mark:<7} {self.name:<10} {self.fact}" + (f"\n{'':<19}{self.advice}" if self.advice else "")


def python() -> Finding:
    """Whether this Python is one that the package supports."""
    fact = f"{sys.version.split()[0]} at {sys.executable}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", fact)
    return Finding("Python", fact, "Use Python 3.11, 3.12 or 3.13.", wrong=True)


def jupyterlab() -> Finding:
    """Whether JupyterLab and what widgets need are installed."""
    try:
        parts = [f"{p} {importlib.metadata.version(p)}" for p in ("jupyterlab", "ipywidgets", "anywidget")]
    except importlib.metadata.PackageNotFoundError as e:
        return Finding("JupyterLab", f"{e.name} is not installed", "Install as the README says.", wrong=True)
    return Finding("JupyterLab", ", ".join(parts))


def torch() -> Finding:
    """Whether torch can be imported, and how many threads it uses."""
    try:
        import torch
    except (ImportError, OSError) as e:
        advice = "Install as the README says; on Windows torch also needs Microsoft's Visual C++ runtime."
        return Finding("torch", f"cannot be imported: {e}", advice, wrong=True)
    return Finding("torch", f"{torch.__version__}, {torch.get_num_threads()} threads")


def device() -> Finding:
    """Whether the device that lessons will use computes what float64 on the CPU computes."""
    try:
        from ..device import MAX_ERROR, pick_device, self_test

        chosen = pick_device()
        error = self_test(chosen)
    except (ImportError, OSError, RuntimeError) as e:
        return Finding("device", f"not tested: {e}", "Mend torch first.", wrong=True)
    fact = f"{chosen}: float32 differs from float64 by {error:.0e}, allowed {MAX_ERROR:.0e}"
    if error <= MAX_ERROR:
        return Finding("device", fact)
    return Finding(
        "device", fact, "Do not trust this device: run with CUDA_VISIBLE_DEVICES= set.", wrong=True
    )


def memory() -> Finding:
    """Whether there is memory for a lesson, the real LLM and a browser."""
    import psutil

    found = psutil.virtual_memory()
    fact = f"{found.total / GB:.1f} GB, {found.available / GB:.1f} GB free"
    if found.available >= ENOUGH_MEMORY:
        return Finding("memory", fact)
    return Finding("memory", fact, f"Close other programs: {ENOUGH_MEMORY / GB:.0f} GB free are comfortable.")


def disk() -> Finding:
    """Whether there is room for the real LLM where it goes."""
    place = next(p for p in (cache_dir(), *cache_dir().parents) if p.exists())
    free = shutil.disk_usage(place).free
    fact = f"{free / GB:.1f} GB free in {place}"
    if not os.access(place, os.W_OK):
        return Finding(
            "disk", fact, f"{place} cannot be written: set LLMASOS_EDU_CACHE to a folder that can."
        )
    if free >= ENOUGH_DISK or real_llm.present():
        return Finding("disk", fact)
    return Finding(
        "disk", fact, "The real LLM needs 0.8 GB while it is fetched. Make room, or move LLMASOS_EDU_CACHE."
    )


def font() -> Finding:
    """Whether figures can show 中文."""
    from matplotlib import font_manager

    names = {entry.name for entry in font_manager.fontManager.ttflist}
    found = sorted(n for n in names if any(part in n for part in CJK_FONTS))
    if found:
        return Finding("CJK font", found[0])
    advice = "Figures will show pinyin or token ids. Debian and Ubuntu: sudo apt install fonts-noto-cjk"
    return Finding("CJK font", "none", advice)


CJK_FONTS = ("CJK", "PingFang", "Heiti", "Microsoft YaHei", "SimHei", "WenQuanYi", "Source Han")


def model() -> Finding:
    """Whether the real LLM is there and undamaged."""
    place = real_llm.place()
    if not real_llm.present():
        return Finding("real LLM", f"not in {place}", "Run: llmasos-edu fetch smollm2")
    if not real_llm.intact():
        return Finding("real LLM", f"damaged: {place}", "Run: llmasos-edu fetch smollm2 --verify", wrong=True)
    return Finding("real LLM", f"complete, checksums verified: {place}")


CHECKS: tuple[Callable[[], Finding], ...] = (
    python, jupyterlab, torch, device, memory, disk, font, model,
)  # fmt: skip


def examine() -> Iterator[Finding]:
    """Every finding, one after the other."""
    return (check() for check in CHECKS)
