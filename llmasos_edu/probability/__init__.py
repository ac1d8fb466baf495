"""Probability for language models: from scores to distributions, their measures in nats, and n-grams.

`distributions` turns scores into probabilities, `measures` says how surprising a text is, `ngrams` predicts
the next word by counting, `sampling` writes. Lesson 02 explains all four. Masks are not here: they belong
to attention.
"""

from llmasos_edu.probability.distributions import log_softmax, logsumexp, softmax
from llmasos_edu.probability.measures import (
    bits_per_byte,
    bootstrap_interval,
    chain_rule,
    cross_entropy,
    entropy,
    kl_divergence,
    perplexity,
    to_bits,
)
from llmasos_edu.probability.ngrams import NGram
from llmasos_edu.probability.sampling import continuation, sample

__all__ = [
    "NGram",
    "bits_per_byte",
    "bootstrap_interval",
    "chain_rule",
    "continuation",
    "cross_entropy",
    "entropy",
    "kl_divergence",
    "log_softmax",
    "logsumexp",
    "perplexity",
    "sample",
    "softmax",
    "to_bits",
]
