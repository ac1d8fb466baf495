"""The attention exercises of lesson 04: the weights, and several heads.

`weights` (with `weights_mistakes`) and `heads` hold one exercise each: probes designed so that no wrong
version looks right, and the mistakes that people really make.
"""

from .heads import MULTI_HEAD
from .weights import WEIGHTS

__all__ = ["EXERCISES"]

EXERCISES = [WEIGHTS, MULTI_HEAD]
