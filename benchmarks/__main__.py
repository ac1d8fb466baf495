"""Measure, side by side in one run: `python -m benchmarks [GROUP …]`, or `make bench WHAT="import widgets"`.

Each `bench_<group>.py` has `run()`, which returns its numbers. Without a group the quick ones run (those
without `QUICK = False`), under ten minutes together. Each group prints a table and ends with one line of
JSON. With LOG=1 that line, with the date and NOTE="what was tried", is appended to `LOG.md`. Ratios are what
to keep.
"""

from __future__ import annotations

import datetime
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "asimd", "sve", "bf16")


def groups() -> list[str]:
    """The names of all groups."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def machine() -> dict[str, Any]:
    """The CPU's name and instruction set, the cores, and the versions that matter."""
    import torch

    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    return {
        "cpu": fields.get("model name") or platform.processor() or platform.machine(),
        "instructions": [f for f in INSTRUCTIONS if f in flags] or [torch.backends.cpu.get_cpu_capability()],
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _lines(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(f"{name} · {key}" if name else str(key), inner)
    else:
        yield name, f"{value:,}" if isinstance(value, int) else str(value)


def show(result: dict[str, Any]) -> None:
    """Print the numbers of a group as two columns."""
    lines = list(_lines("", result))
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"  {name:<{width}}  {value}")


def log(line: dict[str, Any], note: str) -> None:
    """Append a dated line to LOG.md."""
    where = f"{line['machine']['cpu']} ({', '.join(line['machine']['instructions'])})"
    numbers = json.dumps(line["result"], ensure_ascii=False)
    with (HERE / "LOG.md").open("a", encoding="utf-8") as f:
        f.write(f"- {line['date']} · {line['group']} · {note or 'as it is'} · {where} · `{numbers}`\n")


def main(wanted: list[str]) -> int:
    """Run the groups that are asked for; 1 when a name is unknown or a group failed."""
    if unknown := set(wanted) - set(groups()):
        print(
            f"no group is called {', '.join(sorted(unknown))}; there are: {', '.join(groups())}",
            file=sys.stderr,
        )
        return 1
    here, failed = machine(), []
    print(json.dumps(here, ensure_ascii=False))
    for group in wanted or groups():
        module = importlib.import_module(f"benchmarks.bench_{group}")
        if not wanted and not getattr(module, "QUICK", True):
            print(f"\n{group}: takes long, runs only when named")
            continue
        print(f"\n{group}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        start = time.perf_counter()
        try:
            result = module.run()
        except Exception as error:  # one group must not take the others with it
            print(f"  failed: {type(error).__name__}: {error}", file=sys.stderr)
            failed.append(group)
            continue
        show(result)
        today = datetime.date.today().isoformat()
        seconds = round(time.perf_counter() - start, 1)
        line = {"group": group, "date": today, "seconds": seconds, "machine": here, "result": result}
        print(json.dumps(line, ensure_ascii=False), flush=True)
        if os.environ.get("LOG"):
            log(line, os.environ.get("NOTE", ""))
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or os.environ.get("WHAT", "").split()))
