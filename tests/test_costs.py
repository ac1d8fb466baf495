"""Costs: counted from the config = counted by torch on the model."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from llmasos_edu import costs
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.torch_attention import explicit_attention

SIZES = {"vocab_size": 51, "context_length": 24, "d_model": 24, "n_heads": 3, "n_layers": 2, "d_ff": 40}
PLAIN = {"qk_norm": "plain", "norm_weights": False, "activation": "relu2", "logit_cap": 15.0}
CONFIGS = {
    "gpt": GPTConfig(**SIZES),
    "gpt untied, no bias": GPTConfig(**SIZES, tied=False, bias=False),
    "llama": LlamaConfig(**SIZES, n_kv_heads=3, d_head=8),
    "grouped, bias": LlamaConfig(**SIZES, n_kv_heads=1, d_head=10, qkv_bias=True),
    "weighted": LlamaConfig(**SIZES, n_kv_heads=1, d_head=6, qk_norm="weighted", tied=False),
    "today": LlamaConfig(**SIZES, n_kv_heads=3, d_head=8, **PLAIN),
}
B, T = 3, 20


@pytest.fixture(params=CONFIGS)
def model(request) -> torch.nn.Module:
    config = CONFIGS[request.param]
    kind = GPT if isinstance(config, GPTConfig) else Llama
    return kind(config, generator=torch.Generator().manual_seed(0))


def loss(model: torch.nn.Module) -> torch.Tensor:
    ids = torch.randint(0, 51, (B, T), generator=torch.Generator().manual_seed(1))
    return F.cross_entropy(model(ids).flatten(0, 1), ids.roll(-1, dims=1).flatten())


def test_parameters_and_their_bytes(model):
    weights = list(model.parameters())
    assert costs.parameters(model.config) == sum(w.numel() for w in weights)
    assert costs.weight_bytes(model.config) == sum(w.nbytes for w in weights)
    assert costs.weight_bytes(model.config, torch.bfloat16) == sum(w.bfloat16().nbytes for w in weights)


def test_parts_are_those_of_the_model(model):
    parts = dict.fromkeys(costs.parameters_by_part(model.config), 0)
    for name, weight in model.named_parameters():
        kinds = ("norm", "embedding", "position", "head", "attention", "feed_forward")
        kind = next(kind for kind in kinds if kind in name.replace("attention_norm", "norm"))
        parts["biases" if name.endswith("bias") else "norms" if kind == "norm" else kind] += weight.numel()
    assert costs.parameters_by_part(model.config) == parts


def test_flops(model):
    """Torch's counter knows matrix products, not the CPU's fused kernel: so attention is made explicit."""
    counted = []
    for attend in (
        lambda q, k, v, mask: q * k * v,
        lambda q, k, v, mask: explicit_attention(q, k, v, mask)[0],
    ):
        with model.attention_by(attend), FlopCounterMode(display=False) as forward:
            value = loss(model)
        with FlopCounterMode(display=False) as backward:
            value.backward()
        counted.append((forward.get_total_flops() // (B * T), backward.get_total_flops() // (B * T)))
    (matrices, matrices_back), (total, total_back) = counted
    expected = costs.flops_per_token(model.config, T)
    assert (expected.matrices, expected.attention) == (matrices, total - matrices)
    trained = costs.flops_per_token(model.config, T, backward=True)
    assert (trained.matrices, trained.total) == (matrices + matrices_back, total + total_back)


def test_activations_are_what_autograd_keeps(model):
    """Every saved tensor's memory, once, without the weights."""
    weights = {w.untyped_storage().data_ptr() for w in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(x: torch.Tensor) -> torch.Tensor:
        memory = x.untyped_storage()
        kept[memory.data_ptr()] = memory  # held, so that its address is not used again
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        loss(model)
    measured = sum(memory.nbytes() for at, memory in kept.items() if at not in weights)
    # exact but for torch's own odds and ends (the loss keeps its total weight): some bytes
    assert abs(costs.activation_bytes(model.config, B, T) - measured) <= 64


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_cache(model, dtype):
    cache = model.new_cache(B, 11, dtype)
    assert cache.n_bytes == costs.cache_bytes(model.config, 11, dtype, batch_size=B)
    assert cache.n_bytes == cache.keys.nbytes + cache.values.nbytes


@pytest.mark.parametrize(
    ("name", "published"),
    # OpenAI's checkpoints, position embeddings included: sizes of the tensors in their files
    [("small", 124_439_808), ("medium", 354_823_168), ("large", 774_030_080), ("xl", 1_557_611_200)],
)
def test_gpt2_has_as_many_parameters_as_published(name, published):
    config = GPTConfig.preset(name)
    assert costs.parameters(config) == published
    with torch.device("meta"):
        model = GPT(config, generator=None)
    assert sum(w.numel() for w in model.parameters()) == published


def test_smollm2_has_as_many_parameters_as_published():
    assert costs.parameters(LlamaConfig.preset("smollm2")) == 134_515_008
