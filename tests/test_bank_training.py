"""Lesson 06's bank: each mistake is named, right but unusual answers pass, two at once are not misnamed."""

import math

import numpy as np
import pytest
import torch

from llmasos_edu.exercises import training
from llmasos_edu.exercises.diagnosing import diagnose

from .bank_contract import hold


def rates_in_numpy(steps, warmup):
    s = np.arange(steps)
    down = 0.5 + 0.5 * np.cos(np.pi * np.maximum(0, s - warmup) / (steps - warmup))
    return list(np.minimum(1, (s + 1) / max(warmup, 1)) * down)


def rates_by_sine(steps, warmup):
    up = [k / warmup for k in range(1, warmup + 1)]
    return up + [1 - math.sin(math.pi / 2 * k / (steps - warmup)) ** 2 for k in range(steps - warmup)]


def rates_in_pieces(steps, warmup):
    out = []
    for step in range(steps):
        if step < warmup:
            out.append((1 + step) / warmup)
        else:
            out.append((math.cos((step - warmup) * math.pi / (steps - warmup)) + 1) * 0.5)
    return out


def step_by_torch(weight, slope, parts, lr, longest):
    p = torch.nn.Parameter(torch.tensor(weight))
    p.grad = torch.zeros_like(p)
    for part in parts:
        p.grad += torch.tensor(slope(weight, part)) / len(parts)
    torch.nn.utils.clip_grad_norm_([p], longest)
    return (p - lr * p.grad).detach().numpy()


def step_by_branches(weight, slope, parts, lr, longest):
    g = np.mean([slope(weight, part) for part in parts], axis=0)
    norm = np.linalg.norm(g)
    if norm > longest:
        g = g / norm * longest
    return weight - lr * g


def step_part_by_part(weight, slope, parts, lr, longest):
    g = 0 * weight
    for i, part in enumerate(parts):
        g = g * i / (i + 1) + slope(weight, part) / (i + 1)  # a running mean
    return weight - lr * min(1, longest / math.hypot(*g)) * g


def evaluate_token_by_token(model, windows):
    model.eval()
    nats = []
    with torch.inference_mode():
        for x, y in windows:
            log_p = model(x).log_softmax(-1)
            nats += [
                -log_p[b, t, y[b, t]].item() for b in range(len(y)) for t in range(y.shape[1]) if y[b, t] >= 0
            ]
    model.train()
    return sum(nats) / len(nats)


def evaluate_in_one(model, windows):
    was = model.training
    model.train(False)
    with torch.no_grad():
        z = torch.cat([model(x).reshape(-1, 4) for x, _ in windows])
    model.train(was)
    return float(torch.nn.functional.cross_entropy(z, torch.cat([y.reshape(-1) for _, y in windows])))


@torch.no_grad()
def evaluate_decorated(model, windows):
    model.eval()
    total = count = 0
    for x, y in windows:
        keep = y != -100
        z = model(x)[keep]
        total += (torch.logsumexp(z, 1) - z.gather(1, y[keep][:, None])[:, 0]).sum().item()
        count += int(keep.sum())
    model.train()
    return total / count


VARIANTS = {
    "training.rates": [rates_in_numpy, rates_by_sine, rates_in_pieces],
    "training.accumulated_step": [step_by_torch, step_by_branches, step_part_by_part],
    "training.evaluate": [evaluate_token_by_token, evaluate_in_one, evaluate_decorated],
}
PAIRS = {
    "training.rates": {
        ("no warm-up", "a straight line down"): lambda steps, warmup: [
            1 - max(0, s - warmup) / (steps - warmup) for s in range(steps)
        ],
    },
    "training.accumulated_step": {
        ("nothing is cut", "only the last part counts"): lambda w, s, parts, lr, n: w - lr * s(w, parts[-1]),
    },
    "training.evaluate": {
        ("gradients left on", "a mean of the windows' means"): lambda model, windows: float(
            np.mean([training.evaluate(model, [w]) for w in windows]) + 0.01
        ),
    },
}


@pytest.mark.parametrize("exercise", training.EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])


@pytest.mark.parametrize("exercise", training.EXERCISES, ids=lambda e: e.key)
def test_a_stub_is_not_attempted(exercise):
    assert diagnose(lambda *args: ..., exercise).status == "not attempted yet"


def test_a_model_left_in_evaluation_mode_is_told():
    def forgets(model, windows):
        found = training.evaluate(model, windows)
        model.eval()
        return found

    told = diagnose(forgets, training.EVALUATE)
    assert told.status == "not yet"
    assert "got a model in evaluation mode, expected a model in training mode" in told.symptom
