"""Attention in torch: the formula in two forms, the KV cache, and what stands around it in a model.

formula   explicit (shows its weights) and fused (fast); the causal mask      lesson 04
cache     keys and values kept from step to step                              lesson 07
heads     one layer's heads at work: fused, or by a function of the reader    lessons 04, 08
decoder   what every decoder shares: positions, padding, looking inside       lessons 05, 08
"""

from .cache import KVCache
from .decoder import Decoder, Embedding
from .formula import attention_weights, causal_mask, explicit_attention, fused_attention
from .heads import Heads

__all__ = [
    "Decoder",
    "Embedding",
    "Heads",
    "KVCache",
    "attention_weights",
    "causal_mask",
    "explicit_attention",
    "fused_attention",
]
