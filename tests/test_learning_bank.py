"""Lesson 03's bank: each mistake is named, right but unusual answers pass, two at once are not misnamed."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.learning import EXERCISES
from llmasos_edu.exercises.learning.gradient import GRADIENT, gradient
from llmasos_edu.exercises.learning.train import TRAIN, train

from .bank_contract import hold


def by_autograd(logits, targets):
    x = torch.from_numpy(logits).requires_grad_()
    F.cross_entropy(x, torch.from_numpy(targets), ignore_index=-100).backward()
    return x.grad.numpy()


def in_float32(logits, targets):
    return gradient(logits.astype(np.float32), targets).astype(np.float32)


def by_loops(logits, targets):
    out = np.zeros(logits.shape)
    for i, y in enumerate(targets):
        if y == -100:
            continue
        e = [np.exp(z - max(logits[i])) for z in logits[i]]
        for v in range(len(e)):
            out[i, v] = (e[v] / sum(e) - (v == y)) / sum(t != -100 for t in targets)
    return out


def p_minus_one_hot_by_hand(table, rows, steps, lr):
    table = table.clone()
    x, y = rows[:, :-1].reshape(-1), rows[:, 1:].reshape(-1)
    for _ in range(steps):
        slope = torch.softmax(table[x], -1)
        slope[torch.arange(len(y)), y] -= 1
        table.index_add_(0, x, slope / len(y), alpha=-lr)
    return table


def by_autograd_grad(table, rows, steps, lr):
    for _ in range(steps):
        table = table.detach().requires_grad_()
        log_p = torch.log_softmax(torch.log_softmax(table, -1), -1)  # twice: changes nothing
        loss = -log_p[rows[:, :-1], rows[:, 1:]].mean()
        table = table - lr * torch.autograd.grad(loss, table)[0]
    return table


def as_a_module(table, rows, steps, lr):
    model = torch.nn.Embedding.from_pretrained(table.clone(), freeze=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        F.cross_entropy(model(rows[:, :-1]).transpose(1, 2), rows[:, 1:]).backward()
        optimizer.step()
        model.zero_grad()
    return model.weight


VARIANTS = {
    "learning.gradient": [by_autograd, in_float32, by_loops],
    "learning.train": [p_minus_one_hot_by_hand, by_autograd_grad, as_a_module],
}


def wrong(exercise, name):
    return next(m.wrong for m in exercise.mistakes if m.name == name)


PAIRS = {
    "learning.gradient": {
        ("the sign is turned round", "sum for mean"): lambda z, y: -gradient(z, y) * (y != -100).sum(),
        ("log p for p", "sum for mean"): lambda z, y: (
            wrong(GRADIENT, "log p for p")(z, y) * (y != -100).sum()
        ),
        ("padding still pulls", "the sign is turned round"): lambda z, y: (
            -wrong(GRADIENT, "padding still pulls")(z, y)
        ),
        ("softmax over the places", "padding counted in the mean"): lambda z, y: (
            wrong(GRADIENT, "softmax over the places")(z, y) * (y != -100).mean()
        ),
    },
    "learning.train": {
        ("gradients not zeroed", "sum for mean"): lambda t, r, s, lr: wrong(TRAIN, "gradients not zeroed")(
            t, r, s, lr * r[:, 1:].numel()
        ),
        ("the sign is turned round", "base 2 for e"): lambda t, r, s, lr: wrong(TRAIN, "base 2 for e")(
            t, r, s, -lr
        ),
        ("softmax before a loss that takes logits", "sum for mean"): lambda t, r, s, lr: wrong(
            TRAIN, "softmax before a loss that takes logits"
        )(t, r, s, lr * r[:, 1:].numel()),
    },
}


@pytest.fixture(scope="module", autouse=True)
def _torch_is_warm():
    """The first optimizer of a process imports torch's compiler; that is no part of a check's time."""
    train(torch.zeros(2, 2), torch.tensor([[0, 1]]), 1, 0.1)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])


def test_symptoms_come_with_numbers():
    told = diagnose(wrong(GRADIENT, "the one-hot is forgotten"), GRADIENT).symptom
    assert "row 0 sums to 0.333, and must sum to 0" in told
    told = diagnose(wrong(TRAIN, "the sign is turned round"), TRAIN).symptom
    assert "not lower" in told


def test_changing_the_given_table_is_told():
    def in_place(table, rows, steps, lr):
        table.copy_(train(table, rows, steps, lr))
        return table

    result = diagnose(in_place, TRAIN)
    assert result.status == "not yet"
    assert result.mistakes[0].name == "an input is changed in place"
    assert "changed its input table" in result.symptom


def shifted_into_padding(logits, targets):
    counts = targets != -100
    slope = gradient(logits, np.where(counts, targets, 0))  # padding taken for word 0
    return slope


def detached(table, rows, steps, lr):
    table = table.clone().requires_grad_()
    optimizer = torch.optim.SGD([table], lr=lr)
    for _ in range(steps):
        loss = F.cross_entropy(table[rows[:, :-1]].flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        torch.tensor(loss.item(), requires_grad=True).backward()
        optimizer.step()
    return table.detach()


def zeroed_too_late(table, rows, steps, lr):
    table = table.clone().requires_grad_()
    optimizer = torch.optim.SGD([table], lr=lr)
    for _ in range(steps):
        F.cross_entropy(table[rows[:, :-1]].flatten(0, 1), rows[:, 1:].flatten()).backward()
        optimizer.zero_grad()
        optimizer.step()
    return table.detach()


def lagging(table, rows, steps, lr):
    table = table.clone()
    table.requires_grad_()
    for _ in range(steps):
        loss = -torch.log_softmax(table, -1)[rows[:, :-1], rows[:, 1:]].mean()
        if table.grad is not None:
            table.data -= lr * table.grad
            table.grad = None
        loss.backward()
    return table.detach()


def loss_after_the_step(table, rows, steps, lr):
    table = table.clone().requires_grad_()
    optimizer = torch.optim.SGD([table], lr=lr)
    for _ in range(steps):
        optimizer.step()
        optimizer.zero_grad()
        F.cross_entropy(table[rows[:, :-1]].flatten(0, 1), rows[:, 1:].flatten()).backward()
    return table.detach()


def softmax_over_places_without_guard(logits, targets):
    e = np.exp(logits)
    counts = targets != -100
    slope = e / e.sum(axis=0) - (targets[:, None] == np.arange(logits.shape[1]))
    slope[~counts] = 0
    return slope / counts.sum()


@pytest.mark.parametrize(
    ("exercise", "answer", "name"),
    [
        (GRADIENT, shifted_into_padding, "padding still pulls"),
        (TRAIN, detached, "no gradient reaches the table"),
        (TRAIN, zeroed_too_late, "no gradient reaches the table"),
        (TRAIN, lagging, "step before backward"),
        (TRAIN, loss_after_the_step, "step before backward"),
        (GRADIENT, softmax_over_places_without_guard, "softmax over the places"),
    ],
)
def test_answers_written_as_people_write_them(exercise, answer, name):
    result = diagnose(answer, exercise)
    assert result.status == "not yet"
    assert [m.name.startswith(name) for m in result.mistakes] == ([True] if name else [])


def in_place_softmax(logits, targets):
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    counts = targets != -100
    logits[np.flatnonzero(counts), targets[counts]] -= 1
    logits[~counts] = 0
    return logits / counts.sum()


def test_a_right_slope_that_changes_its_input_is_told_of_that_alone():
    result = diagnose(in_place_softmax, GRADIENT)
    assert [m.name for m in result.mistakes] == ["an input is changed in place"]
    assert "changed its input logits" in result.symptom
