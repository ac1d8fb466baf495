"""The settings of a training run, and the learning rate that they give each step.

Teaches: what one can choose when training, each with its unit; the rate is a pure function of the step, so
a resumed run needs no state to go on with the right one. Leaves out: the model's shape (`gpt`, `llama`) and
how many rows a batch has (`batches`).
Source: Loshchilov and Hutter 2017, "SGDR" (cosine); Hägele et al. 2024, "Scaling Laws and Compute-Optimal
Training Beyond Fixed Training Durations" (constant, then a straight line down). Explained in lesson 06.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..config import Config, setting

__all__ = ["TrainConfig", "rate"]


@dataclass(frozen=True)
class TrainConfig(Config):
    """What one can choose when training.

    Raises:
        ValueError: If a value is of the wrong kind or out of bounds, or two do not fit together.
    """

    steps: int = setting(400, "how often the weights are changed", "steps", least=1)
    optimizer: Literal["adamw", "muon"] = setting(
        "adamw", "muon: Muon for the matrices inside the blocks, AdamW for all else"
    )
    lr: float = setting(1e-3, "AdamW's learning rate, at its highest", least=0)
    muon_lr: float = setting(0.02, "Muon's learning rate, at its highest", least=0)
    muon_momentum: float = setting(0.95, "Muon's memory of the gradient; less suits short runs", least=0)
    embedding_factor: float = setting(1.0, "the embeddings learn this many times as fast as lr", least=0)
    warmup: int = setting(0, "the rate rises in a straight line for so long", "steps", least=0)
    schedule: Literal["cosine", "linear"] = setting("cosine", "how the rate falls")
    decay_from: float = setting(0.0, "the rate falls from this share of the run on", least=0, most=1)
    final: float = setting(0.0, "the rate's last value, as a share of its highest", least=0, most=1)
    weight_decay: float = setting(0.1, "shrinks matrices by lr times this a step, vectors not", least=0)
    betas: tuple[float, float] = setting((0.9, 0.95), "AdamW's memory of gradients and of their squares")
    clip: float | None = setting(1.0, "longer gradients are cut to this length; none: as they are", least=0)
    accumulate: int = setting(1, "parts a batch is split into, one after the other, to save memory", least=1)
    dtype: Literal["float32", "bfloat16"] = setting("float32", "bfloat16: autocast, the weights stay float32")
    compile: bool = setting(False, "let torch.compile make faster code first; takes a minute")
    fsdp: bool = setting(
        False, "under torchrun: split weights over the processes, where one card is too small"
    )
    evaluate_every: int = setting(100, "how often the model is tested", "steps", least=1)
    save_every: int = setting(100, "how often a checkpoint is written", "steps", least=1)
    keep: int = setting(1, "how many of the latest checkpoints stay on disk", "checkpoints", least=1)
    seed: int = setting(0, "draws dropout; in the command also first weights and batches", least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(0 <= b < 1 for b in self.betas):
            raise ValueError(f"betas must be two numbers from 0 to below 1; got {self.betas}")
        if self.warmup > self.steps:
            raise ValueError(f"warmup must be at most steps; got {self.warmup} of {self.steps} steps")
        if self.fsdp and self.optimizer == "muon":
            raise ValueError('fsdp splits matrices and Muon needs whole ones; take optimizer="adamw"')


def rate(step: int, config: TrainConfig) -> float:
    """The learning rate of a step, as a share of its highest value.

    Args:
        step: From 0; the first step with warm-up already moves.
        config: Its steps, warmup, schedule, decay_from, final.

    Returns:
        From 0 to 1: up during the warm-up, then 1, then down to `final` at the end.

    Example:
        >>> config = TrainConfig(steps=10, warmup=2, schedule="linear", decay_from=0.6)
        >>> [round(rate(step, config), 2) for step in range(10)]
        [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    begin = max(config.warmup, config.decay_from * config.steps)
    done = min(1.0, max(0.0, step - begin) / max(1, config.steps - begin))  # of the fall, 0 to 1
    fall = 1 - done if config.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
    return rise * (config.final + (1 - config.final) * fall)
