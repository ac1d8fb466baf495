"""What a lesson of this course holds besides: its name, its length, its template, an untouched state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmasos_edu.contract.cells import calls, code_cells, name_of, read, source_of, text_of
from llmasos_edu.contract.notebook import Problem, check_notebook

__all__ = ["check_lesson"]

NAME = re.compile(r"\d\d_[a-z][a-z0-9_]*\.ipynb")
CELLS = (35, 60)
WORDS = 2_600  # about 2,000, and some for headings and formulas
CODE_LINES = 15
PRINTED_LINES = 15
UNTOUCHED = {"predict": "none yet", "recall": "none yet", "check": "Not attempted yet"}


def check_lesson(path: str | Path) -> list[Problem]:
    """`check_notebook`, and what a lesson of this course holds besides.

    Args:
        path: The `.ipynb` of the lesson.

    Returns:
        The problems.

    Raises:
        ValueError: If the file is no notebook of format 4.
    """
    nb = read(path)
    return [*check_notebook(path), *_whole(nb, Path(path).name), *_cells(nb)]


def _whole(nb: dict[str, Any], name: str) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield Problem("", f"a lesson's file is named like 04_attention.ipynb; got {name}")
    count = len(nb["cells"])
    if not CELLS[0] <= count <= CELLS[1]:
        yield Problem("", f"a lesson has {CELLS[0]} to {CELLS[1]} cells; this one has {count}")
    prose = " ".join(source_of(c) for c in nb["cells"] if c["cell_type"] == "markdown")
    words = len(re.findall(r"[A-Za-z][\w'’-]*", re.sub(r"\$[^$]*\$", " ", prose)))
    if words > WORDS:
        yield Problem("", f"a lesson has about 2,000 words; this one has {words:,}")
    kernel = nb["metadata"].get("kernelspec", {})
    if kernel.get("name") != "python3" or nb["metadata"].get("language_info") != {"name": "python"}:
        yield Problem(
            "", 'needs kernelspec python3 and language_info {"name": "python"}: run `make notebooks`'
        )
    called = set().union(*map(calls, code_cells(nb))) if code_cells(nb) else set()
    for needed in ("begin", "end", "recall", "check"):
        if needed not in called:
            yield Problem("", f"no cell calls {needed}()")


def _cells(nb: dict[str, Any]) -> Iterator[Problem]:
    hidden = False  # whether this code cell must hide its output: it follows a prediction
    for cell in code_cells(nb):
        name, called = name_of(cell), calls(cell)
        lines = [line for line in source_of(cell).splitlines() if line.strip()]
        if len(lines) > CODE_LINES:
            yield Problem(name, f"a code cell has at most {CODE_LINES} lines; this one has {len(lines)}")
        text = "\n".join(map(text_of, cell.get("outputs", [])))
        printed = "".join(text_of(o) for o in cell.get("outputs", []) if o.get("output_type") == "stream")
        count = len(printed.splitlines())
        if count > PRINTED_LINES:
            yield Problem(name, f"a cell prints at most {PRINTED_LINES} lines; this one prints {count}")
        for call, state in UNTOUCHED.items():
            if call in called and cell.get("execution_count") and state not in text:
                yield Problem(name, f"stored by a reader's answer: the output of {call}() must say {state!r}")
        if hidden and not cell.get("metadata", {}).get("jupyter", {}).get("outputs_hidden"):
            yield Problem(name, "follows a prediction: hide its output (jupyter.outputs_hidden)")
        hidden = "predict" in called
