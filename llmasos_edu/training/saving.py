"""Stop and go on: a run's checkpoint, written so that nothing is lost but the steps since.

Teaches: what must be saved to go on bitwise: weights, what the optimizers remember, the step's number. Leaves
out how a folder is written (`checkpoint`). Explained in lesson 06.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import checkpoint
from ..checkpoint import Checkpoint
from ..config import Config
from .distributed import Ranks, like, whole
from .settings import TrainConfig

__all__ = ["load_memory", "memory", "resume_from", "save"]


def resume_from(
    run_dir: Path | None, model: nn.Module, config: TrainConfig, resume: bool
) -> Checkpoint | None:
    """Put a run's last checkpoint into the model; None where there is none.

    Raises:
        ValueError: If the model cannot be saved, the folder is used and must not be, or nothing fits.
    """
    if run_dir is None:
        return None
    wanted = config_of(model)
    folder = checkpoint.latest(run_dir)
    if folder is None:
        return None
    if not resume:
        raise ValueError(f"{run_dir} holds a run: take another folder, or resume=True to go on with it")
    saved = checkpoint.load(folder)
    if saved.config_json.strip() != wanted.to_json().strip():
        raise ValueError(
            f"the run in {run_dir} has a model with {saved.config_kind} {saved.config_json}; "
            f"this one has {wanted.to_json()}. Take another folder, or that model"
        )
    began = json.loads(saved.extra["training"])["optimizer"]
    if began != config.optimizer:
        raise ValueError(f"the run in {run_dir} began with optimizer={began!r}; got {config.optimizer!r}")
    checkpoint.restore(model, saved)
    return saved


def config_of(model: nn.Module) -> Config:
    """The model's own config; it is refused where it has none."""
    config = getattr(model, "config", None)
    if not isinstance(config, Config):
        raise ValueError(
            "a run with a run_dir needs a model whose .config is a Config, to build it again; "
            f"{type(model).__name__} has none. Take run_dir=None"
        )
    return config


def save(
    run_dir: Path, step: int, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer],
    config: TrainConfig, **extra: Any,
) -> None:  # fmt: skip
    """Write the checkpoint of a step, one process for all; older ones than `config.keep` go.

    Args:
        run_dir: The run's folder.
        step: How often the weights have been changed.
        model: Its weights are saved, whole where they are split.
        optimizers: What they remember is saved too.
        config: The run's, saved beside them.
        **extra: What else is to be known when going on; JSON.
    """
    ranks = Ranks.now()
    weights = {name: whole(tensor).cpu() for name, tensor in model.state_dict().items()}  # all take part
    remembered = {name: whole(tensor).cpu() for name, tensor in memory(model, optimizers)}
    if ranks.first:
        checkpoint.save(
            checkpoint.place(run_dir, step), model=weights, config=config_of(model), step=step,
            optimizer_state=remembered, extra={"training": config.to_json(), **extra},
        )  # fmt: skip
        checkpoint.keep(run_dir, config.keep)
    ranks.wait()


def memory(
    model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]
) -> Iterator[tuple[str, torch.Tensor]]:
    """What the optimizers remember of each parameter, as ``("blocks.0.….weight/exp_avg", tensor)``."""
    for name, p in model.named_parameters():
        for optimizer in optimizers:
            for what, value in optimizer.state.get(p, {}).items():
                yield f"{name}/{what}", value


def load_memory(
    model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], tensors: dict[str, torch.Tensor]
) -> None:
    """Give the optimizers back what `memory` gave."""
    parameters = dict(model.named_parameters())
    owner = {p: o for o in optimizers for group in o.param_groups for p in group["params"]}
    for key, tensor in tensors.items():
        name, what = key.rsplit("/", 1)
        p = parameters[name]
        owner[p].state[p][what] = like(tensor, p) if tensor.ndim else tensor.to(p.device)
