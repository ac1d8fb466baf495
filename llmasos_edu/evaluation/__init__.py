"""How good it is: what a model tells, judged by the world whose language it learned.

`sampling` lets a model tell stories, `stories` judges texts and counts them, `breaks` names what broke in an
impossible one, `intervals` says how far a counted share can be trusted. Of the tasks' answers `truth` says
what is true, sentence by sentence (`sentences`) and reply by reply (`replies`). Only `sampling` needs torch,
and only when it is called. Explained in lesson 07, and for the tasks in lessons 11 to 14.
"""

from .breaks import KINDS, kind_of
from .intervals import wilson
from .sampling import sample_stories
from .stories import Tally, Verdict, judge, most_impossible, tally, told
from .truth import ERRORS, Truth, error_counts

__all__ = [
    "ERRORS", "KINDS", "Tally", "Truth", "Verdict", "error_counts", "judge", "kind_of",
    "most_impossible", "sample_stories", "tally", "told",
    "wilson",
]  # fmt: skip
