"""AdamW and Muon against torch's, Newton–Schulz against the singular values, the schedule against torch's."""

import math

import numpy as np
import pytest
import torch

from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.training import AdamW, Muon, TrainConfig, make_optimizers, orthogonalise, rate, share_out


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def tensors(*shapes, dtype=torch.float64, seed=0):
    g = generator(seed)
    return [torch.randn(shape, dtype=dtype, generator=g).requires_grad_() for shape in shapes]


def give_gradients(parameters, step):
    """Gradients of very different sizes, the same for both optimizers."""
    g = generator(step)
    for p in parameters:
        p.grad = torch.randn(p.shape, dtype=p.dtype, generator=g) * 10.0 ** (step % 5 - 3)


@pytest.mark.parametrize(
    "options",
    [
        {"lr": 0.01, "betas": (0.9, 0.95), "weight_decay": 0.1},
        {"lr": 0.3, "betas": (0.7, 0.99), "weight_decay": 0.0, "eps": 1e-4},
    ],
)
def test_our_adamw_is_torchs_step_for_step(options):
    ours, theirs = tensors((3, 4), (5,)), tensors((3, 4), (5,))
    mine, oracle = AdamW(ours, **options), torch.optim.AdamW(theirs, **options)
    for step in range(20):
        give_gradients(ours, step)
        give_gradients(theirs, step)
        mine.step()
        oracle.step()
        for a, b in zip(ours, theirs, strict=True):  # float64: only the order of roundings differs
            torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-14)
    mine.zero_grad()
    assert all(p.grad is None for p in ours)


def test_our_adamw_leaves_alone_what_has_no_gradient():
    (p,) = tensors((2,))
    before = p.detach().clone()
    AdamW([p], lr=1.0).step()
    assert torch.equal(p, before)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 2, 7)])
def test_newton_schulz_maps_singular_values_and_keeps_directions(shape):
    (x,) = tensors(shape)
    x = x.detach()
    u, s, vt = np.linalg.svd(x.numpy(), full_matrices=False)
    s = s / np.linalg.norm(x.numpy(), axis=(-2, -1))[..., None]
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    # float64 through five steps of a polynomial with slopes up to 3.4: 3.4⁵ · 1e-16, with room
    np.testing.assert_allclose(orthogonalise(x), u * s[..., None, :] @ vt, rtol=0, atol=1e-12)
    assert s.min() > 0.6
    assert s.max() < 1.3


@pytest.mark.parametrize("shape", [(24, 16), (16, 48)])
def test_our_muon_is_torchs_to_bfloat16_rounding(shape):
    (ours,), (theirs,) = (tensors(shape, dtype=torch.float32) for _ in range(2))
    mine = Muon([ours], lr=0.02, momentum=0.9, weight_decay=0.1)
    oracle = torch.optim.Muon([theirs], lr=0.02, momentum=0.9, weight_decay=0.1)
    for step in range(10):
        before = theirs.detach().clone()
        give_gradients([ours], step)
        give_gradients([theirs], step)
        mine.step()
        oracle.step()
        # bfloat16 has 8 bits: each of the 15 products of a step rounds by up to 0.4 %, some per cent in all
        assert (ours - theirs).norm() < 0.05 * (theirs - before).norm() * math.sqrt(step + 1)


def test_muon_takes_stacked_matrices_as_separate_ones():
    apart = tensors((4, 6), (2, 6), (2, 6), dtype=torch.float32)
    stacked = torch.cat([p.detach() for p in apart]).requires_grad_()
    one = Muon([{"params": [stacked], "rows": (4, 2, 2)}])
    three = Muon(apart)
    for step in range(3):
        give_gradients(apart, step)
        stacked.grad = torch.cat([p.grad for p in apart])
        one.step()
        three.step()
    torch.testing.assert_close(
        stacked, torch.cat(apart), rtol=0, atol=1e-6
    )  # stacks of other sizes: rounding


def test_muon_refuses_a_vector():
    with pytest.raises(ValueError, match=r"Muon takes matrices .*\(5,\)"):
        Muon(tensors((5,)))


LLAMA = {"vocab_size": 11, "context_length": 8, "d_model": 8, "n_heads": 2, "n_kv_heads": 1, "n_layers": 2}


def small_llama(**changes):
    return Llama(LlamaConfig(**{**LLAMA, "d_head": 4, "d_ff": 12, **changes}), generator=generator())


def test_who_learns_how():
    shares = share_out(small_llama(tied=False), TrainConfig(optimizer="muon"))
    inside = ("attention.qkv", "attention.output", "feed_forward.gate_up", "feed_forward.down")
    assert shares["muon"] == [f"blocks.{i}.{part}.weight" for i in range(2) for part in inside]
    assert shares["embedding"] == ["embedding.weight"]
    assert shares["matrix"] == ["head.weight"]
    assert all("norm" in name for name in shares["vector"])
    assert len(shares["vector"]) == 5

    config = GPTConfig(11, context_length=8, d_model=8, n_heads=2, n_layers=1, d_ff=16)
    model = GPT(config, generator=generator())
    model.blocks[0].attention.output.weight.requires_grad_(False)
    shares = share_out(model, TrainConfig(optimizer="adamw"))
    assert shares["muon"] == []
    assert shares["embedding"] == ["embedding.weight", "position.weight"]
    assert sum(map(len, shares.values())) == len(list(model.parameters())) - 1  # the frozen one


def test_make_optimizers_gives_every_parameter_its_rate():
    model = small_llama(qk_norm="weighted")
    config = TrainConfig(optimizer="muon", lr=0.3, muon_lr=0.02, embedding_factor=0.5, weight_decay=0.2)
    adamw, muon = make_optimizers(model, config)
    names = {p: name for name, p in model.named_parameters()}
    groups = {names[p]: g for o in (adamw, muon) for g in o.param_groups for p in g["params"]}
    assert set(groups) == set(names.values())
    assert (groups["embedding.weight"]["full_lr"], groups["embedding.weight"]["weight_decay"]) == (0.15, 0.2)
    assert (groups["norm.weight"]["full_lr"], groups["norm.weight"]["weight_decay"]) == (0.3, 0.0)
    assert groups["blocks.1.attention.qkv.weight"]["rows"] == (8, 4, 4)
    assert groups["blocks.0.feed_forward.gate_up.weight"]["rows"] == (12, 12)
    assert groups["blocks.0.feed_forward.down.weight"]["rows"] is None
    assert groups["blocks.0.feed_forward.down.weight"]["full_lr"] == 0.02


def test_make_optimizers_refuses_a_frozen_model():
    with pytest.raises(ValueError, match="must have parameters"):
        make_optimizers(small_llama().requires_grad_(False), TrainConfig())


def rates_of_torch(scheduler):
    """What a torch scheduler gives each of 20 steps, as a share."""
    optimizer = torch.optim.SGD(tensors((1,)), lr=1.0)
    schedule, rates = scheduler(optimizer), []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def test_the_rate_is_torchs():
    s = torch.optim.lr_scheduler
    ours = [rate(step, TrainConfig(steps=20, final=0.1)) for step in range(20)]
    assert ours == pytest.approx(rates_of_torch(lambda o: s.CosineAnnealingLR(o, 20, eta_min=0.1)))
    ours = [rate(step, TrainConfig(steps=20, schedule="linear")) for step in range(20)]
    assert ours == pytest.approx(rates_of_torch(lambda o: s.LinearLR(o, 1, 0, total_iters=20)))
    ours = [rate(step, TrainConfig(steps=20, warmup=5, decay_from=1.0)) for step in range(20)]
    assert ours == pytest.approx(rates_of_torch(lambda o: s.LinearLR(o, 0.2, 1, total_iters=4)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": 0}, "steps must be at least 1 steps; got 0"),
        ({"betas": (0.9, 1.0)}, "betas must be two numbers from 0 to below 1"),
        ({"warmup": 500}, "warmup must be at most steps; got 500 of 400"),
        ({"fsdp": True, "optimizer": "muon"}, "fsdp splits matrices and Muon needs whole ones"),
        ({"decay_from": 2.0}, "decay_from must be at most 1"),
    ],
)
def test_config_refuses(changes, words):
    with pytest.raises(ValueError, match=words):
        TrainConfig(**changes)
