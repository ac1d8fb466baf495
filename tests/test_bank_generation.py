"""Lesson 07's bank: each mistake is named, right but unusual answers pass, two at once are not misnamed."""

import numpy as np
import pytest
import torch

from llmasos_edu.exercises import generation
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.generation import top_p as package_top_p

from .bank_contract import hold


def by_a_while_loop(p, share):
    left, kept = list(range(len(p))), []
    while not kept or (p[kept].sum() < share - 1e-12 and left):
        best = max(left, key=lambda i: p[i])
        left.remove(best)
        kept.append(best)
    return np.array([p[i] if i in kept else 0.0 for i in range(len(p))]) / p[kept].sum()


def by_the_package(p, share):
    return torch.softmax(package_top_p(torch.from_numpy(p).log(), share), dim=-1).numpy()


def by_a_threshold_found(p, share):
    falling = np.sort(p)[::-1]
    last = falling[min(np.searchsorted(np.cumsum(falling), share - 1e-12), len(p) - 1)]
    out = p * (p >= last)
    return (out / out.sum()).astype(np.float32)


def in_two_parts(read, prompt, n):
    out = []
    scores = read(prompt, 0)
    for i in range(n):
        out.append(int(np.argmax(scores)))
        if i < n - 1:
            scores = read(out[-1:], len(prompt) + i)
    return prompt + out


def token_by_token(read, prompt, n):
    for place, token in enumerate(prompt):
        scores = read([token], place)
    text = list(prompt)
    while True:
        text.append(int(scores.argmax()))
        if len(text) == len(prompt) + n:
            return text
        scores = read([text[-1]], len(text) - 1)


def with_a_place(read, prompt, n):
    text, place = [*prompt], 0
    for _ in range(n):
        scores = read(np.array(text[place:]), place)
        place = len(text)
        text.append(max(range(7), key=scores.tolist().__getitem__))
    return text


VARIANTS = {
    "generation.top_p": [by_a_while_loop, by_the_package, by_a_threshold_found],
    "generation.write": [in_two_parts, token_by_token, with_a_place],
}
PAIRS = {
    "generation.top_p": {
        ("not renormalised", "the token that crosses the share is cut"): lambda p, share: np.where(
            generation._not_across(p, share), p, 0
        ),
    },
    "generation.write": {
        ("only the prompt's last token is read", "every new token at place 0"): generation._writing(
            lambda read, text, n, k: read(text[-1:], 0)
        ),
    },
}


@pytest.mark.parametrize("exercise", generation.EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])


@pytest.mark.parametrize("exercise", generation.EXERCISES, ids=lambda e: e.key)
def test_a_stub_is_not_attempted(exercise):
    assert diagnose(lambda *args: ..., exercise).status == "not attempted yet"
