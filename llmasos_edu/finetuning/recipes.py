"""How each task is learned from tinyworld-base: settings that were tried, in one place for everybody.

Teaches: a task has a recipe (what a step shows, how many steps, which rates), found by trying; the tries
stand in benchmarks/LOG.md. The command and the benchmark take the same one. Leaves out: other
models, for which these are a first guess. Explained in lesson 09.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..batches import STRIDE
from ..config import Config, setting
from ..tinyworld import Turn
from ..tinyworld.practice import practice
from ..training import TrainConfig

__all__ = ["OWN", "RECIPES", "Practice", "lasting", "lessons_of"]


@dataclass(frozen=True)
class Practice(Config):
    """What the steps of a finetuning show."""

    batch_size: int = setting(16, "examples a step, over all processes", "examples", least=1)
    questions: int = setting(8, "the most about one story, for question answering", "questions", least=1)
    beginnings: int = setting(0, "so long only the beginnings of stories are shown", "steps", least=0)


_MUON = TrainConfig(
    steps=1600, optimizer="muon", lr=0.004, muon_lr=0.02, muon_momentum=0.9, embedding_factor=5.0,
    schedule="linear", warmup=10, weight_decay=0.0, betas=(0.8, 0.95), clip=None, evaluate_every=400,
    save_every=400,
)  # fmt: skip

#: Of each task from tinyworld-base: what is shown, and how it is learned. Translation and summarization run
#: longer here than in the tries of LOG.md, as far as three minutes on two cores allow.
RECIPES: dict[str, tuple[Practice, TrainConfig]] = {
    "question_answering": (Practice(batch_size=16, beginnings=800), _MUON),
    "translation": (Practice(batch_size=16), _MUON.replace(steps=1200)),
    "summarization": (Practice(batch_size=16), _MUON.replace(steps=900)),
    "dialogue": (Practice(batch_size=16, beginnings=600), _MUON.replace(steps=1200)),
}
#: For conversations of one's own.
OWN = (
    Practice(batch_size=8),
    TrainConfig(steps=300, lr=0.0005, schedule="linear", warmup=10, weight_decay=0.0),
)


def lasting(config: TrainConfig, steps: int) -> TrainConfig:
    """A recipe's settings for another number of steps; its warm-up takes no more than all of them."""
    return config.replace(steps=steps, warmup=min(config.warmup, steps))


def lessons_of(task: str, language: str, shown: Practice) -> Callable[[int], Sequence[Turn]]:
    """The conversations that a run learns a task from, for `batches.Documents`.

    Args:
        task: One of `RECIPES`.
        language: Of what is given.
        shown: Beginnings at first, then whole stories.

    Returns:
        Number of a document → turns. A run's seed begins at its own multiple of `batches.STRIDE`.

    Raises:
        ValueError: If the task or the language is unknown.
    """
    whole = practice(task, language, questions=shown.questions)
    begun = practice(task, language, questions=shown.questions, beginnings=True)
    first = shown.beginnings * shown.batch_size
    return lambda n: (begun if n % STRIDE < first else whole)(n)
