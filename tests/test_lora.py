"""LoRA: nothing changes at first, only the adapter learns, merging is exact, mistakes are refused."""

import pytest
import torch
from torch import nn

from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.lora import LoraConfig, add_lora, lora_parameters, merge, unmerge, using

IDS = torch.tensor([[3, 1, 4, 1, 5]])


def seeded(n=0):
    return torch.Generator().manual_seed(n)


@pytest.fixture
def model():
    return GPT(GPTConfig(11, context_length=8, d_model=8, n_heads=2, n_layers=2, d_ff=16), generator=seeded())


def moved(model, name):
    with torch.no_grad():
        for p in lora_parameters(model, name).values():
            p.normal_(0, 0.5, generator=seeded(7))


def test_a_new_adapter_changes_nothing_and_it_alone_learns(model):
    names, before = list(dict(model.named_parameters())), model(IDS)
    found = add_lora(model, LoraConfig(rank=2), generator=seeded())
    assert found == [f"blocks.{i}.attention.{part}" for i in (0, 1) for part in "qv"]
    assert torch.equal(model(IDS), before)
    assert set(names) <= set(dict(model.named_parameters()))
    model(IDS).sum().backward()
    assert {n for n, p in model.named_parameters() if p.requires_grad} == set(lora_parameters(model))
    assert all((p.grad is None) != p.requires_grad for p in model.parameters())


def test_the_sum_is_the_papers_and_parts_stay_in_their_rows(model):
    layer = model.blocks[0].attention.qkv
    x, base = torch.randn(3, 8, generator=seeded()), layer
    add_lora(model, LoraConfig(rank=2, alpha=6.0, targets=("blocks.0.attention.v",)), generator=seeded())
    moved(model, "default")
    a, b = lora_parameters(model).values()
    expected = base(x) + 3 * nn.functional.pad(x @ a.T @ b.T, (16, 0))
    # float32: sums of eight numbers near 1, in another order
    torch.testing.assert_close(model.blocks[0].attention.qkv(x), expected, rtol=1e-5, atol=1e-5)


def test_merge_and_unmerge(model):
    add_lora(model, LoraConfig(rank=2, targets=("*.qkv", "*.up")), generator=seeded())
    moved(model, "default")
    weights, y = {n: p.clone() for n, p in model.named_parameters()}, model(IDS)
    merge(model)
    torch.testing.assert_close(model(IDS), y, rtol=1e-4, atol=1e-4)  # float32 sums in another order
    assert not torch.equal(model.blocks[0].attention.qkv.weight, weights["blocks.0.attention.qkv.weight"])
    with pytest.raises(ValueError, match="merged already"):
        merge(model)
    unmerge(model)
    assert all(torch.equal(p, weights[n]) for n, p in model.named_parameters())
    with pytest.raises(ValueError, match="nothing is merged"):
        unmerge(model)


def test_adapters_take_turns(model):
    base = model(IDS)
    for name in ("x", "y"):
        add_lora(model, LoraConfig(rank=1), name=name, generator=seeded())
    moved(model, "x")
    assert torch.equal(model(IDS), base)  # y, still zero
    with using(model, "x"):
        assert not torch.equal(model(IDS), base)
        with using(model, None):
            assert torch.equal(model(IDS), base)
    with pytest.raises(ValueError, match="no adapter 'z'; there are x, y"), using(model, "z"):
        pass


def test_bad_input(model):
    for wrong in ({"rank": 0}, {"alpha": 0.0}, {"alpha": -1.0}, {"dropout": 1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            LoraConfig(**wrong)
    with pytest.raises(ValueError, match=r"there are blocks\.0\.attention\.qkv"):
        add_lora(model, LoraConfig(targets=("nowhere",)), generator=seeded())
    with pytest.raises(ValueError, match="both a whole layer and its parts"):
        add_lora(model, LoraConfig(targets=("*.qkv", "*.q")), generator=seeded())
    add_lora(model, LoraConfig(), generator=seeded())
    with pytest.raises(ValueError, match="already"):
        add_lora(model, LoraConfig(), generator=seeded())


def test_a_head_tied_to_the_embedding_is_no_target():
    tied = nn.ModuleDict({"words": nn.Embedding(5, 4), "head": nn.Linear(4, 5, bias=False)})
    tied["head"].weight = tied["words"].weight
    with pytest.raises(ValueError, match="tied to the embedding, so no target: head"):
        add_lora(tied, LoraConfig(targets=("head",)), generator=seeded())
    assert type(tied["head"]) is nn.Linear
