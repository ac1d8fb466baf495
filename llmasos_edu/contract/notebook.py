"""What any notebook must hold, so that running it again proves something."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from llmasos_edu.contract.cells import (
    IGNORED,
    SKIPPED,
    code_cells,
    html_of,
    is_compared,
    joined,
    makes_claim,
    name_of,
    read,
    source_of,
    tags_of,
    text_of,
)  # fmt: skip

__all__ = ["Problem", "check_notebook"]

MAX_BYTES = 200_000
MIN_COMPARED = 0.6
ID = re.compile(r"[a-z]+[a-z0-9]*(-[a-z0-9]+)*")
MADE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?")
FOLDERS = "home|Users|root|tmp|usr|var|opt|work|mnt|media|private|etc|srv|content|workspace"
PATH = re.compile(rf"(?<![\w.:/])/(?:{FOLDERS})/[\w.-]+|\b[A-Z]:\\\\?\w+")
WARNING = re.compile(r"\b[A-Z]\w*Warning\b")
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")
REACHING_OUT = re.compile(r"^\s*(!|%pip\b|%conda\b|%%bash\b|%%sh\b)|\bpip install\b", re.MULTILINE)
BARE_IMAGE = re.compile(r"!\[\s*\]\(|<img(?![^>]*\balt\s*=\s*['\"][^'\"])[^>]*>", re.IGNORECASE)
BARE_SVG = re.compile(r"<svg(?![^>]*\baria-(label|hidden|labelledby)\s*=)[^>]*>(?!\s*<title>)", re.IGNORECASE)


class Problem(NamedTuple):
    """What is wrong, in which cell (its id; empty for the whole notebook)."""

    cell: str
    what: str

    def __str__(self) -> str:
        return f"{self.cell}: {self.what}" if self.cell else self.what


def check_notebook(path: str | Path) -> list[Problem]:
    """Read a notebook and list what it breaks.

    Args:
        path: The `.ipynb`.

    Returns:
        The problems, in the notebook's order; empty where it holds.

    Raises:
        ValueError: If the file is no notebook of format 4.
    """
    nb = read(path)
    problems = [*_whole(nb, Path(path)), *_ids(nb)]
    for cell in nb["cells"]:
        for what in _cell(cell):
            problems.append(Problem(name_of(cell), what))
    return [*problems, *_order(nb), *_concepts(nb)]


def _whole(nb: dict[str, Any], path: Path) -> Iterator[Problem]:
    size = path.stat().st_size
    if size >= MAX_BYTES:
        yield Problem("", f"the file must stay under {MAX_BYTES:,} bytes; it has {size:,}")
    if "widgets" in nb["metadata"]:
        yield Problem("", "widget state is stored in the notebook's metadata; it changes with every run")
    cells = code_cells(nb)
    compared = sum(map(is_compared, cells))
    if cells and compared < MIN_COMPARED * len(cells):
        wanted = f"at least {MIN_COMPARED:.0%} must"
        yield Problem("", f"{compared} of {len(cells)} code cells have text that is compared; {wanted}")


def _ids(nb: dict[str, Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for cell in nb["cells"]:
        name = name_of(cell)
        if name in seen:
            yield Problem(name, "the cell id stands twice")
        if not ID.fullmatch(name) or MADE_ID.fullmatch(name):
            yield Problem(name, "a cell id is made of fixed words, such as softmax-by-hand")
        seen.add(name)


def _order(nb: dict[str, Any]) -> Iterator[Problem]:
    """Executed once, from top to bottom: the counts are 1, 2, 3 …"""
    for expected, cell in enumerate(code_cells(nb), start=1):
        if cell.get("execution_count") is None:
            yield Problem(name_of(cell), "was not executed; a runner would skip its comparison in silence")
        elif cell["execution_count"] != expected:
            yield Problem(
                name_of(cell), f"was executed as number {cell['execution_count']}, but stands as {expected}"
            )


def _concepts(nb: dict[str, Any]) -> Iterator[Problem]:
    """Each block that begins at a cell tagged `concept` makes a claim that is compared."""
    blocks: list[tuple[str, bool]] = []
    for cell in nb["cells"]:
        if "concept" in tags_of(cell):
            blocks.append((name_of(cell), False))
        elif cell["cell_type"] == "markdown" and source_of(cell).startswith("## "):
            blocks.append(("", True))
        elif blocks and makes_claim(cell) and is_compared(cell):
            blocks[-1] = (blocks[-1][0], True)
    for name, claims in blocks:
        if not claims:
            yield Problem(name, "this concept makes no claim that is compared")
    if not any(name for name, _ in blocks):
        yield Problem("", "no cell is tagged concept: tag the heading of each concept block")


def _cell(cell: dict[str, Any]) -> Iterator[str]:
    """What is wrong within one cell."""
    source, tags = source_of(cell), tags_of(cell)
    if cell["cell_type"] == "markdown":
        if BARE_IMAGE.search(source):
            yield "a picture has no alt text"
        return
    if cell["cell_type"] != "code":
        return
    if REACHING_OUT.search(source):
        yield "a cell installs nothing and runs no shell"
    if IGNORED in tags and not makes_claim(cell):
        yield f"its output is not compared ({IGNORED}), so it must make a claim"
    if SKIPPED in tags:
        yield f"is never run by a check ({SKIPPED})"
    if "execution" in cell.get("metadata", {}):
        yield "timestamps are stored in the cell's metadata"
    for output in cell.get("outputs", []):
        yield from _output(output, tags)


def _output(output: dict[str, Any], tags: set[str]) -> Iterator[str]:
    kind = output.get("output_type")
    if kind == "error" and "raises-exception" not in tags:
        yield f"stopped with {output.get('ename')}: {output.get('evalue')}"
    if kind == "stream" and output.get("name") == "stderr":
        yield f"wrote to stderr: {joined(output['text']).strip()[:80]!r}"
    for mime in output.get("data", {}):
        alt = output.get("metadata", {}).get(mime, {}).get("alt", "")
        if mime.startswith("image/") and not str(alt).strip():
            yield f"a picture ({mime}) has no alt text"
    text = text_of(output)
    if BARE_IMAGE.search(html_of(output)) or BARE_SVG.search(html_of(output)):
        yield "a picture in its HTML has no alt text"
    host = platform.node()
    for what, found in (
        ("a warning", WARNING.search(text)),
        ("an absolute path", PATH.search(text)),
        ("a memory address", ADDRESS.search(text)),
        ("this machine's name", re.search(rf"\b{re.escape(host)}\b", text) if len(host) > 3 else None),
    ):
        if found and "raises-exception" not in tags:
            yield f"{what} stands in an output: {found.group()!r}"
