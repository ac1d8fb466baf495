"""The learner's own copies of the lessons: without outputs, and never overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

from llmasos_edu.files import atomic_write, repo_root

__all__ = ["clear_outputs", "copy_lessons", "write_notebook"]

RAN = "ran_source"  # metadata of executing: which source made a kept output


def clear_outputs(nb: Any) -> Any:
    """Take out what a run left: outputs, counts, and the folding that hides an answer.

    Args:
        nb: An nbformat notebook; changed in place.

    Returns:
        The same notebook.
    """
    nb.metadata.pop("widgets", None)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            for key in ("jupyter", "execution", RAN):
                cell.metadata.pop(key, None)
    return nb


def copy_lessons(
    target: str | Path | None = None, *, fresh: str | None = None, source: str | Path | None = None
) -> list[Path]:
    """Give the learner copies of the lessons, outputs cleared. What is there is never overwritten.

    Args:
        target: The learner's folder; `my_lessons/` where None.
        fresh: Two digits: a new copy of this lesson beside the old one.
        source: Where the lessons lie; `notebooks/` where None.

    Returns:
        The files that were made.

    Raises:
        ValueError: If there is no lesson `fresh`; lists what there is.
    """
    target = Path(target or repo_root() / "my_lessons")
    source = Path(source or repo_root() / "notebooks")
    lessons = sorted(source.glob("[0-9][0-9]_*.ipynb"))
    if fresh is not None:
        lessons = [p for p in lessons if p.name.startswith(f"{fresh}_")]
        if not lessons:
            known = ", ".join(p.name[:2] for p in sorted(source.glob("[0-9][0-9]_*.ipynb"))) or "none"
            raise ValueError(f"there is no lesson {fresh!r}; there are: {known}")
    made = []
    for lesson in lessons:
        place = target / lesson.name
        if place.exists() and fresh is None:
            continue
        number = 2
        while place.exists():
            place = target / f"{lesson.stem}_{number}.ipynb"
            number += 1
        write_notebook(place, clear_outputs(nbformat.read(lesson, as_version=4)))
        made.append(place)
    for page in sorted(source.glob("*.md")):  # lessons point to them by their names
        if not (target / page.name).exists():
            with atomic_write(target / page.name) as f:
                f.write(page.read_text(encoding="utf-8"))
            made.append(target / page.name)
    return made


def write_notebook(path: Path, nb: Any) -> bool:
    """Write a notebook where it differs from what is there."""
    nbformat.validate(nb)
    text = nbformat.writes(nb, version=4).rstrip("\n") + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    with atomic_write(path) as f:
        f.write(text)
    return True
