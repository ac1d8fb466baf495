"""Asking a model's heads and layers what they do, by experiments on texts made for the question.

Teaches: a head is named by a measurement on a designed text, never by a look at one sentence (`roles`);
what it does for the model is shown by switching it off (`ablation`); what a layer has reached is read with
the model's own last step (`lens`).

Leaves out: probes that are trained, activation patching, feed-forward neurons, gradients.
Sources: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; Olsson et al. 2022,
"In-context Learning and Induction Heads"; nostalgebraist 2020, "interpreting GPT: the logit lens".
Explained in lesson 08.
"""

from .ablation import random_heads, strongest_heads, token_nats
from .lens import logit_lens
from .roles import LABEL_FROM, ROLES, label, repeated_ids, role_scores, roles

__all__ = [
    "LABEL_FROM", "ROLES", "label", "logit_lens", "random_heads", "repeated_ids", "role_scores", "roles",
    "strongest_heads", "token_nats",
]  # fmt: skip
