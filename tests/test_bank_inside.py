"""Lesson 08's bank: each mistake is named, right but unusual answers pass, two at once are not misnamed."""

import numpy as np
import pytest
import torch

from llmasos_edu import probing
from llmasos_edu.exercises import inside
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.inside import over_layers, score, switched_off

from .bank_contract import hold


def by_loops(weights, n):
    layers, texts, heads = weights.shape[:3]
    out = np.zeros((layers, heads))
    for layer in range(layers):
        for head in range(heads):
            for text in range(texts):
                for i in range(n, 2 * n):
                    out[layer, head] += weights[layer, text, head, i, i - n + 1] / n / texts
    return out


def by_diagonal(weights, n):
    """The diagonal starts one query early, in the first copy; that one is cut."""
    below = np.diagonal(weights, offset=1 - n, axis1=-2, axis2=-1)[..., 1:]
    return below.mean(axis=-1).mean(axis=1).astype(np.float32)


def by_the_package(weights, n):
    return probing.role_scores(torch.from_numpy(weights), n, False)["induction"]


def by_einsum(weights, n):
    where = np.zeros(weights.shape[-2:])
    where[range(n, 2 * n), range(1, n + 1)] = 1 / n
    return np.einsum("lbhqk,qk->lh", weights, where) / weights.shape[1]


def by_factors(found, heads, layer):
    on = np.ones(found.shape[1])
    for at, head in heads:
        if at == layer:
            on[head] = 0
    return found * on[None, :, None, None]


def by_stacking(found, heads, layer):
    each = [found[:, h] * ((layer, h) not in heads) for h in range(found.shape[1])]
    return np.stack(each, axis=1)


def in_torch(found, heads, layer):
    off = torch.tensor([head for at, head in set(heads) if at == layer], dtype=torch.long)
    return torch.from_numpy(found).index_fill(1, off, 0).numpy()


def story_by_story(streams, E, answers):
    out = []
    for heights in streams:
        each = []
        for x, answer in zip(heights, answers, strict=True):
            z = E @ (x * np.sqrt(len(x)) / np.linalg.norm(x))
            each.append(np.exp(z[answer] - np.logaddexp.reduce(z)))
        out.append(sum(each) / len(each))
    return np.array(out)


def lens_in_torch(streams, E, answers):
    x, table = torch.from_numpy(streams), torch.from_numpy(E)
    x = torch.nn.functional.rms_norm(x, x.shape[-1:], eps=0.0)
    p = (x @ table.T).softmax(-1)
    return p.gather(2, torch.from_numpy(answers).expand(len(p), -1)[..., None])[..., 0].mean(1).numpy()


def lens_by_one_hot(streams, E, answers):
    z = np.einsum("lbd,vd->lbv", streams / (streams**2).mean(-1)[..., None] ** 0.5, E)
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum(-1, keepdims=True)
    return (p * np.eye(len(E))[answers]).sum((1, 2)) / len(answers)


VARIANTS = {
    "inside.induction_score": [by_loops, by_diagonal, by_the_package, by_einsum],
    "inside.ablate": [by_factors, by_stacking, in_torch],
    "inside.lens": [story_by_story, lens_in_torch, lens_by_one_hot],
}
PAIRS = {
    "inside.induction_score": {
        ("the twin itself in place of the token behind it", "one text only"): lambda w, n: score._score(0)(
            w[:, :1], n
        ),
        ("two behind the twin", "the sum, not the mean"): lambda w, n: n * score._score(2)(w, n),
    },
    "inside.ablate": {
        ("layer and head exchanged", "zeros along the wrong axis"): switched_off._silence(
            lambda heads, layer: [at for at, head in heads if head == layer], 2
        ),
    },
    "inside.lens": {
        ("the norm is left out", "one answer for all stories"): lambda x, E, answers: over_layers._reading(
            norm=lambda x: x
        )(x, E, np.full_like(answers, answers[0])),
        ("the norm is left out", "the mean of logarithms"): over_layers._reading(
            norm=lambda x: x, to_p=over_layers.log_softmax, mean=lambda p: np.exp(p.mean(axis=1))
        ),
    },
}


@pytest.mark.parametrize("exercise", inside.EXERCISES, ids=lambda e: e.key)
def test_the_bank_holds(exercise):
    hold(exercise, VARIANTS[exercise.key], PAIRS[exercise.key])


def test_an_answer_that_changes_what_it_was_given_is_told_so():
    def in_place(found, heads, layer):
        found[:, [head for at, head in heads if at == layer]] = 0
        return found

    result = diagnose(in_place, switched_off.ABLATE)
    assert result.status == "not yet"
    assert [m.name for m in result.mistakes] == ["an input is changed in place"]


def test_the_symptom_comes_with_its_numbers():
    told = " ".join(str(diagnose(score._score(0), score.SCORE)).split())
    assert "head 0 puts all its weight on the token behind the twin and scores 0, not 1" in told
    assert told.index("scores 0") < told.index("the twin itself in place of")


def test_the_model_does_with_heads_off_what_the_exercise_asks_for():
    """The reference on what each head hands over equals `Decoder.heads_off`."""
    from llmasos_edu.llama import Llama, LlamaConfig
    from llmasos_edu.torch_attention import explicit_attention

    size = {"vocab_size": 20, "context_length": 8, "d_model": 16, "n_heads": 2, "n_kv_heads": 1, "d_head": 8}
    config = LlamaConfig(**size, n_layers=3, d_ff=16)
    model = Llama(config, generator=torch.Generator().manual_seed(0))
    heads, layer, ids = [(1, 0), (2, 1), (2, 0)], [0], torch.tensor([[3, 1, 4, 1, 5]])

    def attend(q, k, v, mask):
        out = explicit_attention(q, k, v, mask)[0].detach().numpy()
        layer[0] += 1
        return torch.from_numpy(switched_off.ablate(out, heads, layer[0] - 1))

    with torch.no_grad():
        with model.attention_by(attend):
            ours = model(ids)
        with model.heads_off(heads):
            torch.testing.assert_close(ours, model(ids))
        assert not torch.allclose(ours, model(ids))
