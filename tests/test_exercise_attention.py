"""The attention exercises: each mistake is named as itself, unusual right answers pass."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from llmasos_edu.exercises.attention import EXERCISES
from llmasos_edu.exercises.diagnosing import diagnose

from .bank_contract import hold

WEIGHTS, MULTI_HEAD = EXERCISES


# --- right but unusual: weights -----------------------------------------------------------------------------


def by_einsum_in_float32(q, k, mask=None):
    q, k = q.astype(np.float32), k.astype(np.float32)
    scores = np.einsum("...id,...jd->...ij", q, k) / np.float32(np.sqrt(q.shape[-1]))
    scores = scores if mask is None else np.where(mask, scores, np.float32(-np.inf))
    scores -= np.maximum(scores.max(-1, keepdims=True), np.float32(-1e30))
    parts = np.exp(scores)
    return parts / np.maximum(parts.sum(-1, keepdims=True), np.float32(1e-30))


def masked_after_with_renormalising(q, k, mask=None):
    w = softmax(q @ np.swapaxes(k, -1, -2) / q.shape[-1] ** 0.5, axis=-1)
    if mask is not None:
        w = w * mask
        w = w / np.maximum(w.sum(-1, keepdims=True), 1e-300)
    return w


def scaled_before_and_additive(q, k, mask=None):
    root = q.shape[-1] ** 0.25
    scores = (q / root) @ np.swapaxes(k / root, -1, -2)
    allowed = np.ones_like(scores, bool) if mask is None else np.broadcast_to(mask, scores.shape)
    scores = scores + np.where(allowed, 0, -1e9)
    return softmax(scores, axis=-1) * allowed.any(-1, keepdims=True)


def row_by_row(q, k, mask=None):
    shape = (*q.shape[:-1], k.shape[-2])
    allowed = np.ones(shape, bool) if mask is None else np.broadcast_to(mask, shape)
    out = np.zeros(shape)
    for place in np.ndindex(*q.shape[:-1]):
        keys, see = k[place[:-1]], allowed[place]
        if see.any():
            out[place][see] = softmax(keys[see] @ q[place] / np.sqrt(len(q[place])))
    return out


# --- right but unusual: heads -------------------------------------------------------------------------------


def one_product_for_all(x, w_q, w_k, w_v, w_o, n_heads):
    batch, length, width = x.shape
    joint = (x @ np.concatenate([w_q, w_k, w_v], axis=1)).reshape(batch, length, 3, n_heads, -1)
    q, k, v = joint.transpose(2, 0, 3, 1, 4)
    scores = q @ k.transpose(0, 1, 3, 2) * (width / n_heads) ** -0.5 + np.triu(
        np.full((length, length), -1e9), 1
    )
    return (softmax(scores, axis=-1) @ v).transpose(0, 2, 1, 3).reshape(x.shape) @ w_o


def head_by_head(x, w_q, w_k, w_v, w_o, n_heads):
    out = np.zeros_like(x)
    size = x.shape[-1] // n_heads
    for h in range(n_heads):
        own = slice(h * size, (h + 1) * size)
        scores = x @ w_q[:, own] @ (x @ w_k[:, own]).transpose(0, 2, 1) / np.sqrt(size)
        scores[:, *np.triu_indices(x.shape[1], 1)] = -np.inf
        out += softmax(scores, axis=-1) @ (x @ w_v[:, own]) @ w_o[own]
    return out


def by_torchs_kernel(x, w_q, w_k, w_v, w_o, n_heads):
    q, k, v = (
        torch.from_numpy(x @ w).unflatten(-1, (n_heads, -1)).mT.mT.transpose(1, 2) for w in (w_q, w_k, w_v)
    )
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return out.transpose(1, 2).flatten(2).numpy() @ w_o


VARIANTS = {
    "attention.weights": [
        by_einsum_in_float32, masked_after_with_renormalising, scaled_before_and_additive, row_by_row,
    ],
    "attention.multi_head": [one_product_for_all, head_by_head, by_torchs_kernel],
}  # fmt: skip


# --- two mistakes at once: at most one of the two is named --------------------------------------------------


def _raw(q, k, mask, factor, axis=-1, hidden=-np.inf):
    scores = q @ np.swapaxes(k, -1, -2) * factor
    return softmax(scores if mask is None else np.where(mask, scores, hidden), axis=axis)


PAIRS = {
    "attention.weights": {
        ("no scale", "a query that may look nowhere does not get zeros"): lambda q, k, mask=None: _raw(
            q, k, mask, 1
        ),
        ("no scale", "softmax over the queries"): lambda q, k, mask=None: _raw(q, k, mask, 1, -2),
        ("scaled by d_k instead of its root", "0 instead of -inf"): lambda q, k, mask=None: _raw(
            q, k, mask, 1 / q.shape[-1], hidden=0
        ),
        ("no scale", "the mask is not used"): lambda q, k, mask=None: _raw(q, k, None, 1),
        ("Q and K swapped", "softmax over the queries"): lambda q, k, mask=None: _raw(
            k, q, mask, q.shape[-1] ** -0.5, -2
        ),
        ("mask inverted", "mask transposed"): lambda q, k, mask=None: _raw(
            q, k, None if mask is None else ~np.swapaxes(mask, -1, -2), q.shape[-1] ** -0.5
        ),
        ("softmax twice", "no scale"): lambda q, k, mask=None: softmax(_raw(q, k, mask, 1), axis=-1),
    },
    "attention.multi_head": {
        ("Q and K swapped", "no mask"): lambda x, q, k, v, o, n: swap_and_no_mask(x, q, k, v, o, n),
        ("output projection forgotten", "values not projected"): lambda x, q, k, v, o, n: one_product_for_all(
            x, q, k, np.eye(len(v)), np.eye(len(o)), n
        ),
        ("Q and K swapped", "values made from another projection"): lambda x, q, k, v, o, n: (
            one_product_for_all(x, k, q, k, o, n)
        ),
        ("n_heads is not used: one head", "no scale"): lambda x, q, k, v, o, n: one_product_for_all(
            x, q * x.shape[-1] ** 0.5, k, v, o, 1
        ),
    },
}


def swap_and_no_mask(x, w_q, w_k, w_v, w_o, n_heads):
    mask_free = MULTI_HEAD.mistakes[[m.name for m in MULTI_HEAD.mistakes].index("no mask")].ways[0]
    return mask_free(x, w_k, w_q, w_v, w_o, n_heads)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])


def test_the_symptom_has_its_numbers():
    """The most common mistake: what the reader sees names the effect before the name."""
    result = diagnose(lambda q, k, mask=None: _raw(q, k, mask, 1), WEIGHTS)
    assert "sharper" in result.symptom
    assert [m.name for m in result.mistakes] == ["no scale"]
