"""The optimizers: AdamW by hand, Muon, and which of them gets which parameter.

Teaches: what a step does with a gradient. AdamW scales each number on its own; Muon looks at a matrix as a
whole and makes its update turn all directions equally. Leaves out: fused kernels (training takes torch's
AdamW, which ours equals step for step), sharded matrices.
Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2; Jordan et al. 2024,
"Muon: An optimizer for hidden layers in neural networks". Explained in lesson 06.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .settings import TrainConfig

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["AdamW", "Muon", "make_optimizers", "orthogonalise", "share_out"]


class AdamW:
    """AdamW by hand: every number gets a step of its own size.

    Args:
        parameters: What it changes, in place.
        lr: Learning rate: about how far a number moves in a step.
        betas: Memory of the gradient, and of its square.
        eps: Keeps the division finite where gradients have been zero.
        weight_decay: Each number also shrinks by lr times this share of itself.

    Source: Loshchilov and Hutter 2019, algorithm 2.
    """

    def __init__(
        self,
        parameters: Iterable[torch.Tensor],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.1,
    ):
        self.parameters = list(parameters)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.mean = [torch.zeros_like(p) for p in self.parameters]
        self.square = [torch.zeros_like(p) for p in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self) -> None:
        """Change every parameter by its gradient."""
        self.steps += 1
        b1, b2 = self.betas
        for p, mean, square in zip(self.parameters, self.mean, self.square, strict=True):
            if p.grad is None:
                continue
            p -= self.lr * self.weight_decay * p
            mean += (1 - b1) * (p.grad - mean)  # the gradient, smoothed
            square += (1 - b2) * (p.grad**2 - square)  # its size, smoothed
            m = mean / (1 - b1**self.steps)  # both began at zero: undo that
            s = square / (1 - b2**self.steps)
            p -= self.lr * m / (s.sqrt() + self.eps)

    def zero_grad(self) -> None:
        """Forget the gradients; otherwise the next ones would add to them."""
        for p in self.parameters:
            p.grad = None


def orthogonalise(
    matrices: Float[torch.Tensor, "*n rows columns"], steps: int = 5
) -> Float[torch.Tensor, "*n rows columns"]:
    """Make all singular values of each matrix about 1, and leave its directions: U S Vᵀ becomes about U Vᵀ.

    Args:
        matrices: One, or a stack.
        steps: Newton–Schulz steps; each takes every singular value s to 3.4445 s − 4.7750 s³ + 2.0315 s⁵.

    Returns:
        The same shape; singular values from about 0.7 to 1.2, for those that were not tiny.

    Source: Jordan et al. 2024. Differs from source: in the dtype that comes, not in bfloat16, which is very
    slow on a processor without instructions for it.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)  # now no singular value is above 1
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised: every direction of a matrix moves equally far.

    Args:
        parameters: Matrices, or groups of them as torch's optimizers take. A group may say ``"rows"``: its
            parameters are several matrices above each other, of so many rows each.
        lr: How far a step goes: the update's singular values are about lr · √max(1, rows/columns).
        momentum: Memory of the gradient.
        weight_decay: Each number also shrinks by lr times this share of itself.

    Raises:
        ValueError: If a parameter is no matrix.

    Source: Jordan et al. 2024, with Nesterov momentum. Differs from source: equal shapes go through
    Newton–Schulz as one stack; float32. `torch.optim.Muon` does the same in bfloat16, one by one.
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ):
        super().__init__(
            parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "rows": None}
        )
        shapes = [tuple(p.shape) for group in self.param_groups for p in group["params"] if p.ndim != 2]
        if shapes:
            raise ValueError(f"Muon takes matrices (rows, columns); got {shapes}. Give those to AdamW.")

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change every matrix by its gradient."""
        alike = defaultdict(list)  # by shape: matrix, its update, its group
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                mean = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
                mean.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(mean, group["momentum"])  # Nesterov: look one step ahead
                rows = group["rows"] or len(p)
                for matrix, part in zip(p.split(rows), update.split(rows), strict=True):
                    alike[matrix.shape].append((matrix, part, group))
        for (rows, columns), found in alike.items():
            turned = orthogonalise(torch.stack([part for _, part, _ in found]))
            for (matrix, _, group), update in zip(found, turned, strict=True):
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.sub_(update, alpha=group["lr"] * max(1, rows / columns) ** 0.5)


def share_out(model: nn.Module, config: TrainConfig) -> dict[str, list[str]]:
    """Which parameter learns how: the one place that says it.

    Args:
        model: Its repeated blocks stand in an `nn.ModuleList`, so that their parameters' names hold a number.
        config: Its `optimizer`.

    Returns:
        Names of parameters that learn:
        ``"muon"``: matrices inside the blocks, at muon_lr, where the optimizer is Muon (else empty);
        ``"embedding"``: tables of embeddings (a head tied to one among them), at lr · embedding_factor;
        ``"matrix"``: all other matrices, the head among them, at lr;
        ``"vector"``: biases and norms, at lr, without weight decay.
    """
    tables = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    shares: dict[str, list[str]] = {"muon": [], "embedding": [], "matrix": [], "vector": []}
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        inside = re.search(r"\.\d+\.", name) is not None
        if p.ndim < 2:
            shares["vector"].append(name)
        elif id(p) in tables:
            shares["embedding"].append(name)
        else:
            shares["muon" if config.optimizer == "muon" and inside and p.ndim == 2 else "matrix"].append(name)
    return shares


def stacked_rows(model: nn.Module, name: str) -> tuple[int, ...] | None:
    """Rows of each matrix in a parameter that is several above each other; None where it is one.

    Our models keep query, key and value in one parameter, and gate and up, since one product is faster than
    three; but they are different matrices, and Muon must not mix their directions.
    """
    c: Any = getattr(model, "config", None)
    if name.endswith("qkv.weight"):
        return (c.n_heads * c.d_head, c.n_kv_heads * c.d_head, c.n_kv_heads * c.d_head)
    return (c.d_ff, c.d_ff) if name.endswith("gate_up.weight") else None


def make_optimizers(model: nn.Module, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """The optimizers of a run; each group knows its highest rate as ``"full_lr"``.

    Args:
        model: What they change.
        config: Its optimizer, lr, muon_lr, muon_momentum, embedding_factor, weight_decay, betas.

    Returns:
        AdamW, Muon, or both: torch's AdamW does in one kernel what ours does in lines.

    Raises:
        ValueError: If nothing in the model learns.
    """
    parameters, shares = dict(model.named_parameters()), share_out(model, config)
    groups: list[dict[str, Any]] = [
        {"params": [parameters[n] for n in shares[share]], "lr": lr, "weight_decay": decay}
        for share, lr, decay in (
            ("embedding", config.lr * config.embedding_factor, config.weight_decay),
            ("matrix", config.lr, config.weight_decay),
            ("vector", config.lr, 0.0),
        )
        if shares[share]
    ]
    made: list[torch.optim.Optimizer] = []
    if groups:
        made.append(torch.optim.AdamW(groups, betas=config.betas, fused=True))
    if shares["muon"]:
        matrices = [{"params": [parameters[n]], "rows": stacked_rows(model, n)} for n in shares["muon"]]
        made.append(
            Muon(matrices, config.muon_lr, momentum=config.muon_momentum, weight_decay=config.weight_decay)
        )
    if not made:
        raise ValueError("the model must have parameters that require a gradient; it has none")
    for group in (group for optimizer in made for group in optimizer.param_groups):
        group["full_lr"] = group["lr"]
    return made
