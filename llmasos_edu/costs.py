"""What a model costs, counted from its config before it exists: parameters, FLOPs, bytes.

Teaches: nearly all of it is matrices, so one token costs about 2 FLOPs a parameter forward and 4 more
backward; attention adds what grows with the context. Tests hold each count equal to what torch counts.

Leaves out: time (how near a machine comes to its peak is measured, not counted), optimizer state, and the
small change of elementwise work.
Source: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", table 1. Explained in lesson 05.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from .gpt import GPTConfig
from .llama import LlamaConfig

__all__ = [
    "Flops",
    "activation_bytes",
    "cache_bytes",
    "flops_per_token",
    "parameters",
    "parameters_by_part",
    "weight_bytes",
]

ModelConfig = GPTConfig | LlamaConfig


def parameters_by_part(config: ModelConfig) -> dict[str, int]:
    """How many parameters each part of the model has, all layers together.

    Args:
        config: The model's numbers.

    Returns:
        part → parameters, in the order in which a token meets them; parts that the model lacks have 0.
    """
    c = config
    n_norms = 2 * c.n_layers + 1
    if isinstance(c, GPTConfig):
        position = c.context_length * c.d_model
        norms = n_norms * c.d_model
        biases = norms + c.n_layers * (5 * c.d_model + c.d_ff) if c.bias else 0  # qkv 3, output 1, down 1
    else:
        position = 0
        norms = n_norms * c.d_model if c.norm_weights else 0
        norms += 2 * c.n_layers * c.d_head if c.qk_norm == "weighted" else 0
        biases = c.n_layers * (c.n_heads + 2 * c.n_kv_heads) * c.d_head if c.qkv_bias else 0
    return {
        "embedding": c.vocab_size * c.d_model,
        "position": position,
        "attention": c.n_layers * _attention_matrices(c),
        "feed_forward": c.n_layers * _feed_forward_matrices(c),
        "norms": norms,
        "biases": biases,
        "head": 0 if c.tied else c.vocab_size * c.d_model,
    }


def parameters(config: ModelConfig) -> int:
    """How many numbers training may change.

    Args:
        config: The model's numbers.

    Returns:
        The count; a tied head is the embedding and counts once.

    Example:
        >>> parameters(GPTConfig.preset("small"))
        124439808
    """
    return sum(parameters_by_part(config).values())


class Flops(NamedTuple):
    """Multiplications and additions for one token."""

    matrices: int
    attention: int

    @property
    def total(self) -> int:
        """Both."""
        return self.matrices + self.attention


def flops_per_token(config: ModelConfig, context: int, backward: bool = False) -> Flops:
    """What one token costs: a product of (n, m) with a vector takes n·m multiplications and additions each.

    Args:
        config: The model's numbers.
        context: T, keys that each query is compared with: the row's length in training (a causal kernel may
            skip the half that nobody may see; this counts it), or the tokens so far with a cache.
        backward: Count training, forward and backward: three times as much, because each product has two
            gradients that are products of the same size.

    Returns:
        FLOPs of the matrices (the head included: it is a product, the embedding a look-up), and of attention.

    Source: Kaplan et al. 2020, table 1; Chowdhery et al. 2022, "PaLM", appendix B.
    Differs from source: the head counts. A fused attention kernel computes its scores again in the backward
    pass, a sixth more attention than this.

    Example:
        >>> flops_per_token(GPTConfig.preset("small"), context=1024).total
        284812800
    """
    c = config
    weights = c.n_layers * (_attention_matrices(c) + _feed_forward_matrices(c)) + c.vocab_size * c.d_model
    attention = c.n_layers * 2 * c.n_heads * c.d_head * context  # q · k, then weights · v
    passes = 3 if backward else 1
    return Flops(passes * 2 * weights, passes * 2 * attention)


def weight_bytes(config: ModelConfig, dtype: torch.dtype = torch.float32) -> int:
    """Bytes of the weights; reading them once a token is the floor for the time of a token.

    Args:
        config: The model's numbers.
        dtype: Of each weight.

    Returns:
        Bytes.

    Example:
        >>> weight_bytes(LlamaConfig.preset("smollm2"))
        538060032
    """
    return parameters(config) * dtype.itemsize


def cache_bytes(
    config: ModelConfig, length: int, dtype: torch.dtype = torch.float32, batch_size: int = 1
) -> int:
    """Bytes of keys and values kept for `length` tokens: 2 · L · B · Hkv · length · Dh numbers.

    Args:
        config: The model's numbers.
        length: Tokens there is room for.
        dtype: Of keys and values.
        batch_size: B, rows.

    Returns:
        Bytes.
    """
    c = config
    return 2 * c.n_layers * batch_size * c.n_kv_heads * length * c.d_head * dtype.itemsize


def activation_bytes(config: ModelConfig, batch_size: int, T: int) -> int:
    """Bytes that forward and loss keep for the backward pass, in float32 and without dropout.

    Args:
        config: The model's numbers.
        batch_size: B, rows.
        T: Tokens in a row.

    Returns:
        Bytes, as torch's CPU kernels keep them: each input of a product or a norm, what activations need, and
        the log-probabilities of the loss. Fused attention keeps one number a query, not its T weights.
    """
    c = config
    per_token = c.n_layers * (_kept_by_attention(c) + _kept_by_feed_forward(c))
    per_token += _kept_by_norm(c) + c.vocab_size  # the last norm; the loss
    per_token += 2 + 2  # ids and targets, 8 bytes each
    per_position = 2  # position ids
    if isinstance(c, LlamaConfig):
        per_token += c.vocab_size if c.logit_cap else 0  # tanh
        per_position = 2 * c.d_head  # cos and sin
    return 4 * T * (batch_size * per_token + per_position)


def _attention_matrices(c: ModelConfig) -> int:
    return c.d_model * (c.n_heads + 2 * c.n_kv_heads) * c.d_head + c.n_heads * c.d_head * c.d_model


def _feed_forward_matrices(c: ModelConfig) -> int:
    gated = isinstance(c, LlamaConfig) and c.activation == "swiglu"
    return (3 if gated else 2) * c.d_model * c.d_ff


def _kept_by_norm(c: ModelConfig) -> int:
    """Numbers a token: its input, its statistics, its output (which a product takes in)."""
    if isinstance(c, GPTConfig):
        return c.d_model + 2 + c.d_model
    return c.d_model + 1 + (2 if c.norm_weights else 1) * c.d_model  # before and after the weights


def _kept_by_attention(c: ModelConfig) -> int:
    """Numbers a token: q, k, v, what was found, and one number for each head."""
    q_and_k = (c.n_heads + c.n_kv_heads) * c.d_head
    kept = _kept_by_norm(c) + q_and_k + c.n_kv_heads * c.d_head + c.n_heads * (c.d_head + 1)
    if isinstance(c, LlamaConfig):
        kept += q_and_k  # before they are turned (v lies in the same memory)
        kept += c.n_heads + c.n_kv_heads if c.qk_norm != "none" else 0
        kept += q_and_k if c.qk_norm == "weighted" else 0  # normed, before the weights
    return kept


def _kept_by_feed_forward(c: ModelConfig) -> int:
    """Numbers a token: before and after the activation; SwiGLU has a gate beside."""
    gated = isinstance(c, LlamaConfig) and c.activation == "swiglu"
    return _kept_by_norm(c) + (4 if gated else 2) * c.d_ff
