"""Training: one loop from a laptop's processor to many GPUs, stopped, resumed, watched.

`train(model, batches, TrainConfig(steps=400))` trains any module that turns ids (B, T) into logits (B, T, V).
Read `loop` first: it is the whole of it in reading order. `optimizers` says which parameter learns how,
`settings` what one can choose, `measuring` how a model is tested, `distributed` what many processes change,
and PAST_ONE_MACHINE.md, beside it, what it takes from one laptop to thousands of GPUs.

Leaves out: where batches come from (`batches`), answers to instructions (`finetuning`), drawing (`plots`).
Explained in lesson 06.
"""

from ..batches import IGNORE
from ..first_models import mean_nats as loss
from .distributed import Ranks, together
from .loop import train
from .measuring import Watch, at_rest, evaluate, on_stories, on_word
from .optimizers import AdamW, Muon, make_optimizers, orthogonalise, share_out
from .records import Diverged, Event, History
from .running import Batches
from .settings import TrainConfig, rate

__all__ = [
    "IGNORE",
    "AdamW",
    "Batches",
    "Diverged",
    "Event",
    "History",
    "Muon",
    "Ranks",
    "TrainConfig",
    "Watch",
    "at_rest",
    "evaluate",
    "loss",
    "make_optimizers",
    "on_stories",
    "on_word",
    "orthogonalise",
    "rate",
    "share_out",
    "together",
    "train",
]
