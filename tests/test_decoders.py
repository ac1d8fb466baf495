"""Both models: cache, padding, causality, heads off, the reader's attention, bad input."""

import pytest
import torch

from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig

SIZES = {"vocab_size": 50, "context_length": 16, "d_model": 32, "n_heads": 4, "n_layers": 2, "d_ff": 48}
MODELS = {
    "gpt": (GPT, GPTConfig(**SIZES)),
    "gpt untied, no bias": (GPT, GPTConfig(**SIZES, tied=False, bias=False)),
    "llama": (Llama, LlamaConfig(**SIZES, n_kv_heads=4, d_head=8)),
    "qwen2": (Llama, LlamaConfig(**SIZES, n_kv_heads=2, d_head=8, qkv_bias=True)),
    "qwen3": (Llama, LlamaConfig(**SIZES, n_kv_heads=2, d_head=12, qk_norm="weighted", tied=False)),
    "today": (
        Llama,
        LlamaConfig(
            **SIZES, n_kv_heads=1, d_head=8, qk_norm="plain", norm_weights=False, activation="relu2",
            logit_cap=15.0,
        ),
    ),
}  # fmt: skip
SAME = {"rtol": 0, "atol": 1e-11}  # float64, sums of ≤ 48 terms near 10, in another order


@pytest.fixture(params=MODELS)
def model(request) -> torch.nn.Module:
    """Every weight drawn at 0.5: heads look sharply, biases and norm weights are not what they start as."""
    kind, config = MODELS[request.param]
    generator = torch.Generator().manual_seed(0)
    model = kind(config, generator=generator).double().eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "norm.weight" in name else 0.0, 0.5, generator=generator)
    return model


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(0, 50, (3, 10), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("pieces", [[1] * 10, [4, 6], [1, 8, 1]])
def test_with_the_cache_as_without(model, ids, pieces):
    cache = model.new_cache(3, 12)
    with torch.no_grad():
        parts = [model(piece, cache) for piece in ids.split(pieces, dim=1)]
        torch.testing.assert_close(torch.cat(parts, dim=1), model(ids), **SAME)
    assert cache.length == 10


def test_a_padded_batch_equals_single_prompts(model, ids):
    """And then goes on with the cache, which remembers the pads."""
    padding = torch.tensor([0, 3, 7])
    cache = model.new_cache(3, 12)
    with torch.no_grad():
        batch = torch.cat([model(ids[:, :8], cache, padding), model(ids[:, 8:9], cache)], dim=1)
        batch = torch.cat([batch, model(ids[:, 9:], cache, padding)], dim=1)
        torch.testing.assert_close(batch, model(ids, padding=padding), **SAME)
        for row, pads in enumerate(padding.tolist()):
            torch.testing.assert_close(batch[row, pads:], model(ids[row : row + 1, pads:])[0], **SAME)
