"""One training run on several processes: torch's own engine, and the few places where it touches the loop.

Teaches: each process takes its own part of every batch; gradients are added up over all of them before the
step (DDP), so all make the same step. Where one card cannot hold the model, its weights are split too and
each block is gathered when its turn comes (FSDP). Leaves out: tensor, pipeline and expert parallelism.
Source: Li et al. 2020, "PyTorch Distributed"; Rajbhandari et al. 2020, "ZeRO". Explained in
PAST_ONE_MACHINE.md, beside this file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from .settings import TrainConfig

__all__ = ["Ranks", "like", "parallel", "quiet", "together", "whole"]


@dataclass(frozen=True)
class Ranks:
    """Who we are among the processes of a run: number `rank` of `count`."""

    rank: int = 0
    count: int = 1

    @staticmethod
    def now() -> Ranks:
        """As the process group says; alone where there is none."""
        if dist.is_available() and dist.is_initialized():
            return Ranks(dist.get_rank(), dist.get_world_size())
        return Ranks()

    @property
    def first(self) -> bool:
        """Whether it is we who write files and show things."""
        return self.rank == 0

    def total(self, value: float | int, device: torch.device) -> float:
        """The sum over all processes, the same in each."""
        if self.count == 1:
            return float(value)
        box = torch.tensor(value, dtype=torch.float64, device=device)
        dist.all_reduce(box)
        return box.item()

    def wait(self) -> None:
        """Until all processes are here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def together(device: torch.device | None = None) -> Iterator[Ranks]:
    """Join the processes that `torchrun` started; without it, be the only one.

    Args:
        device: Where we compute; nccl for CUDA (without a number: each process its own card), gloo otherwise.

    Yields:
        Who we are.
    """
    if "WORLD_SIZE" not in os.environ:
        yield Ranks()
        return
    if device is not None and device.type == "cuda":
        card = torch.device("cuda", int(os.environ["LOCAL_RANK"]) if device.index is None else device.index)
        torch.cuda.set_device(card)  # or every process would also open, and wait on, card 0
        dist.init_process_group("nccl", device_id=card)
    else:
        dist.init_process_group("gloo")
    try:
        yield Ranks.now()
    finally:
        dist.destroy_process_group()


def parallel(model: nn.Module, config: TrainConfig, ranks: Ranks) -> nn.Module:
    """The same parameters behind a forward pass for many processes, compiled where the config says so.

    Args:
        model: The model; its parameters' names stay what they are.
        config: Its fsdp and compile.
        ranks: Who we are.

    Returns:
        What to call in place of the model when training.
    """
    run = model
    if ranks.count > 1 and config.fsdp:
        from torch.distributed.fsdp import fully_shard  # here, because it takes a second to import

        mesh = dist.device_mesh.init_device_mesh(next(model.parameters()).device.type, (ranks.count,))
        for module in [*model.modules()][::-1]:
            if isinstance(module, nn.ModuleList):
                for block in module:
                    fully_shard(block, mesh=mesh)
        fully_shard(model, mesh=mesh)
    elif ranks.count > 1:
        run = DistributedDataParallel(model)
    return torch.compile(run) if config.compile else run  # type: ignore[return-value]


@contextmanager
def _unsynchronised(model: Any) -> Iterator[None]:
    model.set_requires_gradient_sync(False)
    try:
        yield
    finally:
        model.set_requires_gradient_sync(True)


def quiet(run: nn.Module, last: bool) -> AbstractContextManager[None]:
    """Within it gradients only gather here; with the last part of a batch they are added over processes."""
    wrapped: Any = getattr(run, "_orig_mod", run)  # what torch.compile wrapped
    if not last and isinstance(wrapped, DistributedDataParallel):
        return wrapped.no_sync()
    if not last and hasattr(wrapped, "set_requires_gradient_sync"):  # FSDP gave it this method
        return _unsynchronised(wrapped)
    return nullcontext()


def whole(tensor: Any) -> torch.Tensor:
    """A tensor without the split: what FSDP spread over the processes, put together in each."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def like(tensor: torch.Tensor, model: Any) -> torch.Tensor:
    """A whole tensor, put where `model` is, and split as it is."""
    tensor = tensor.to(model.device)
    if not hasattr(model, "placements"):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(tensor, model.device_mesh, model.placements)
