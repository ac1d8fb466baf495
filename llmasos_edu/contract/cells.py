"""Reading a stored notebook: its cells, their words, what a runner compares of them."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

__all__ = [
    "IGNORED", "SKIPPED", "calls", "code_cells", "compared_share", "html_of", "is_compared", "joined",
    "makes_claim", "name_of", "read", "source_of", "tags_of", "text_of",
]  # fmt: skip

IGNORED, SKIPPED = "nbval-ignore-output", "nbval-skip"


def compared_share(path: str | Path) -> tuple[int, int]:
    """How many code cells have a text output that is really compared, and how many there are.

    Args:
        path: The `.ipynb`.

    Returns:
        Both counts.
    """
    cells = code_cells(read(path))
    return sum(map(is_compared, cells)), len(cells)


def read(path: str | Path) -> dict[str, Any]:
    """A notebook as it is stored; a ValueError says why a file is none."""
    try:
        nb = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as e:  # no JSON, or no UTF-8
        raise ValueError(f"{Path(path).name} is no notebook: {e}") from e
    if not isinstance(nb, dict) or nb.get("nbformat") != 4 or not isinstance(nb.get("cells"), list):
        raise ValueError(f"{Path(path).name} must be a notebook of format 4; open and save it in JupyterLab")
    return nb


def is_compared(cell: dict[str, Any]) -> bool:
    """Whether a runner compares a text output of this cell, and there is one."""
    if cell["cell_type"] != "code" or cell.get("execution_count") is None:
        return False
    if tags_of(cell) & {IGNORED, SKIPPED}:
        return False
    return any(text_of(output).strip() for output in cell.get("outputs", []))


def makes_claim(cell: dict[str, Any]) -> bool:
    """Whether a code cell calls `claim`."""
    return "claim" in calls(cell)


def code_cells(nb: dict[str, Any]) -> list[dict[str, Any]]:
    """The code cells that are not empty."""
    return [c for c in nb["cells"] if c["cell_type"] == "code" and source_of(c).strip()]


def name_of(cell: dict[str, Any]) -> str:
    """A cell's id."""
    return str(cell.get("id", ""))


def tags_of(cell: dict[str, Any]) -> set[str]:
    """A cell's tags."""
    return set(cell.get("metadata", {}).get("tags", []))


def source_of(cell: dict[str, Any]) -> str:
    """A cell's words or code."""
    return joined(cell.get("source", ""))


def joined(text: str | list[str]) -> str:
    """A stored text, which may be one string or a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def text_of(output: dict[str, Any]) -> str:
    """All text of an output that a runner compares."""
    data = output.get("data", {})
    parts = [data[mime] for mime in data if mime.startswith("text/")]
    return "\n".join(map(joined, [*parts, output.get("text", "")]))


def html_of(output: dict[str, Any]) -> str:
    """The HTML of an output."""
    return joined(output.get("data", {}).get("text/html", ""))


def calls(cell: dict[str, Any]) -> set[str]:
    """The last names of what a code cell calls: {"check", "hint"} for ``check.hint(…)`` and ``check(…)``."""
    if cell["cell_type"] != "code":
        return set()
    try:
        tree = ast.parse(source_of(cell))
    except SyntaxError:  # a cell with IPython's magics
        return set(re.findall(r"\b(\w+)\(", source_of(cell)))
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {f.id if isinstance(f, ast.Name) else getattr(f, "attr", "") for f in functions}
