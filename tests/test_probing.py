"""Probing: roles on hand-made weights, the lens and the ablation on tiny models."""

import math

import numpy as np
import pytest
import torch

from llmasos_edu import probing
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig

N = 5
SIZES = {"vocab_size": 50, "context_length": 16, "d_model": 32, "n_heads": 4, "n_layers": 3, "d_ff": 48}
CLOSE = {"rtol": 0, "atol": 1e-5}  # float32 logits of a few units, sums of 32 terms in another order


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=["gpt", "llama", "capped"])
def model(request) -> torch.nn.Module:
    """Weights drawn at 0.3: heads look somewhere, norms and the cap do something."""
    if request.param == "gpt":
        model = GPT(GPTConfig(**SIZES, tied=False), generator=generator())
    else:
        cap = {"logit_cap": 2.0} if request.param == "capped" else {}
        model = Llama(LlamaConfig(**SIZES, n_kv_heads=2, d_head=8, **cap), generator=generator())
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "norm.weight" in name else 0.0, 0.3, generator=generator(len(name)))
    return model.eval()


# repeated_ids


@pytest.mark.parametrize("first", [None, 7])
def test_the_same_tokens_come_twice_and_no_two_in_a_copy_are_alike(first):
    ids = probing.repeated_ids(9, 9, batch=4, generator=generator(), first=first)
    start = 0 if first is None else 1
    assert ids.shape == (4, 18 + start)
    assert ids.dtype == torch.long
    assert first is None or (ids[:, 0] == first).all()
    copies = ids[:, start:].view(4, 2, 9)
    assert (copies[:, 0] == copies[:, 1]).all()
    assert (copies[:, 0].sort(dim=1).values == torch.arange(9)).all()  # all nine ids, each once
    assert len({tuple(row) for row in copies[:, 0].tolist()}) == 4  # rows are drawn apart


def test_only_allowed_ids_are_drawn_and_each_seed_draws_its_own():
    allowed = torch.tensor([3, 5, 8, 13, 21])
    ids = probing.repeated_ids(allowed, 4, batch=6, generator=generator())
    assert set(ids.flatten().tolist()) <= set(allowed.tolist())
    assert torch.equal(ids, probing.repeated_ids(allowed, 4, batch=6, generator=generator()))
    assert not torch.equal(ids, probing.repeated_ids(allowed, 4, batch=6, generator=generator(1)))


@pytest.mark.parametrize(
    ("vocab", "n", "batch", "match"), [(9, 2, 1, "at least 3"), (9, 3, 0, "batch"), (4, 5, 1, "smaller n")]
)
def test_what_cannot_be_drawn_is_refused(vocab, n, batch, match):
    with pytest.raises(ValueError, match=match):
        probing.repeated_ids(vocab, n, batch=batch, generator=generator())


# role_scores


def one_hot(target, first: bool) -> torch.Tensor:
    """(1, 1, 1, T, T): query i looks at target(i) alone; the first copy looks at itself."""
    T = 2 * N + first
    weights = torch.eye(T)
    for i in range(N + first, T):
        weights[i] = torch.eye(T)[target(i)]
    return weights[None, None, None]


PERFECT = {
    "previous token": lambda i: i - 1,
    "first token": lambda i: 0,
    "self": lambda i: i,
    "induction": lambda i: i - N + 1,
}


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("role", PERFECT)
def test_a_perfect_head_scores_one_in_its_role_and_nothing_in_the_others(role, first):
    scores = probing.role_scores(one_hot(PERFECT[role], first), N, first)
    assert tuple(scores) == probing.ROLES
    for other in PERFECT:
        assert scores[other].shape == (1, 1)
        assert scores[other].dtype == np.float64
        assert scores[other][0, 0] == (other == role)
    mean_even = np.mean([1 / (i + 1) for i in range(N + first, 2 * N + first)])
    assert scores["uniform"][0, 0] == pytest.approx(mean_even, abs=1e-7)  # 1/N of each row's one key


@pytest.mark.parametrize("offset", [0, 2])
def test_the_twin_itself_and_two_behind_it_are_no_induction(offset):
    scores = probing.role_scores(one_hot(lambda i: i - N + offset, False), N, False)
    assert scores["induction"][0, 0] == 0


@pytest.mark.parametrize("first", [False, True])
def test_an_even_head_is_uniform_and_its_other_roles_are_one_key_each(first):
    T = 2 * N + first
    even = torch.ones(T, T).tril() / torch.arange(1, T + 1)[:, None]
    scores = probing.role_scores(even[None, None, None], N, first)
    assert scores["uniform"][0, 0] == pytest.approx(1, abs=1e-6)
    assert scores["uniform"][0, 0] <= 1
    share = np.mean([1 / (i + 1) for i in range(N + first, T)])
    for role in PERFECT:
        assert scores[role][0, 0] == pytest.approx(share, abs=1e-7)


def test_the_first_copy_does_not_count():
    weights = one_hot(PERFECT["induction"], False)
    weights[..., :N, :] = 1 / (2 * N)
    assert probing.role_scores(weights, N, False)["induction"][0, 0] == 1


def test_layers_heads_and_rows_keep_their_places():
    weights = torch.cat([one_hot(PERFECT["self"], False)] * 12).view(2, 2, 3, 2 * N, 2 * N).clone()
    weights[1, :, 2] = one_hot(PERFECT["induction"], False)  # layer 1, head 2, in both rows
    weights[0, 1, 0] = one_hot(PERFECT["induction"], False)  # layer 0, head 0, in one of two
    assert probing.role_scores(weights, N, False)["induction"].tolist() == [[0.5, 0, 0], [0, 0, 1]]


def test_what_is_no_probe_is_refused():
    weights = one_hot(PERFECT["self"], False)
    for n, first in [(N, True), (N - 1, False), (2, False)]:
        with pytest.raises(ValueError, match="two copies"):
            probing.role_scores(weights, n, first)
    for bad in (-1.0, math.nan):
        with pytest.raises(ValueError, match="negative one or NaN"):
            probing.role_scores(weights * bad, N, False)


# roles, label


@pytest.mark.parametrize("first", [None, 49])
def test_a_models_roles_are_those_of_its_weights_on_the_rows_drawn(model, first):
    model.train()
    scores = probing.roles(model, n=6, batch=3, generator=generator(4), first=first)
    ids = probing.repeated_ids(50, 6, batch=3, generator=generator(4), first=first)
    want = probing.role_scores(model.attention_weights(ids), 6, first is not None)
    assert model.training  # left as it was
    for role in probing.ROLES:
        assert scores[role].shape == (3, 4)
        np.testing.assert_allclose(scores[role], want[role], atol=1e-6)  # float32 weights, batch 1 against 3


def test_a_label_needs_half_of_the_weight():
    scores = {"self": np.array([[0.5, 0.49]]), "induction": np.array([[0.1, 0.3]])}
    assert probing.label(scores, 0, 0) == ("self", 0.5)
    assert probing.label(scores, 0, 1) == ("mixed", 0.49)


# the lens


def test_the_lens_ends_with_the_model_and_begins_with_the_embedding(model):
    ids = torch.randint(0, 50, (2, 7), generator=generator(5))
    lens = probing.logit_lens(model, ids)
    assert lens.shape == (4, 2, 7, 50)
    assert not lens.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(lens[-1], model(ids), **CLOSE)
        blocks = model.blocks
        for depth in (0, 1, 2):  # a shallower model, and then the last step
            model.blocks = torch.nn.ModuleList(blocks[:depth])
            torch.testing.assert_close(lens[depth], model(ids), **CLOSE)


def test_the_lens_reads_the_positions_asked_for(model):
    ids = torch.randint(0, 50, (2, 7), generator=generator(5))
    last = probing.logit_lens(model, ids, slice(-1, None))
    torch.testing.assert_close(last, probing.logit_lens(model, ids)[:, :, -1:], **CLOSE)


# ablation


def test_token_nats_are_minus_the_log_of_what_came(model):
    ids = torch.randint(0, 50, (2, 7), generator=generator(6))
    nats = probing.token_nats(model, ids)
    assert nats.shape == (2, 6)
    assert not nats.requires_grad
    with torch.no_grad():
        p = model(ids).double().softmax(dim=-1)
    for row in range(2):
        for t in range(6):
            want = -math.log(p[row, t, ids[row, t + 1]])
            assert nats[row, t].item() == pytest.approx(want, abs=1e-4)  # float32 logits
    with model.heads_off([(0, 1)]):
        assert not torch.allclose(probing.token_nats(model, ids), nats)
    assert torch.equal(probing.token_nats(model, ids), nats)
    with pytest.raises(ValueError, match="at least 2"):
        probing.token_nats(model, ids[:, :1])


def test_strongest_heads_come_strongest_first_as_layer_and_head():
    scores = np.array([[0.1, 0.9, 0.3], [0.3, 0.2, 0.95]])
    assert probing.strongest_heads(scores, 4) == [(1, 2), (0, 1), (0, 2), (1, 0)]
    for n in (0, 7):
        with pytest.raises(ValueError, match="1 to 6"):
            probing.strongest_heads(scores, n)


def test_random_heads_are_different_heads_and_spare_some():
    spare = [(0, 0), (1, 2)]
    seen = set()
    for seed in range(40):
        heads = probing.random_heads((2, 3), 2, spare=spare, generator=generator(seed))
        assert len(set(heads)) == 2
        assert heads == sorted(heads)
        seen |= set(heads)
    assert seen == {(0, 1), (0, 2), (1, 0), (1, 1)}  # every other head, in 40 draws of 2 of 4
    assert probing.random_heads((2, 3), 4, spare=spare, generator=generator()) == sorted(seen)
    with pytest.raises(ValueError, match="1 to 4"):
        probing.random_heads((2, 3), 5, spare=spare, generator=generator())
