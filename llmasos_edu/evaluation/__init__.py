"""How good it is: what a model tells, judged by the world whose language it learned.

`sampling` lets a model tell stories, `stories` judges texts and counts them, `breaks` names what broke in an
impossible one, `intervals` says how far a number can be trusted. Of the tasks' answers `truth` says what is
true, sentence by sentence (`sentences`) and reply by reply (`replies`), `text_metrics` what papers count,
`reliability` whether a model knows how sure it may be, `scores` puts them together, and `baselines` answers
without a model. Only `sampling` needs torch, and only when it is called. Explained in lesson 07, and for the
tasks in lessons 11 to 14.
"""

from .breaks import KINDS, kind_of
from .intervals import paired_interval, wilson
from .reliability import Calibration, calibration
from .sampling import sample_stories
from .stories import Tally, Verdict, judge, most_impossible, tally, told
from .text_metrics import bleu, chrf, exact_match, f1, normalized, rouge, rouge_l
from .truth import ERRORS, Truth, error_counts

__all__ = [
    "ERRORS", "KINDS", "Calibration", "Tally", "Truth", "Verdict", "bleu", "calibration", "chrf",
    "error_counts", "exact_match", "f1", "judge", "kind_of", "most_impossible", "normalized",
    "paired_interval", "rouge", "rouge_l", "sample_stories", "tally", "told", "wilson",
]  # fmt: skip
