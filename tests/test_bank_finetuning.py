"""Lesson 09's bank: each mistake is named, unusual right answers pass, the references are the package's."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from llmasos_edu.batches import Example
from llmasos_edu.corpora import tinyworld_tokenizer
from llmasos_edu.exercises import finetuning as bank
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.finetuning import conversation, freeze
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.lora import LoraConfig, add_lora, lora_parameters
from llmasos_edu.tinyworld import Turn, World

from .bank_contract import hold


def merged_first(x, W, A, B, alpha):
    return x @ (W + alpha / B.shape[1] * B @ A).T


def by_einsum_in_float32(x, W, A, B, alpha):
    x, W, A, B = (m.astype(np.float32) for m in (x, W, A, B))
    low = np.einsum("...i,ri->...r", x, A) * np.float32(alpha / len(A))
    return np.einsum("...i,oi->...o", x, W) + np.einsum("...r,or->...o", low, B)


def term_by_term(x, W, A, B, alpha):
    out = np.matmul(x, W.T)
    for a, b in zip(A, B.T, strict=True):
        out = out + (alpha / len(A)) * np.multiply.outer(x @ a, b)
    return out


def by_torch(x, W, A, B, alpha):
    x, W, A, B = map(torch.from_numpy, (x, W, A, B))
    return (nn.functional.linear(x, W) + nn.functional.linear(x, B @ A) * (alpha / A.shape[0])).numpy()


def drawn_the_other_way(d_in, d_out, rank, draw):
    return draw(d_in, rank).T, np.zeros((rank, d_out)).T


def a_list(d_in, d_out, rank, draw):
    return [draw(rank, d_in).astype(np.float32), np.full((d_out, rank), 0.0, dtype=np.float32)]


def times_zero(d_in, d_out, rank, draw):
    return draw(rank, d_in), 0 * draw(d_out, rank)


def by_mask_and_shift(ids, user, assistant, end):
    counts, speaker = [], end
    for token in ids:
        counts.append(speaker == assistant)
        if token in {user, assistant, end}:
            speaker = token
    return [t if c else -100 for t, c in zip(ids[1:], counts[1:], strict=True)]


def by_arrays(ids, user, assistant, end):
    ids = np.array(ids)
    marks = np.isin(ids, [user, assistant, end])
    under = ids[np.maximum.accumulate(np.where(marks, np.arange(len(ids)), 0))]
    return np.where(under[:-1] == assistant, ids[1:], -100).tolist()


def by_spans(ids, user, assistant, end):
    targets = [-100] * (len(ids) - 1)
    for start in [i for i, t in enumerate(ids) if t == assistant]:
        stop = next((j for j in range(start + 1, len(ids)) if ids[j] in (user, end)), len(ids) - 1)
        targets[start:stop] = ids[start + 1 : stop + 1]
    return tuple(targets)


def by_expression(names, part):
    numbers = {int(m[1]) for n in names if (m := re.match(r"blocks\.(\d+)\.", n))}
    pattern = {"all": "", "adapter": r".*\.lora\.", "last block": rf"(blocks\.{max(numbers)}|norm|head)\."}[
        part
    ]
    return [n for n in names if re.match(pattern, n)]


def by_flags(names, part):
    flags = dict.fromkeys(names, part == "all")
    count = len({n.split(".")[1] for n in names if n.startswith("blocks.")})
    for n in names:
        top = n.split(".")
        if part == "adapter":
            flags[n] = "lora" in top
        elif part == "last block":
            flags[n] = top[0] in ("norm", "head") or top[:2] == ["blocks", str(count - 1)]
    return [n for n in flags if flags[n]]


def by_place(names, part):
    if part == "last block":
        last = [n for n in names if n.startswith("blocks.")][-1].split(".")[1]
        return tuple(names)[names.index(next(n for n in names if n.startswith(f"blocks.{last}."))) :]
    return list(filter(lambda n: part == "all" or "lora" in n, names))


VARIANTS = {
    "finetuning.lora_linear": [merged_first, by_einsum_in_float32, term_by_term, by_torch],
    "finetuning.first_pair": [drawn_the_other_way, a_list, times_zero],
    "finetuning.chat_targets": [by_mask_and_shift, by_arrays, by_spans],
    "finetuning.learning": [by_expression, by_flags, by_place],
}
PAIRS = {
    "finetuning.lora_linear": {
        ("alpha is missing", "the base is gone"): lambda x, W, A, B, alpha: x @ A.T @ B.T / len(A),
        ("no scale at all", "the adapter reads the base's answer"): lambda x, W, A, B, alpha: (
            x @ W.T + x @ W.T @ A.T @ B.T
        ),
        ("A·B for B·A", "not divided by the rank"): lambda x, W, A, B, alpha: x @ W.T + alpha * x @ (A @ B).T,
    },
    "finetuning.first_pair": {
        ("both drawn", "all rows of A alike"): lambda i, o, r, draw: (np.ones((r, i)), np.ones((o, r))),
    },
    "finetuning.chat_targets": {
        ("not shifted", "everything counts"): lambda ids, u, a, e: list(ids[:-1]),
        ("roles exchanged", "0 for -100"): lambda ids, u, a, e: [
            0 if t == -100 else t for t in bank.chat_targets(ids, a, u, e)
        ],
        (
            "the mark that ends an answer does not count",
            "only one of the answers counts",
        ): lambda ids, u, a, e: [
            t if ids[: i + 1].count(a) == ids.count(a) and t not in (u, e) else -100
            for i, t in enumerate(bank.chat_targets(ids, u, a, e))
        ],
    },
    "finetuning.learning": {
        ("the norms are frozen", "the biases are frozen"): lambda names, part: [
            n for n in bank.learning(names, part) if "norm" not in n and not n.endswith("bias")
        ],
        ("the base is not frozen", "the norms are frozen"): lambda names, part: [
            n for n in names if "norm" not in n
        ],
    },
}


@pytest.mark.parametrize("exercise", bank.EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])


@pytest.mark.parametrize("exercise", bank.EXERCISES, ids=lambda e: e.key)
def test_a_stub_is_not_attempted(exercise):
    assert diagnose(lambda *args: ..., exercise).status == "not attempted yet"


@pytest.mark.parametrize(
    ("key", "wrong", "symptom"),
    [
        (
            "lora_linear",
            lambda x, W, A, B, alpha: x @ W.T + alpha * x @ A.T @ B.T,
            "is 2.00 times what it should be",
        ),
        (
            "lora_linear",
            lambda x, W, A, B, alpha: alpha / len(A) * (x @ W.T + x @ A.T @ B.T),
            "B is all zero, so",
        ),
        ("first_pair", lambda i, o, r, draw: (np.zeros((r, i)), np.zeros((o, r))), "both are 0 at this and"),
        (
            "chat_targets",
            lambda ids, u, a, e: list(ids[1:]),
            "7 targets count outside the answers, the first at",
        ),
        (
            "chat_targets",
            lambda ids, u, a, e: list(ids[:-1]),
            "place 0 got the target 99; the token after it is 91",
        ),
        ("learning", lambda names, part: names, "13 names too many, the first embedding.weight"),
    ],
)
def test_the_symptom_has_numbers(key, wrong, symptom):
    (exercise,) = [e for e in bank.EXERCISES if e.key == f"finetuning.{key}"]
    assert symptom in diagnose(wrong, exercise).symptom


def model():
    config = LlamaConfig(16, 8, d_model=8, n_heads=2, n_kv_heads=1, d_head=4, n_layers=2, d_ff=8, tied=False)
    return Llama(config, generator=torch.Generator().manual_seed(0))


def test_the_layer_is_the_packages():
    layer = nn.Sequential(nn.Linear(5, 3, bias=False)).double()
    add_lora(layer, LoraConfig(rank=2, alpha=6.0, targets=("0",)), generator=torch.Generator().manual_seed(0))
    a, b = lora_parameters(layer).values()
    pair = bank.first_pair(5, 3, 2, lambda rows, columns: a.detach().numpy())
    assert [tuple(p.shape) for p in (a, b)] == [p.shape for p in pair]
    assert not b.any()
    assert not pair[1].any()
    nn.init.normal_(b, generator=torch.Generator().manual_seed(1))
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(2)).double()
    with torch.no_grad():
        ours = bank.lora_linear(*(t.detach().numpy() for t in (x, layer[0].weight, a, b)), 6.0)
        np.testing.assert_allclose(layer(x).numpy(), ours, atol=1e-12)  # float64, three products


def test_the_targets_are_the_packages():
    tokenizer = tinyworld_tokenizer(World("en"))
    user, assistant, end = (tokenizer.special_tokens[f"<|{m}|>"] for m in ("user", "assistant", "end"))
    turns = [Turn("user", "My name is Mia."), Turn("assistant", "Hello"), Turn("user", "What is my name?")]
    example = conversation([*turns, Turn("assistant", "Mia")], tokenizer)
    inputs, targets = Example(example.ids, example.counts).row(end)
    assert bank.chat_targets([*inputs, end], user, assistant, end) == targets


def test_what_learns_is_the_packages():
    names = [name for name, _ in model().named_parameters()]
    for part in ("all", "last block"):
        assert bank.learning(names, part) == freeze(model(), but=part)
    adapted = model()
    add_lora(adapted, LoraConfig(rank=2), generator=torch.Generator().manual_seed(0))
    names = [name for name, _ in adapted.named_parameters()]
    assert bank.learning(names, "adapter") == [n for n, p in adapted.named_parameters() if p.requires_grad]
