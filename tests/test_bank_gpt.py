"""Lesson 05's bank: each mistake is named, right but unusual answers pass, two at once are not misnamed."""

import numpy as np
import pytest
import torch
from torch import nn

from llmasos_edu.exercises import gpt
from llmasos_edu.exercises.diagnosing import diagnose

from .bank_contract import hold


def in_place_on_a_copy(x, norm_1, attend, norm_2, feed_forward):
    x = x.copy()
    x += attend(norm_1(x))
    x += feed_forward(norm_2(x))
    return x


def one_expression(x, n1, a, n2, f):
    return (middle := x + a(n1(x))) + f(n2(middle))


def by_a_list_of_pairs(x, norm_1, attend, norm_2, feed_forward):
    for norm, part in ((norm_1, attend), (norm_2, feed_forward)):
        x = np.add(x, part(norm(x)))
    return x


def one_hot_embedding(ids, tokens, positions, blocks, norm):
    x = np.eye(len(tokens))[ids] @ tokens + positions[np.arange(ids.shape[1])]
    for block in blocks:
        x = block(x)
    return np.einsum("btd,vd->btv", norm(x), tokens)


def text_by_text(ids, tokens, positions, blocks, norm):
    out = []
    for row in ids:
        x = np.stack([tokens[i] + positions[t] for t, i in enumerate(row)])[None]
        for block in blocks:
            x = block(x)
        out.append(norm(x)[0] @ tokens.T)
    return np.stack(out)


def in_float32(ids, tokens, positions, blocks, norm):
    return gpt.forward(ids, tokens.astype(np.float32), positions.astype(np.float32), blocks, norm)


def by_torch(vocab_size, context_length, d_model, n_layers):
    tokens, places = nn.Embedding(vocab_size, d_model), nn.Embedding(context_length, d_model)
    with torch.device("meta"):
        blocks = [nn.TransformerEncoderLayer(d_model, 1, 4 * d_model) for _ in range(n_layers)]
    parts = [tokens, places, *blocks, nn.LayerNorm(d_model)]
    return sum(p.numel() for part in parts for p in part.parameters())


def collected(v, c, d, layers):
    return d * (v + c + 2 + layers * (12 * d + 13))


def by_a_table(v, c, d, layers):
    linear = [(d, 3 * d), (d, d), (d, 4 * d), (4 * d, d)]
    return layers * (sum(a * b + b for a, b in linear) + 4 * d) + (v + c + 2) * d


def std_by_table(kind, n_layers):
    return {"bias": 0, "residual": 0.02 / np.sqrt(2 * n_layers)}.get(kind, 0.02)


def std_by_variance(kind, n_layers):
    variance = {"weight": 4e-4, "embedding": 4e-4, "residual": 4e-4 / (n_layers + n_layers), "bias": 0.0}
    return variance[kind] ** 0.5


def std_by_branches(kind, n_layers):
    std = np.float64(0.02)
    if kind == "residual":
        std /= np.sqrt(n_layers * 2)
    return std * (kind != "bias")


VARIANTS = {
    "gpt.block": [in_place_on_a_copy, one_expression, by_a_list_of_pairs],
    "gpt.forward": [one_hot_embedding, text_by_text, in_float32],
    "gpt.parameters": [by_torch, collected, by_a_table],
    "gpt.initial_std": [std_by_table, std_by_variance, std_by_branches],
}
PAIRS = {
    "gpt.block": {
        ("no norm", "no residual at all"): lambda x, n1, a, n2, f: f(a(x)),
        ("no norm", "feed-forward before attention"): lambda x, n1, a, n2, f: (lambda y: y + a(y))(x + f(x)),
    },
    "gpt.forward": {
        ("positions forgotten", "the last norm forgotten"): lambda ids, t, p, b, n: gpt.forward(
            ids, t, 0 * p, b, lambda x: x
        ),
    },
    "gpt.parameters": {
        ("positions forgotten", "the last norm forgotten"): lambda v, c, d, n: (
            gpt.parameters(v, 0, d, n) - 2 * d
        ),
    },
    "gpt.initial_std": {
        ("biases drawn like weights", "residual matrices start like all others"): lambda kind, n: 0.02,
    },
}


@pytest.mark.parametrize("exercise", gpt.EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])


@pytest.mark.parametrize("exercise", gpt.EXERCISES, ids=lambda e: e.key)
def test_a_stub_is_not_attempted(exercise):
    assert diagnose(lambda *args: ..., exercise).status == "not attempted yet"


def test_the_symptom_has_numbers():
    told = diagnose(lambda x, n1, a, n2, f: n2(n1(x + a(x)) + f(n1(x + a(x)))), gpt.BLOCK)
    assert "both parts gave zeros, yet x came out changed by up to" in told.symptom
    assert [m.name for m in told.mistakes] == ["normed after the addition, as in 2017"]
