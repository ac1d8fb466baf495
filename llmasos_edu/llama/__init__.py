"""Today's decoder, from leaf to root.

layers     rotation, attention, feed-forward, block                  lessons 06, 08
model      the blocks stacked, the first weights
settings   its numbers, its options, models by name
one_token  the same layers for one new token on a CPU, where every small step counts
"""

from .layers import rotary_table, rotate
from .model import Llama
from .settings import PRESETS, LlamaConfig

__all__ = ["PRESETS", "Llama", "LlamaConfig", "rotary_table", "rotate"]
