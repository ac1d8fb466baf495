"""The rows of the architecture: a module imports only from rows below its own, and importing does nothing."""

import ast
import json
import os
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
    3: {"training", "generation", "lora", "data_processing", "costs", "probing"},
    2: {"gpt", "llama", "first_models", "batches", "checkpoint", "corpora", "real_llm"},
    1: {
        "attention", "torch_attention", "probability", "tokenizer", "tinyworld", "token_files", "progress",
    },
    0: {"config", "device", "files", "rounding"},
}  # fmt: skip
ROW_OF = {name: row for row, names in ROWS.items() for name in names}
NO_TORCH = ROWS[0] | ROWS[1] | {"corpora", "real_llm", "data_processing", "evaluation"}
NO_TORCH -= {"device", "torch_attention"}
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


# Each module is imported alone, in a child of a process that holds only what others made: a fork is cheap,
# and nothing that one module leaves behind reaches the next.
IMPORTS = """
import importlib, json, os, socket, sys, tempfile, traceback, warnings
import {preloaded}
{modules}
def alone(name):
    def refuse(*a, **k): raise RuntimeError("importing opened a socket")
    socket.socket.connect = refuse
    os.chdir(tempfile.mkdtemp())
    warnings.filterwarnings("error", category=DeprecationWarning, module="llmasos_edu")
    with open("told", "w+") as told:
        os.dup2(told.fileno(), 1), os.dup2(told.fileno(), 2)
        try:
            importlib.import_module("llmasos_edu." + name)
            sys.stdout.flush(), sys.stderr.flush()
            if {no_torch}:
                assert "torch" not in sys.modules, "torch was imported"
                assert "matplotlib.pyplot" not in sys.modules, "pyplot was imported"
            assert os.listdir() == ["told"], f"importing wrote {{os.listdir()}}"
            told.seek(0)
            said = told.read()
            return said and "importing printed: " + said
        except BaseException:
            return traceback.format_exc()
found = {{}}
for name in modules:
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.write(into, alone(name)[-4000:].encode())
        os._exit(0)
    os.close(into)
    found[name] = os.fdopen(out).read()
    os.waitpid(child, 0)
print(json.dumps(found))
"""


def _problems(names: list[str], preloaded: str, no_torch: bool) -> dict[str, str]:
    code = IMPORTS.format(preloaded=preloaded, modules=f"modules = {names!r}", no_torch=no_torch)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def problems() -> dict[str, str]:
    """Module → what importing it did that it must not; empty where it did nothing."""
    light = [name for name in modules() if name.split(".")[0] in NO_TORCH | {"cli"}]
    heavy = [name for name in modules() if name not in light]
    return _problems(light, "numpy", True) | _problems(
        heavy, "numpy, torch, anywidget, matplotlib.figure", False
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each import stands in a fork, which Windows lacks")
@pytest.mark.parametrize("name", modules())
def test_importing_does_nothing(name, problems):
    assert problems[name] == ""
