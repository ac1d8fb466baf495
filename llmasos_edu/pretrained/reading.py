"""The tensors of a Hugging Face folder: their names and shapes at once, their numbers only when asked for.

Teaches: weights on disk are a table of contents and one long row of numbers. The file is mapped into memory,
not read: a tensor is a view of the file, and a page comes from the disk when it is first touched. Each tensor
has a mapping of its own, which ends with it, so that a model of any size passes through a small window.

Leaves out every other format. A pickle (``pytorch_model.bin``) is refused unread, since reading it can run
any code. Source: the safetensors format, docs of the `safetensors` library.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from llmasos_edu.checkpoint import refuse_pickle

__all__ = ["DTYPES", "Weights", "read_json"]

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
ONE, INDEX = "model.safetensors", "model.safetensors.index.json"
CONVERT = "transformers.AutoModelForCausalLM.from_pretrained(old).save_pretrained(new), then load new"


class Weights:
    """Named tensors of a folder, one file or several with an index.

    Args:
        folder: Holds ``model.safetensors``, or ``model.safetensors.index.json`` and the files that it names.

    Attributes:
        shapes: Name → shape.
        dtypes: Name → kind of number as stored, such as ``"F32"``.

    Raises:
        ValueError: If there are no safetensors (a pickle is named, unread), a file is damaged, the index does
            not fit the files, or two files hold the same tensor.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._file_of: dict[str, str] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, str] = {}
        for path in _files(folder):
            with _open(path) as opened:
                for name in opened.keys():  # noqa: SIM118 (a handle, not a dict)
                    self._add(name, path.name, opened.get_slice(name))
        _check_index(folder, self._file_of)

    def _add(self, name: str, file: str, part: Any) -> None:
        if name in self._file_of:
            raise ValueError(f"{name} must stand in one file; it is in {self._file_of[name]} and {file}")
        self._file_of[name] = file
        self.shapes[name] = tuple(part.get_shape())
        self.dtypes[name] = part.get_dtype()

    def __getitem__(self, name: str) -> torch.Tensor:
        """The tensor as stored, a view of the mapped file."""
        with _open(self._folder / self._file_of[name]) as opened:
            return opened.get_tensor(name)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        ValueError: If the file is missing or holds anything else; says where.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"the folder must hold {path.name}; {path.parent} has none") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as e:
        raise ValueError(f"{path.name} must be JSON: {e}") from e
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} must be a JSON object; got a {type(found).__name__}")
    return found


def _files(folder: Path) -> list[Path]:
    try:
        refuse_pickle(folder)
    except ValueError as e:
        raise ValueError(f"{e}, once: {CONVERT}") from None
    if (folder / ONE).is_file():
        return [folder / ONE]
    if not (folder / INDEX).is_file():
        raise ValueError(f"the folder must hold {ONE} or {INDEX}; {folder} has neither")
    names = sorted({str(name) for name in _weight_map(folder).values()})
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise ValueError(f"{INDEX} names {name!r}, which is no file of {folder}; copy the folder again")
    return [folder / name for name in names]


def _weight_map(folder: Path) -> dict[str, str]:
    found = read_json(folder / INDEX).get("weight_map")
    if not isinstance(found, dict) or not found:
        raise ValueError(f'{INDEX} must hold a "weight_map" of tensor names to files; got {str(found)[:40]}')
    return found


def _check_index(folder: Path, file_of: dict[str, str]) -> None:
    if (folder / ONE).is_file():
        return
    told = _weight_map(folder)
    if wrong := sorted(name for name in {*told, *file_of} if told.get(name) != file_of.get(name)):
        listed = ", ".join(f"{n} (index: {told.get(n)}, found in: {file_of.get(n)})" for n in wrong[:8])
        raise ValueError(f"{INDEX} does not fit the files at {len(wrong)} tensors: {listed}")


def _open(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt")
    except SafetensorError as e:
        raise ValueError(f"{path.name} is damaged or no safetensors file ({e}); copy it again") from e
