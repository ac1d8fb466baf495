"""Attention in NumPy: how a word looks at other words, `softmax(QKᵀ/√d_k)V`.

Teaches one formula as a `ladder` with one signature: `attention_by_loops` (to read), `attention_by_matrices`
(the same in a few lines), `attention` (the checked entry). Then `masks`, and `heads`: several, grouped, or
between two texts.

Leaves out: gradients, dropout and speed (`torch_attention` has the fused kernel), positions (lesson 05).
Source: Vaswani et al. 2017, "Attention Is All You Need", equation 1 and section 3.2.2; grouped heads:
Ainslie et al. 2023, "GQA". Explained in lesson 04.

Shapes: Tq queries look at Tk keys, d_head numbers each; values may have another width, d_value. A mask says
what a query may see: boolean, True = may look; or floats that are added to the scores (0 = may look, -inf =
may not). A query that may look nowhere gets zeros, weights and output alike.
"""

from .heads import merge_heads, multi_head_attention, share_heads, split_heads
from .ladder import attention, attention_by_loops, attention_by_matrices, attention_weights
from .masks import causal_mask, padding_mask

__all__ = [
    "attention",
    "attention_by_loops",
    "attention_by_matrices",
    "attention_weights",
    "causal_mask",
    "merge_heads",
    "multi_head_attention",
    "padding_mask",
    "share_heads",
    "split_heads",
]
