"""Checkpoints: a folder of safetensors and JSON that is complete or not there.

Teaches: to go on after a crash a run needs its weights, what the optimizer remembers, and the number of its
step; the data follow from the step. A folder is written beside its place, with checksums, and renamed.
Leaves out: pickle (reading one can run code) and pieces written by several processes.
Lesson 06 kills a run and resumes it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from llmasos_edu.config import Config
from llmasos_edu.files import atomic_folder, sha256_of

__all__ = [
    "Checkpoint",
    "keep",
    "latest",
    "load",
    "place",
    "refuse_pickle",
    "restore",
    "save",
    "write_tensors",
]

FORMAT, VERSION = "llmasos-edu checkpoint", 1
ABOUT, CONFIG, MODEL, OPTIMIZER = (
    "checkpoint.json",
    "config.json",
    "model.safetensors",
    "optimizer.safetensors",
)
STEP = re.compile(r"step-(\d+)")
#: How a pickle begins: torch's zip archive, or the pickle protocols 2 to 5.
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        step: Steps done.
        config_kind: Name of the model's config class.
        config_json: Its settings, for `from_json` of that class.
        tensors: The model's, by name, on the CPU.
        optimizer_tensors: What the optimizer remembers, by name, on the CPU; empty where none was saved.
        extra: What else was saved, as JSON gives it.
    """

    step: int
    config_kind: str
    config_json: str
    tensors: dict[str, torch.Tensor]
    optimizer_tensors: dict[str, torch.Tensor]
    extra: dict[str, Any]


def place(run_dir: str | Path, step: int) -> Path:
    """The folder of a step's checkpoint in a run's folder."""
    return Path(run_dir) / f"step-{step:08d}"


def save(
    folder: str | Path,
    *,
    model: nn.Module | Mapping[str, torch.Tensor],
    config: Config,
    step: int,
    optimizer_state: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write a checkpoint; it appears once it is complete and on the disk.

    Args:
        folder: Its place; an older one is replaced.
        model: The module, or its tensors by name.
        config: The model's settings.
        step: Steps done.
        optimizer_state: Tensors by name, such as ``"embed.weight/momentum"``.
        extra: Anything that JSON can say.

    Returns:
        The folder.

    Raises:
        TypeError: If optimizer_state holds something that is no tensor, or extra something that is no JSON.
        OSError: If the disk is full or refuses; an older checkpoint is then as it was.
    """
    folder = Path(folder)
    tensors = model.state_dict() if isinstance(model, nn.Module) else dict(model)
    with atomic_folder(folder) as new:
        shared = _write(new / MODEL, tensors)
        if optimizer_state is not None:
            _write(new / OPTIMIZER, optimizer_state)
        (new / CONFIG).write_text(config.to_json() + "\n", encoding="utf-8")
        files = {f.name: {"bytes": f.stat().st_size, "sha256": sha256_of(f)} for f in sorted(new.iterdir())}
        about = {
            "format": FORMAT, "version": VERSION, "step": step, "config_kind": type(config).__name__,
            "shared": shared, "extra": dict(extra or {}), "files": files,
        }  # fmt: skip
        (new / ABOUT).write_text(_json(about | {"checksum": _checksum(about)}) + "\n", encoding="utf-8")
        for file in new.iterdir():
            _to_disk(file)
    return folder


def _write(path: Path, tensors: Mapping[str, Any]) -> dict[str, str]:
    """Write tensors; of tied weights, which are one, the first alone. Returns the names of the rest."""
    first: dict[tuple[Any, ...], str] = {}
    shared: dict[str, str] = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            raise TypeError(f"{name} must be a tensor; got {type(tensor).__name__}. Put numbers into extra")
        same = first.setdefault((tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype), name)
        if same != name and tensor.numel():
            shared[name] = same
    kept = {name: t.detach().cpu().contiguous() for name, t in tensors.items() if name not in shared}
    # views of one larger tensor are no tied weights: each gets its own memory
    kept = {name: t.clone() if t.untyped_storage().nbytes() > t.nbytes else t for name, t in kept.items()}
    write_tensors(path, kept)
    return shared


def write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write contiguous tensors as one safetensors file.

    Raises:
        OSError: If the disk refuses.
    """
    try:
        safetensors.torch.save_file(tensors, path, {"format": "pt"})
        path.chmod(path.parent.stat().st_mode & 0o666)  # save_file's is private
    except SafetensorError as e:  # it says "os error 28" where Python says OSError
        if code := re.search(r"os error (\d+)", str(e)):
            raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from e
        raise


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)


def _checksum(about: dict[str, Any]) -> str:
    return hashlib.sha256(_json(about).encode()).hexdigest()


def _to_disk(file: Path) -> None:
    """Wait until the disk has it: a rename must not overtake what it names."""
    with open(file, "rb+") as f:
        os.fsync(f.fileno())


def load(folder: str | Path) -> Checkpoint:
    """Read a checkpoint; every file is compared with its checksum first.

    Args:
        folder: The checkpoint.

    Returns:
        What it holds.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is a pickle, of another kind, or damaged; says which file and why.
    """
    folder = Path(folder)
    if not folder.exists():
        raise FileNotFoundError(errno.ENOENT, "there is no checkpoint", str(folder))
    refuse_pickle(folder)
    about = _about(folder)
    for name, entry in about["files"].items():
        if reason := _damage(folder / name, entry):
            raise ValueError(f"the checkpoint {folder} is damaged: {name} {reason}. Take an older one")
    tensors = safetensors.torch.load_file(folder / MODEL)
    tensors |= {name: tensors[same] for name, same in about["shared"].items()}
    optimizer = safetensors.torch.load_file(folder / OPTIMIZER) if OPTIMIZER in about["files"] else {}
    config_json = (folder / CONFIG).read_text(encoding="utf-8")
    return Checkpoint(about["step"], about["config_kind"], config_json, tensors, optimizer, about["extra"])


def _about(folder: Path) -> dict[str, Any]:
    """The checkpoint's own description, checked."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        kind, version, checksum = about["format"], about["version"], about.pop("checksum")
    except (NotADirectoryError, FileNotFoundError) as e:
        raise ValueError(
            f"{folder} is no checkpoint of this project: a folder with {ABOUT} was expected. A Hugging Face "
            "folder is read by llmasos_edu.pretrained"
        ) from e
    except (ValueError, KeyError, TypeError) as e:
        raise ValueError(f"the checkpoint {folder} is damaged: {ABOUT} cannot be read ({e})") from e
    if (kind, version) != (FORMAT, VERSION):
        raise ValueError(f"{folder} must be a {FORMAT} of version {VERSION}; got {kind} of version {version}")
    if _checksum(about) != checksum:
        raise ValueError(f"the checkpoint {folder} is damaged: {ABOUT} does not fit its checksum")
    return about


def _damage(file: Path, entry: dict[str, Any], quick: bool = False) -> str | None:
    """What is wrong with a file, or None."""
    if not file.is_file():
        return "is missing"
    if (size := file.stat().st_size) != entry["bytes"]:
        return f"must have {entry['bytes']:,} bytes; it has {size:,}"
    if not quick and sha256_of(file) != entry["sha256"]:
        return "does not fit its checksum"
    return None


def refuse_pickle(path: str | Path) -> None:
    """Refuse pickled weights by their first bytes, unread: a file, or one in a folder without safetensors.

    Raises:
        ValueError: If there are any; names them.
    """
    path = Path(path)
    files = [path] if path.is_file() else sorted(f for f in path.iterdir() if f.is_file())
    pickles = []
    for file in files:
        with open(file, "rb") as f:
            if f.read(4).startswith(PICKLES):
                pickles.append(file)
    weights = {file for file in files if file.suffix == ".safetensors"}
    if pickles and (weights & set(pickles) or not weights):
        raise ValueError(
            f"{pickles[0]} holds pickled weights, and reading a pickle can run code: it was not read. "
            "Convert it to safetensors where you trust it"
        )


def restore(model: nn.Module, checkpoint: Checkpoint) -> None:
    """Put a checkpoint's tensors into a model, exactly those that it has.

    Args:
        model: Changed in place, all of it or nothing.
        checkpoint: From `load`.

    Raises:
        ValueError: If tensors are missing, too many or of another shape; names each.
    """
    wanted = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    found = {name: tuple(t.shape) for name, t in checkpoint.tensors.items()}
    wrong = [f"{name}: expected {wanted[name]}, got {found[name]}" for name in wanted
             if name in found and wanted[name] != found[name]]  # fmt: skip
    problems = {
        "missing": [name for name in wanted if name not in found],
        "not in the model": [name for name in found if name not in wanted],
        "of another shape": wrong,
    }
    if any(problems.values()):
        said = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in problems.items() if names)
        raise ValueError(f"the checkpoint does not fit the model. Tensors {said}")
    model.load_state_dict(checkpoint.tensors)


def latest(run_dir: str | Path) -> Path | None:
    """The newest complete checkpoint of a run, or None; what is unfinished or cut short is passed over."""
    return next((folder for folder in _newest_first(run_dir) if _complete(folder)), None)


def _newest_first(run_dir: str | Path) -> list[Path]:
    found = [f for f in Path(run_dir).glob("step-*") if STEP.fullmatch(f.name)]
    return sorted(found, key=lambda f: int(f.name.removeprefix("step-")), reverse=True)


def _complete(folder: Path) -> bool:
    try:
        files = _about(folder)["files"]
    except ValueError:
        return False
    return not any(_damage(folder / name, entry, quick=True) for name, entry in files.items())


def keep(run_dir: str | Path, n: int) -> None:
    """Remove all but the newest `n` complete checkpoints of a run, and what killed writes left.

    Args:
        run_dir: The run's folder; nobody else may be writing a checkpoint there.
        n: How many to keep.

    Raises:
        ValueError: If `n` is below 1.
    """
    if n < 1:
        raise ValueError(f"at least 1 checkpoint must be kept; got n={n}")
    complete = [folder for folder in _newest_first(run_dir) if _complete(folder)]
    for folder in complete[n:]:
        hidden = folder.with_name(f".{folder.name}.old")  # first out of sight, so that no half is ever seen
        shutil.rmtree(hidden, ignore_errors=True)
        os.replace(folder, hidden)
    for leftover in Path(run_dir).glob(".step-*"):
        shutil.rmtree(leftover, ignore_errors=True)
