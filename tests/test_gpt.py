"""GPT-2 against the same model written with torch's functions; its first weights; its config."""

import math
from inspect import unwrap

import pytest
import torch
import torch.nn.functional as F

from llmasos_edu.gpt import GPT, GPTConfig

SIZES = {"vocab_size": 50, "context_length": 16, "d_model": 24, "n_heads": 3, "n_layers": 2, "d_ff": 40}


def drawn(config: GPTConfig) -> GPT:
    """Every weight at 0.5, so that no bias is 0 and no norm weight is 1."""
    generator = torch.Generator().manual_seed(0)
    model = GPT(config, generator=generator).double().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "norm.weight" in name else 0.0, 0.5, generator=generator)
    return model


def reference(model: GPT, ids: torch.Tensor) -> torch.Tensor:
    """GPT-2 by its names and torch's functions, one head after the other."""
    c, w = model.config, dict(model.named_parameters())

    def norm(x, name):
        return F.layer_norm(x, (c.d_model,), w[f"{name}.weight"], w.get(f"{name}.bias"), c.norm_eps)

    def linear(x, name):
        return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))

    x = w["embedding.weight"][ids] + w["position.weight"][: ids.shape[1]]
    for i in range(c.n_layers):
        qkv = linear(norm(x, f"blocks.{i}.attention_norm"), f"blocks.{i}.attention.qkv")
        found = []
        for h in range(c.n_heads):
            q, k, v = (qkv[..., start + h * 8 : start + h * 8 + 8] for start in (0, 24, 48))
            scores = q @ k.mT / math.sqrt(8)
            ahead = torch.ones_like(scores).triu(1).bool()
            found.append(scores.masked_fill(ahead, -torch.inf).softmax(-1) @ v)
        x = x + linear(torch.cat(found, dim=-1), f"blocks.{i}.attention.output")
        up = linear(norm(x, f"blocks.{i}.feed_forward_norm"), f"blocks.{i}.feed_forward.up")
        gelu = 0.5 * up * (1 + torch.tanh(math.sqrt(2 / math.pi) * (up + 0.044715 * up**3)))
        x = x + linear(gelu, f"blocks.{i}.feed_forward.down")
    return norm(x, "norm") @ w["embedding.weight" if c.tied else "head.weight"].T


@pytest.mark.parametrize("changes", [{}, {"bias": False, "tied": False, "norm_eps": 1e-2}])
def test_equals_the_reference_with_gradients(changes):
    model = drawn(GPTConfig(**SIZES, **changes))
    ids = torch.randint(0, 50, (2, 11), generator=torch.Generator().manual_seed(1))
    targets = ids.roll(-1, dims=1).flatten()
    expected = reference(model, ids)
    # float64, sums of ≤ 72 terms, logits near 10; gradients near 1
    torch.testing.assert_close(model(ids), expected, rtol=0, atol=1e-11)
    weights = list(model.parameters())
    for a, b in zip(
        torch.autograd.grad(F.cross_entropy(model(ids).flatten(0, 1), targets), weights),
        torch.autograd.grad(F.cross_entropy(expected.flatten(0, 1), targets), weights),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-11)


def test_first_weights():
    """Standard deviations as published; 9,216 draws and more know theirs to 1 % (1/√(2n) = 0.7 %)."""
    config = GPTConfig(vocab_size=300, context_length=300, d_model=32, n_heads=2, n_layers=8, d_ff=288)
    model = GPT(config, generator=torch.Generator().manual_seed(0))
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            assert (weight == 0).all(), name
        elif "norm" in name:
            assert (weight == 1).all(), name
        else:
            added = name.endswith(("attention.output.weight", "feed_forward.down.weight"))
            std = 0.02 / math.sqrt(16) if added else 0.02
            chance = 4 / math.sqrt(2 * weight.numel())  # four standard errors
            assert weight.std().item() == pytest.approx(std, rel=chance), name
            assert abs(weight.mean().item()) < 4 * std / math.sqrt(weight.numel()), name


def test_an_untrained_model_knows_nothing():
    """Its loss is ln V: logits of size 0.02·√32 ≈ 0.1 move it by their variance, about 0.01."""
    model = GPT(GPTConfig(**{**SIZES, "d_model": 30}), generator=torch.Generator().manual_seed(0))
    ids = torch.randint(0, 50, (8, 16), generator=torch.Generator().manual_seed(1))
    loss = F.cross_entropy(model(ids).flatten(0, 1), ids.roll(-1, dims=1).flatten())
    assert loss.item() == pytest.approx(math.log(50), abs=0.05)


def test_dropout_in_training_alone():
    model = drawn(GPTConfig(**SIZES, dropout=0.5))
    ids = torch.arange(10)[None]
    assert torch.equal(model(ids), model(ids))
    torch.testing.assert_close(model(ids), reference(model, ids), rtol=0, atol=1e-11)
    model.train()
    torch.manual_seed(0)
    one, two = model(ids), model(ids)
    torch.manual_seed(0)
    assert torch.equal(model(ids), one)
    assert not torch.allclose(one, two)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_heads": 5}, ["n_heads must divide d_model", "d_model=24", "n_heads=5"]),
        ({"dropout": 1.0}, ["dropout must be below 1", "1.0"]),
        ({"dropout": -0.1}, ["dropout", "at least 0"]),
        ({"n_layers": 0}, ["n_layers", "at least 1"]),
        ({"d_ff": 40.5}, ["d_ff", "whole number", "40.5"]),
        ({"tied": "yes"}, ["tied", "true or false"]),
    ],
)
def test_numbers_that_do_not_fit(changes, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        unwrap(GPTConfig.__init__)(object.__new__(GPTConfig), **{**SIZES, **changes})  # past the kinds' check
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_presets():
    tiny = GPTConfig.preset("tiny", vocab_size=99, bias=False)
    assert (tiny.vocab_size, tiny.d_model, tiny.n_layers, tiny.context_length) == (99, 128, 4, 64)
    assert GPTConfig.from_json(tiny.to_json()) == tiny
    with pytest.raises(ValueError, match="no preset 'huge'; there are tiny, small, medium, large, xl"):
        GPTConfig.preset("huge")
    with pytest.raises(ValueError, match="has no \\['d_modle'\\]"):
        GPTConfig.preset("tiny", d_modle=3)
