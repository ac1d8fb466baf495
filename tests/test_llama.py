"""Today's decoder against a hand-made one: complex rotation, grouped heads, each option; first weights."""

import math
from inspect import unwrap

import pytest
import torch
import torch.nn.functional as F

from llmasos_edu.llama import Llama, LlamaConfig, one_token, rotary_table, rotate

SIZES = {"vocab_size": 50, "context_length": 16, "d_model": 24, "n_heads": 6, "n_layers": 2, "d_ff": 40}
SMALL = {**SIZES, "n_kv_heads": 2, "d_head": 6, "rope_base": 100.0, "norm_eps": 1e-2}
OPTIONS = {
    "llama": {},
    "qwen2": {"qkv_bias": True, "tied": False},
    "qwen3": {"qk_norm": "weighted"},
    "today": {"qk_norm": "plain", "norm_weights": False, "activation": "relu2", "logit_cap": 3.0},
}


def drawn(config: LlamaConfig) -> Llama:
    """Every weight at 0.5, so that no bias is 0 and no norm weight is 1."""
    generator = torch.Generator().manual_seed(0)
    model = Llama(config, generator=generator).double().eval()
    model.cos, model.sin = (t.double() for t in rotary_table(16, config.d_head, config.rope_base))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "norm.weight" in name else 0.0, 0.5, generator=generator)
    return model


def turned(x: torch.Tensor, base: float) -> torch.Tensor:
    """RoPE by complex numbers: x (B, T, H, Dh), number i and i + Dh/2 are one complex number."""
    half = x.shape[-1] // 2
    z = torch.complex(x[..., :half], x[..., half:])
    angle = torch.outer(torch.arange(x.shape[1]), base ** (-torch.arange(half) / half))
    z = z * torch.polar(torch.ones_like(angle), angle)[:, None].to(z.dtype)
    return torch.cat((z.real, z.imag), dim=-1)


def reference(model: Llama, ids: torch.Tensor) -> torch.Tensor:
    """The same decoder by its names and torch's functions."""
    c, w = model.config, dict(model.named_parameters())

    def norm(x, name):
        return F.rms_norm(x, x.shape[-1:], w.get(f"{name}.weight"), c.norm_eps)

    x = w["embedding.weight"][ids]
    for i in range(c.n_layers):
        at = f"blocks.{i}.attention"
        qkv = F.linear(norm(x, f"{at}_norm"), w[f"{at}.qkv.weight"], w.get(f"{at}.qkv.bias"))
        q, k, v = qkv.split((36, 12, 12), dim=-1)
        q, k, v = (y.unflatten(-1, (-1, 6)) for y in (q, k, v))
        if c.qk_norm != "none":
            q, k = norm(q, f"{at}.q_norm"), norm(k, f"{at}.k_norm")
        q, k = turned(q, c.rope_base), turned(k, c.rope_base)
        k, v = (y[:, :, [0, 0, 0, 1, 1, 1]] for y in (k, v))
        found = F.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True
        )
        x = x + found.transpose(1, 2).flatten(2) @ w[f"{at}.output.weight"].T
        ff = f"blocks.{i}.feed_forward"
        y = norm(x, f"{ff}_norm")
        if c.activation == "swiglu":
            gate, up = w[f"{ff}.gate_up.weight"].split(40)
            y = F.silu(y @ gate.T) * (y @ up.T)
        else:
            y = torch.relu(y @ w[f"{ff}.up.weight"].T) ** 2
        x = x + y @ w[f"{ff}.down.weight"].T
    logits = norm(x, "norm") @ w["embedding.weight" if c.tied else "head.weight"].T
    return c.logit_cap * torch.tanh(logits / c.logit_cap) if c.logit_cap else logits


@pytest.mark.parametrize("name", OPTIONS)
def test_equals_the_reference_with_gradients(name):
    model = drawn(LlamaConfig(**SMALL, **OPTIONS[name]))
    ids = torch.randint(0, 50, (2, 11), generator=torch.Generator().manual_seed(1))
    targets = ids.roll(-1, dims=1).flatten()
    expected = reference(model, ids)
    # float64 but for the angles: in float32, cos and sin are known to 1e-7, angles up to 10 to 1e-6
    torch.testing.assert_close(model(ids), expected, rtol=1e-5, atol=1e-5)
    weights = list(model.parameters())
    for a, b in zip(
        torch.autograd.grad(F.cross_entropy(model(ids).flatten(0, 1), targets), weights),
        torch.autograd.grad(F.cross_entropy(expected.flatten(0, 1), targets), weights),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_scores_depend_on_the_distance_alone():
    cos, sin = (table.double() for table in rotary_table(40, 8, 50.0))
    q, k = torch.randn(2, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def score(at, seen_at):
        return (rotate(q, cos[at], sin[at]) @ rotate(k, cos[seen_at], sin[seen_at])).item()

    # tables are float32: an angle up to 40 is known to 4e-6
    assert score(9, 4) == pytest.approx(score(35, 30), abs=1e-4)
    assert score(9, 4) == pytest.approx(score(5, 0), abs=1e-4)
    assert abs(score(9, 4) - score(4, 9)) > 0.1
    torch.testing.assert_close(rotate(q, cos[33], sin[33]).norm(), q.norm(), rtol=0, atol=1e-5)
    torch.testing.assert_close(rotate(q, cos[0], sin[0]), q)


def test_number_i_is_paired_with_i_plus_half():
    """At position 1 the first pair turns by one radian: number 0 into number 4 of eight."""
    cos, sin = rotary_table(2, 8, 10_000.0)
    x = torch.eye(8)[0]
    expected = torch.tensor([math.cos(1), 0, 0, 0, math.sin(1), 0, 0, 0])
    torch.testing.assert_close(rotate(x, cos[1], sin[1]), expected)


def test_no_score_exceeds_the_root_of_d_head_with_normed_queries_and_keys():
    """Lengths are √d_head each, so a score q · k / √d_head is √d_head at most, however large the weights."""
    config = LlamaConfig(**{**SMALL, "norm_eps": 0.0}, qk_norm="plain")
    model = drawn(config)
    largest = []

    def watch(q, k, v, mask):
        largest.append((q @ k.mT / math.sqrt(6)).abs().max().item())
        return v

    with model.attention_by(watch):
        model(torch.arange(12)[None])
    assert max(largest) <= math.sqrt(6) * (1 + 1e-6)  # tables in float32


def test_first_weights():
    config = LlamaConfig(
        vocab_size=300, context_length=8, d_model=32, n_heads=4, n_kv_heads=2, n_layers=8, d_head=24,
        d_ff=288, qkv_bias=True, qk_norm="weighted", tied=False, init_std=0.1, embedding_std=0.7,
    )  # fmt: skip
    for name, weight in Llama(config, generator=torch.Generator().manual_seed(0)).named_parameters():
        if name.endswith("bias"):
            assert (weight == 0).all(), name
        elif "norm" in name:
            assert (weight == 1).all(), name
        else:
            added = name.endswith(("attention.output.weight", "feed_forward.down.weight"))
            std = 0.7 if name == "embedding.weight" else 0.1 / math.sqrt(16) if added else 0.1
            chance = 4 / math.sqrt(2 * weight.numel())  # four standard errors
            assert weight.std().item() == pytest.approx(std, rel=chance), name


def test_projections_that_start_at_zero_pass_the_stream_on():
    model = Llama(
        LlamaConfig(**SMALL, zero_projections=True, tied=False), generator=torch.Generator().manual_seed(0)
    )
    ids = torch.arange(10)[None]
    streams = model.residual_streams(ids)
    assert torch.equal(streams["1.feed_forward"], streams["embed"])
    assert (model(ids) == 0).all()  # so the loss is ln V exactly
    F.cross_entropy(model(ids).flatten(0, 1), ids.flatten()).backward()
    assert model.head.weight.grad.abs().max() > 0  # and yet it learns


def test_capped_logits_stay_within():
    model = drawn(LlamaConfig(**SMALL, logit_cap=2.0))
    assert model(torch.arange(10)[None]).abs().max() <= 2.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_kv_heads": 4}, ["n_kv_heads must divide n_heads", "n_heads=6", "n_kv_heads=4"]),
        ({"d_head": 7}, ["d_head must be even", "7"]),
        ({"qk_norm": "yes"}, ["qk_norm", "'none', 'weighted', 'plain'", "'yes'"]),
        ({"activation": "gelu"}, ["activation", "'swiglu', 'relu2'"]),
        ({"rope_base": 0.0}, ["rope_base", "at least 1"]),
        ({"vocab_size": 0}, ["vocab_size", "at least 1"]),
    ],
)
def test_numbers_that_do_not_fit(changes, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        unwrap(LlamaConfig.__init__)(
            object.__new__(LlamaConfig), **{**SMALL, **changes}
        )  # past the kinds' check
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_presets():
    config = LlamaConfig.preset("smollm2", n_layers=2, qk_norm="weighted")
    assert (config.d_model, config.n_kv_heads, config.n_layers) == (576, 3, 2)
    assert LlamaConfig.from_json(config.to_json()) == config
    with pytest.raises(ValueError, match="no preset 'gpt'; there are tinyworld, smollm2"):
        LlamaConfig.preset("gpt")


@pytest.fixture
def passes(monkeypatch) -> list[str]:
    """Which passes went through `one_token`."""
    taken: list[str] = []
    through = one_token.through

    def watched(*arguments):
        taken.append("one token")
        return through(*arguments)

    monkeypatch.setattr(one_token, "through", watched)
    return taken


@pytest.mark.parametrize("name", OPTIONS)
def test_one_token_equals_the_blocks(name, passes):
    """Token by token as in one pass over the row; heads off and the reader's function as in the blocks."""
    model = drawn(LlamaConfig(**SMALL, **OPTIONS[name]))
    ids = torch.randint(0, 50, (1, 9), generator=torch.Generator().manual_seed(1))

    def step_by_step():
        cache = model.new_cache(1, 9)
        return torch.cat([model(piece, cache) for piece in ids.split([3, 1, 1, 1, 1, 1, 1], dim=1)], dim=1)

    with torch.no_grad():
        # float64; sums of ≤ 40 terms near 10, in another order
        torch.testing.assert_close(step_by_step(), model(ids), rtol=0, atol=1e-11)
        with model.heads_off({(0, 1), (1, 5)}), model.attention_by(lambda q, k, v, mask: (q @ k.mT) @ v / 9):
            changed = step_by_step()
            assert len(passes) == 12
            model.blocks[0].register_forward_hook(lambda module, arguments, out: None)  # watched: the blocks
            torch.testing.assert_close(changed, step_by_step(), rtol=1e-11, atol=1e-11)
    assert len(passes) == 12


def test_one_token_is_for_one_plain_row_on_a_cpu():
    """The rest goes through the blocks: rows, pads, bfloat16, gradients, a layer replaced or watched."""
    model = Llama(LlamaConfig(**SMALL), generator=torch.Generator().manual_seed(0))
    x = torch.zeros(1, 1, 24)
    with torch.no_grad():
        assert one_token.suits(model.blocks, x, None)
        assert not one_token.suits(model.blocks, torch.zeros(2, 1, 24), None)
        assert not one_token.suits(model.blocks, torch.zeros(1, 2, 24), None)
        assert not one_token.suits(model.blocks, x, torch.ones(1, 1, 1, 4, dtype=torch.bool))
        assert not one_token.suits(model.blocks, x.bfloat16(), None)
        with torch.autocast("cpu", torch.bfloat16):
            assert not one_token.suits(model.blocks, x, None)
        hook = model.blocks[1].attention.register_forward_pre_hook(lambda module, arguments: None)
        assert not one_token.suits(model.blocks, x, None)
        hook.remove()
        model.blocks[1].feed_forward.down = torch.nn.Sequential(model.blocks[1].feed_forward.down)
        assert not one_token.suits(model.blocks, x, None)
    assert not one_token.suits(Llama(model.config, generator=None).blocks, x, None)
