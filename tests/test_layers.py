"""The rows of the architecture: a module imports only from rows below its own, and importing does nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "llmasos_edu"

ROWS = {
    8: {"cli"},
    7: {"explore", "lesson", "exercises", "contract", "lesson_files"},
    6: {"widgets"},
    5: {"plots"},
    4: {"evaluation", "finetuning", "pretrained"},
    3: {"training", "generation", "lora", "data_processing", "costs"},
    2: {"gpt", "llama", "first_models", "batches", "checkpoint", "corpora", "real_llm"},
    1: {
        "attention", "torch_attention", "probability", "tokenizer", "tinyworld", "token_files", "progress",
    },
    0: {"config", "device", "files", "rounding"},
}  # fmt: skip
ROW_OF = {name: row for row, names in ROWS.items() for name in names}
NO_TORCH = (ROWS[0] | ROWS[1] | {"corpora", "real_llm", "data_processing"}) - {"device", "torch_attention"}
FORBIDDEN = {"plots": {"training"}, "widgets": {"training"}}


def modules() -> dict[str, Path]:
    """Dotted module name (without the package) → file."""
    return {
        ".".join(p.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): p
        for p in sorted(PACKAGE.rglob("*.py"))
        if p != PACKAGE / "__init__.py"
    }


def imports_of(path: Path) -> set[str]:
    """Top-level names of this package that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.relative_to(PACKAGE).parent.parts
            base = base[: len(base) - node.level + 1]
            parts = [*base, *(node.module.split(".") if node.module else [])]
            found |= {parts[0]} if parts else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "llmasos_edu":
            rest = node.module.split(".")[1:]
            found |= {rest[0]} if rest else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("llmasos_edu.")}
    return found


def test_every_module_has_a_row():
    assert {name.split(".")[0] for name in modules()} <= set(ROW_OF)


@pytest.mark.parametrize("name", modules())
def test_imports_only_downwards(name):
    top = name.split(".")[0]
    for other in imports_of(modules()[name]) - {top, "__version__"}:
        assert ROW_OF[other] < ROW_OF[top], (
            f"{name} (row {ROW_OF[top]}) imports {other} (row {ROW_OF[other]})"
        )
        assert other not in FORBIDDEN.get(top, set()), f"{top} must not know {other}"


QUIET = """
import socket, sys
def refuse(*a, **k): raise RuntimeError("importing opened a socket")
socket.socket.connect = refuse
import {module}
assert not {no_torch} or "torch" not in sys.modules, "torch was imported"
assert "matplotlib.pyplot" not in sys.modules or not {no_torch}
"""


@pytest.mark.parametrize("name", modules())
def test_importing_does_nothing(name, tmp_path):
    no_torch = name.split(".")[0] in NO_TORCH | {"cli"}
    code = QUIET.format(module=f"llmasos_edu.{name}", no_torch=no_torch)
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:llmasos_edu", "-c", code],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
