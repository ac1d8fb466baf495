"""LoRA: nothing changes at first, only the adapter learns, merging is exact, mistakes are refused."""

import copy

import pytest
import torch
from torch import nn

from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.lora import (
    LoraConfig,
    adapters_in_use,
    add_lora,
    drop_lora,
    lora_parameters,
    merge,
    unmerge,
    using,
)

IDS = torch.tensor([[3, 1, 4, 1, 5]])
#: float64: sums of numbers near 1 in another order differ by about 1e-15; a wrong term by far more.
EXACT = {"rtol": 0, "atol": 1e-10}


def seeded(n=0):
    return torch.Generator().manual_seed(n)


@pytest.fixture
def model():
    config = GPTConfig(11, context_length=8, d_model=8, n_heads=2, n_layers=2, d_ff=16)
    return GPT(config, generator=seeded()).double()


def llama():
    config = LlamaConfig(11, 8, d_model=8, n_heads=4, n_kv_heads=2, d_head=2, n_layers=1, d_ff=12)
    return Llama(config, generator=seeded()).double()


def moved(model, name="default"):
    with torch.no_grad():
        for i, p in enumerate(lora_parameters(model, name).values()):
            p.normal_(0, 0.5, generator=seeded(i))


def test_a_new_adapter_changes_nothing_and_it_alone_learns(model):
    names, before = list(dict(model.named_parameters())), model(IDS)
    found = add_lora(model, LoraConfig(rank=2), generator=seeded())
    assert found == [f"blocks.{i}.attention.{part}" for i in (0, 1) for part in "qv"]
    assert torch.equal(model(IDS), before)
    assert set(names) <= set(dict(model.named_parameters()))
    model(IDS).sum().backward()
    assert {n for n, p in model.named_parameters() if p.requires_grad} == set(lora_parameters(model))
    assert all((p.grad is None) != p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(("rslora", "scale"), [(False, 6 / 4), (True, 6 / 2)])
def test_the_sum_is_the_papers(rslora, scale):
    layer = nn.Linear(5, 3).double()
    model, x = nn.Sequential(copy.deepcopy(layer)), torch.randn(7, 5, generator=seeded()).double()
    add_lora(model, LoraConfig(rank=4, alpha=6.0, targets=("0",), rslora=rslora), generator=seeded())
    moved(model)
    a, b = lora_parameters(model).values()
    assert (tuple(a.shape), tuple(b.shape)) == ((4, 5), (3, 4))
    torch.testing.assert_close(model(x), layer(x) + scale * (x @ a.T @ b.T), **EXACT)


@pytest.mark.parametrize(
    ("part", "layer", "rows"),
    [
        ("attention.q", "attention.qkv", slice(0, 8)),
        ("attention.k", "attention.qkv", slice(8, 12)),
        ("attention.v", "attention.qkv", slice(12, 16)),
        ("feed_forward.gate", "feed_forward.gate_up", slice(0, 12)),
        ("feed_forward.up", "feed_forward.gate_up", slice(12, 24)),
    ],
)
def test_a_part_of_a_stacked_layer_stays_in_its_rows(part, layer, rows):
    model = llama()
    stacked, x = model.get_submodule(f"blocks.0.{layer}"), torch.randn(3, 8, generator=seeded()).double()
    assert add_lora(model, LoraConfig(rank=2, targets=(f"*.{part}",)), generator=seeded()) == [
        f"blocks.0.{part}"
    ]
    moved(model)
    change = model.get_submodule(f"blocks.0.{layer}")(x) - stacked(x)
    a, b = lora_parameters(model).values()
    torch.testing.assert_close(change[:, rows], 8 * (x @ a.T @ b.T), **EXACT)
    change[:, rows] = 0
    assert not change.any()


def test_merge_and_unmerge(model):
    add_lora(model, LoraConfig(rank=2, targets=("*.q", "*.k", "*.up")), generator=seeded())
    moved(model)
    weights, y = {n: p.clone() for n, p in model.named_parameters()}, model(IDS)
    merge(model)
    torch.testing.assert_close(model(IDS), y, **EXACT)
    assert not torch.equal(model.blocks[0].attention.qkv.weight, weights["blocks.0.attention.qkv.weight"])
    with pytest.raises(ValueError, match="merged already"):
        merge(model)
    with pytest.raises(ValueError, match="merged already"), using(model, None):
        pass
    with pytest.raises(ValueError, match="merged already"):
        add_lora(model, LoraConfig(), name="second", generator=seeded())
    with pytest.raises(ValueError, match="before saving"):
        model.state_dict()
    unmerge(model)
    assert all(torch.equal(p, weights[n]) for n, p in model.named_parameters())
    assert torch.equal(model(IDS), y)
    with pytest.raises(ValueError, match="nothing is merged"):
        unmerge(model)


def test_unmerged_the_base_is_the_same_bit_for_bit_where_subtracting_would_not_give_it_back(model):
    model.float()
    weight = model.blocks[0].feed_forward.up.weight
    add_lora(model, LoraConfig(rank=2, targets=("*.up",)), generator=seeded())
    moved(model)
    with torch.no_grad():
        lora_parameters(model)["blocks.0.feed_forward.up.lora.default.all.B"].mul_(1e6)
    before = weight.clone()
    merge(model)
    product = weight - before
    assert not torch.equal(weight - product, before)  # the sum was rounded
    unmerge(model)
    assert torch.equal(weight, before)


def test_adapters_take_turns(model):
    base = model(IDS)
    add_lora(model, LoraConfig(rank=1, targets=("*.up",)), name="x", generator=seeded())
    moved(model, "x")
    x = model(IDS)
    add_lora(model, LoraConfig(rank=2), name="y", generator=seeded())
    assert torch.equal(model(IDS), base)  # y, still zero
    assert {n for n, p in model.named_parameters() if p.requires_grad} == set(lora_parameters(model, "y"))
    with pytest.raises(RuntimeError, match="stop"), using(model, "x"):
        assert torch.equal(model(IDS), x)
        with using(model, None):
            assert torch.equal(model(IDS), base)
        assert torch.equal(model(IDS), x)
        raise RuntimeError("stop")
    assert adapters_in_use(model) == ["y"]  # again, though the block ended badly
    assert torch.equal(model(IDS), base)
    merge(model, "x")
    torch.testing.assert_close(model(IDS), x, **EXACT)
    unmerge(model)
    with pytest.raises(ValueError, match="no adapter 'z'; there are x, y"), using(model, "z"):
        pass


def test_attention_by_the_readers_own_function_and_its_weights_use_the_adapter():
    model = llama().eval()
    before = model.attention_weights(IDS)
    add_lora(model, LoraConfig(rank=2), generator=seeded())
    moved(model)
    y = model(IDS)

    def own(q, k, v, mask):
        scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(~mask, -torch.inf)
        return scores.softmax(-1) @ v

    with model.attention_by(own):
        torch.testing.assert_close(model(IDS), y, **EXACT)
    assert (model.attention_weights(IDS) - before).abs().max() > 1e-3
    assert type(model) is Llama
    drop_lora(model)
    assert type(model.blocks[0].attention.qkv) is nn.Linear
    assert torch.equal(model.attention_weights(IDS), before)


@pytest.mark.parametrize("training", [True, False])
def test_an_adapters_dropout_is_on_only_if_its_model_is_training(model, training):
    model.train(training)
    for name in ("x", "y"):  # on a plain layer, and beside an older adapter
        add_lora(model, LoraConfig(rank=2, dropout=0.5), name=name, generator=seeded())
        assert {m.training for m in model.modules()} == {training}
        moved(model, name)
        assert torch.equal(model(IDS), model(IDS)) != training


def test_bad_settings_and_names(model):
    for wrong in ({"rank": 0}, {"alpha": 0.0}, {"alpha": -1.0}, {"dropout": 1.0}, {"dropout": -0.1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            LoraConfig(**wrong)
    with pytest.raises(ValueError, match=r"matches 'nowhere'; there are blocks\.\*\.attention\.qkv, blocks"):
        add_lora(model, LoraConfig(targets=("*.q", "nowhere")), generator=seeded())
    with pytest.raises(ValueError, match="both a whole layer and its parts"):
        add_lora(model, LoraConfig(targets=("*.qkv", "*.q")), generator=seeded())
    for name in ("", "a.b", "keys"):
        with pytest.raises(ValueError, match="word without dots"):
            add_lora(model, LoraConfig(), name=name, generator=seeded())
    assert all(p.requires_grad for p in model.parameters())  # whatever was refused has changed nothing
    add_lora(model, LoraConfig(), generator=seeded())
    with pytest.raises(ValueError, match="already"):
        add_lora(model, LoraConfig(), generator=seeded())


def test_a_head_tied_to_the_embedding_is_no_target():
    tied = nn.ModuleDict({"words": nn.Embedding(5, 4), "head": nn.Linear(4, 5, bias=False)})
    tied["head"].weight = tied["words"].weight
    with pytest.raises(ValueError, match="head shares its weight with another layer"):
        add_lora(tied, LoraConfig(targets=("head",)), generator=seeded())
    assert type(tied["head"]) is nn.Linear


def test_what_is_no_plain_linear_layer_is_named():
    from transformers.pytorch_utils import Conv1D

    model = nn.ModuleDict({"c_attn": Conv1D(6, 2), "looks": nn.MultiheadAttention(4, 2)})
    with pytest.raises(ValueError, match=r"c_attn is of the kind Conv1D, which is not supported"):
        add_lora(model, LoraConfig(targets=("c_attn",)), generator=seeded())
    with pytest.raises(ValueError, match=r"looks\.out_proj is of the kind NonDyn"):  # reads the weight itself
        add_lora(model, LoraConfig(targets=("*.out_proj",)), generator=seeded())
