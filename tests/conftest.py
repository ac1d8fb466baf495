"""Import the package with its shape annotations switched on, so that a wrong shape fails a test.

The package imports jaxtyping under `TYPE_CHECKING` only. Here the libraries come first, then
`TYPE_CHECKING` is true while the package is imported through jaxtyping's hook with beartype.
"""

import importlib
import os
import pkgutil
import tempfile
import typing

import torch
from jaxtyping import install_import_hook

# What the package imports from outside comes first, with TYPE_CHECKING as it is for everybody.
OUTSIDE = (
    "beartype", "numpy", "transformers", "anywidget", "gguf", "ipywidgets", "IPython.display",
    "matplotlib.figure",
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


_import_package()
