"""Adapter files: peft reads ours, we read its, equal in outputs and gradients; misfits are refused."""

import json
import warnings

import pytest
import safetensors.torch
import torch

from llmasos_edu import checkpoint
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.lora import (
    LoraConfig,
    add_lora,
    drop_lora,
    load_adapter,
    lora_parameters,
    merge,
    save_adapter,
)

IDS = torch.tensor([[3, 1, 4, 1, 5]])
CLOSE = {"rtol": 1e-6, "atol": 1e-6}  # float32 logits and gradients near 0.1, summed by the same kernels


def seeded(n=0):
    return torch.Generator().manual_seed(n)


def ours(seed=0, **changes):
    config = GPTConfig(11, context_length=8, d_model=8, n_heads=2, n_layers=2, d_ff=16).replace(**changes)
    return GPT(config, generator=seeded(seed))


def llama():
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=11, hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=8, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    return LlamaForCausalLM(config).eval()


def moved(parameters):
    with torch.no_grad():
        for i, p in enumerate(parameters):
            p.normal_(0, 0.3, generator=seeded(i))


def gradients(model, kind):
    model(IDS).logits.square().sum().backward()
    return [p.grad for n, p in model.named_parameters() if kind in n and p.requires_grad]


def test_peft_reads_ours_with_equal_outputs_and_gradients(tmp_path):
    import peft

    mine = llama()
    add_lora(mine, LoraConfig(rank=2, alpha=6.0, targets=("*.q_proj", "*.v_proj")), generator=seeded())
    moved(lora_parameters(mine).values())
    save_adapter(tmp_path / "a", mine)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        theirs = peft.PeftModel.from_pretrained(llama(), tmp_path / "a", is_trainable=True)
    assert not [w for w in said if "adapter" in str(w.message)]  # no key was missing or unknown
    assert not torch.allclose(mine(IDS).logits, llama()(IDS).logits, atol=1e-3)
    torch.testing.assert_close(theirs.eval()(IDS).logits, mine(IDS).logits, **CLOSE)
    for a, b in zip(gradients(theirs, "lora_"), gradients(mine, "lora."), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)  # of squares, so up to 10 times larger


def test_we_read_pefts(tmp_path):
    import peft

    config = peft.LoraConfig(r=3, lora_alpha=5, target_modules=["q_proj", "down_proj"])
    theirs = peft.get_peft_model(llama(), config).eval()
    moved(p for n, p in theirs.named_parameters() if "lora_" in n)
    theirs.save_pretrained(tmp_path / "a")
    mine = llama()
    assert len(load_adapter(tmp_path / "a", mine)) == 4
    torch.testing.assert_close(mine(IDS).logits, theirs(IDS).logits, **CLOSE)
    merge(mine)
    drop_lora(mine)
    assert set(mine.state_dict()) == set(llama().state_dict())
    merged = theirs.merge_and_unload()(IDS).logits
    torch.testing.assert_close(mine(IDS).logits, merged, rtol=1e-5, atol=1e-5)  # W + BA rounds once more


def test_our_parts_come_back(tmp_path):
    model = ours()
    add_lora(model, LoraConfig(rank=2), generator=seeded())
    moved(lora_parameters(model).values())
    save_adapter(tmp_path / "a", model)
    again = ours()
    load_adapter(tmp_path / "a", again, "other")
    assert torch.equal(again(IDS), model(IDS))


def test_a_checkpoint_holds_the_adapter_too(tmp_path):
    models = [ours(), ours(1)]
    for seed, model in enumerate(models):
        add_lora(model, LoraConfig(rank=2), generator=seeded(seed))
        moved(lora_parameters(models[0]).values())
    checkpoint.save(tmp_path / "c", model=models[0], config=models[0].config, step=1)
    checkpoint.restore(models[1], checkpoint.load(tmp_path / "c"))
    assert torch.equal(models[1](IDS), models[0](IDS))


@pytest.fixture
def folder(tmp_path):
    model = ours()
    add_lora(model, LoraConfig(rank=2), generator=seeded())
    return save_adapter(tmp_path / "a", model)


def changed(folder, **changes):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: ours(1), "another base"),
        (lambda: ours(d_model=12), "must be"),
        (lambda: ours(n_layers=1), r"this model has no blocks\.1\.attention\.q"),
    ],
)
def test_another_base(folder, model, said):
    model = model()
    names = set(model.state_dict())
    with pytest.raises(ValueError, match=said):
        load_adapter(folder, model)
    assert set(model.state_dict()) == names
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"r": 3}, r"must be \(3, 8\) for rank 3"),
        ({"r": 0}, "rank"),
        ({"lora_alpha": -1}, "alpha"),
        ({"use_dora": True}, "use_dora"),
        ({"rank_pattern": {"q": 4}}, "rank_pattern"),
        ({"peft_type": "IA3"}, "peft_type"),
        ({"r": None}, "rank"),
    ],
)
def test_another_description(folder, changes, said):
    changed(folder, **changes)
    with pytest.raises(ValueError, match=said):
        load_adapter(folder, ours())


def test_pickles_and_damage_are_refused(folder, tmp_path):
    tensors = folder / "adapter_model.safetensors"
    half = tensors.read_bytes()[:-40]
    tensors.write_bytes(half)
    with pytest.raises(ValueError, match="damaged"):
        load_adapter(folder, ours())
    safetensors.torch.save_file({"embedding.weight": torch.zeros(2)}, tensors)
    with pytest.raises(ValueError, match="no tensor of a LoRA adapter"):
        load_adapter(folder, ours())
    tensors.unlink()
    with pytest.raises(FileNotFoundError):
        load_adapter(folder, ours())
    torch.save({}, folder / "adapter_model.bin")
    with pytest.raises(ValueError, match="pickle"):
        load_adapter(folder, ours())


def test_a_merged_adapter_is_not_saved(tmp_path):
    model = ours()
    add_lora(model, LoraConfig(), generator=seeded())
    merge(model)
    with pytest.raises(ValueError, match="unmerge"):
        save_adapter(tmp_path / "a", model)
