"""Import the package with its shape annotations switched on, so that a wrong shape fails a test.

The package imports jaxtyping under `TYPE_CHECKING` only. Here the libraries come first, then
`TYPE_CHECKING` is true while the package is imported through jaxtyping's hook with beartype.
"""

import importlib
import os
import pkgutil
import tempfile
import typing

import pytest
import torch
from jaxtyping import install_import_hook

# What the package imports from outside comes first, with TYPE_CHECKING as it is for everybody.
OUTSIDE = (
    "beartype", "numpy", "transformers", "anywidget", "gguf", "ipywidgets", "IPython.display",
    "jinja2.sandbox", "matplotlib.figure",
    "matplotlib.backends.backend_agg", "nbformat", "nbclient", "platformdirs", "regex", "safetensors.numpy",
    "safetensors.torch", "tokenizers", "tqdm.auto", "traitlets", "typer",
)  # fmt: skip

# the learner's own state and threads never reach a test
os.environ["LLMASOS_EDU_STATE"] = tempfile.mkdtemp(prefix="llmasos-edu-state-")
torch.set_num_threads(1)


def _import_package() -> None:
    for name in OUTSIDE:
        importlib.import_module(name)
    typing.TYPE_CHECKING = True
    try:
        with install_import_hook("llmasos_edu", "beartype.beartype"):
            package = importlib.import_module("llmasos_edu")
            for module in pkgutil.walk_packages(package.__path__, "llmasos_edu."):
                importlib.import_module(module.name)
    finally:
        typing.TYPE_CHECKING = False


def _needs(item: pytest.Item, marker: str, there: bool, what: str) -> None:
    """Skip a test whose need is not there, with the reason; under `CI` that is a failure."""
    if item.get_closest_marker(marker) and not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def pytest_runtest_setup(item: pytest.Item) -> None:
    from llmasos_edu import real_llm

    _needs(item, "real_llm", real_llm.present(), "the real LLM is missing: run llmasos-edu fetch smollm2")


_import_package()
