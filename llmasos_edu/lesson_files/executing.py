"""Running lessons: in place, so that a second run leaves no diff, and under nbval."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from llmasos_edu import progress, real_llm
from llmasos_edu.files import atomic_write, data_dir, repo_root
from llmasos_edu.lesson_files.copies import RAN, write_notebook
from llmasos_edu.lesson_files.environment import lesson_environment

__all__ = ["compare", "execute", "needs_real_llm"]

IGNORED = "nbval-ignore-output"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def needs_real_llm(path: str | Path) -> bool:
    """Whether a notebook has a cell tagged `real-llm`."""
    cells = nbformat.read(path, as_version=4).cells
    return any("real-llm" in cell.metadata.get("tags", []) for cell in cells)


def execute(
    path: str | Path, *, everything: bool = False, hide_real_llm: bool = False, write: bool = True
) -> bool:
    """Run a lesson from top to bottom in a fresh kernel and store its outputs in place.

    Widget state and timestamps are left out, and a cell tagged `nbval-ignore-output` keeps its stored output
    while its source is unchanged, so that a second run leaves no diff. The lines that the lesson adds to the
    table of the blank go to `data/runs/blank.json`.

    Args:
        path: The `.ipynb`.
        everything: Also renew what would be kept.
        hide_real_llm: Run as on a machine without the real LLM.
        write: Whether the outputs are stored; False only runs.

    Returns:
        Whether the file changed.

    Raises:
        RuntimeError: If a cell fails, naming it; the file is then as it was. Also if the outputs would be
            stored without the real LLM that the lesson asks.
    """
    path = Path(path)
    if write and needs_real_llm(path) and not real_llm.present():
        raise RuntimeError(f"{path.name} asks the real LLM, which is not here: llmasos-edu fetch smollm2")
    nb = nbformat.read(path, as_version=4)
    stored = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        env = lesson_environment(folder)
        if hide_real_llm:
            env["LLMASOS_EDU_CACHE"] = str(Path(folder) / "no-model")
        _run(nb, path, env)
        rows = _blank_rows(Path(env["LLMASOS_EDU_STATE"]))
    if not write:
        return False
    _tidy(nb, {} if everything else stored)
    if path.resolve().parent == repo_root() / "notebooks":
        _store_blank(rows)
    return write_notebook(path, nb)


def _run(nb: Any, path: Path, env: dict[str, str]) -> None:
    """Execute all cells of `nb` in place, in the notebook's own folder."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    client = NotebookClient(
        nb, timeout=None, kernel_name="python3", resources={"metadata": {"path": str(path.parent.resolve())}}
    )
    try:
        client.execute(env=env)
    except CellExecutionError as e:
        failed = next((c.id for c in nb.cells if _failed(c)), "?")
        raise RuntimeError(f"{path.name}, cell {failed}: {e.ename}: {e.evalue}") from e


def _failed(cell: Any) -> bool:
    return cell.cell_type == "code" and any(o.output_type == "error" for o in cell.outputs)


def _tidy(nb: Any, stored: dict[str, Any]) -> None:
    """Leave in the notebook what a second run would leave too."""
    nb.metadata.pop("widgets", None)
    nb.metadata["kernelspec"] = {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    nb.metadata["language_info"] = {"name": "python"}
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        cell.outputs = [_plain_output(o) for o in _merged(cell.outputs)]
        if IGNORED in cell.metadata.get("tags", []):
            source = hashlib.sha256(cell.source.encode()).hexdigest()[:12]
            before = stored.get(cell.id)
            if before is not None and before.metadata.get(RAN) == source and before.outputs:
                cell.outputs = before.outputs
                for output in cell.outputs:
                    if output.output_type == "execute_result":
                        output.execution_count = cell.execution_count
            cell.metadata[RAN] = source
        else:
            cell.metadata.pop(RAN, None)


def _merged(outputs: Sequence[Any]) -> list[Any]:
    """Pieces of one stream as one output: a kernel cuts them as its clock will have it."""
    merged: list[Any] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if (
            last is not None
            and output.output_type == last.output_type == "stream"
            and output.name == last.name
        ):
            last.text += output.text
        else:
            merged.append(output)
    return merged


def _plain_output(output: Any) -> Any:
    """An output without the view of a widget whose state is not stored."""
    if len(output.get("data", {})) > 1:
        output.data.pop(WIDGET_VIEW, None)
        output.metadata.pop(WIDGET_VIEW, None)
    return output


def _blank_rows(state: Path) -> list[dict[str, Any]]:
    events, _ = progress.read(state / "progress.jsonl")
    rows = [{k: e[k] for k in ("lesson", "name", "kite", "drum")} for e in events if e["kind"] == "blank"]
    return list({(r["lesson"], r["name"]): r for r in rows}.values())


def _store_blank(rows: list[dict[str, Any]]) -> None:
    """Put a lesson's lines of the table of the blank in the place of its older ones."""
    place = data_dir() / "runs" / "blank.json"
    kept = json.loads(place.read_text(encoding="utf-8")) if place.exists() else []
    of = {r["lesson"] for r in rows}
    rounded = [{**r, "kite": float(f"{r['kite']:.4g}"), "drum": float(f"{r['drum']:.4g}")} for r in rows]
    lines = sorted([r for r in kept if r["lesson"] not in of] + rounded, key=lambda r: r["lesson"])
    if lines != kept:
        with atomic_write(place) as f:
            f.write("[\n" + ",\n".join(" " + json.dumps(r, ensure_ascii=False) for r in lines) + "\n]\n")


def compare(paths: Sequence[str], options: Sequence[str] = ()) -> int:
    """Run notebooks under nbval, strictly: every stored text output is compared.

    Without the real LLM the lessons that ask it are skipped, with the reason; under `CI` that is a failure.

    Args:
        paths: Notebooks.
        options: Further options of pytest, such as ``-n 2``.

    Returns:
        The exit status: 0 where all agree.
    """
    missing = [] if real_llm.present() else [p for p in paths if needs_real_llm(p)]
    for path in missing:
        print(f"skipped: {Path(path).name} asks the real LLM, which is not here: llmasos-edu fetch smollm2")
    if missing and os.environ.get("CI"):
        return 1
    chosen = [str(p) for p in paths if p not in missing]
    if not chosen:
        return 0
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    command += ["--nbval", "--nbval-current-env", "--dist", "loadfile", *options, *chosen]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return subprocess.run(command, env=lesson_environment(folder), check=False).returncode
