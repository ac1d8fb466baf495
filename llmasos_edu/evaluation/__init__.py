"""How good it is: what a model tells, judged by the world whose language it learned.

`sampling` lets a model tell stories, `stories` judges texts and counts them, `breaks` names what broke in an
impossible one, `intervals` says how far a counted share can be trusted. Only `sampling` needs torch, and only
when it is called. Explained in lesson 07.
"""

from .breaks import KINDS, kind_of
from .intervals import wilson
from .sampling import sample_stories
from .stories import Tally, Verdict, judge, most_impossible, tally, told

__all__ = [
    "KINDS", "Tally", "Verdict", "judge", "kind_of", "most_impossible", "sample_stories", "tally", "told",
    "wilson",
]  # fmt: skip
