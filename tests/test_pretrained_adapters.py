"""Our adapters under Hugging Face's names: peft puts them on the exported model, and we read peft's."""

import json
import warnings

import pytest
import torch

from llmasos_edu.corpora import tinyworld_tokenizer
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.lora import LoraConfig, add_lora, lora_pairs, lora_parameters, merge, unmerge, using
from llmasos_edu.pretrained import export, export_adapter, load_adapter, load_model
from llmasos_edu.tinyworld import World

IDS = torch.tensor([[3, 1, 4, 1, 5]])
TOKENIZER = tinyworld_tokenizer(World("en"), World("zh"))
#: float64, from the same float32 files; RoPE turns by float32 angles on both sides, which leaves 1e-7.
CLOSE = {"rtol": 0, "atol": 1e-6}


def seeded(n=0):
    return torch.Generator().manual_seed(n)


def small(kind, **changes):
    sizes = {"vocab_size": TOKENIZER.vocab_size, "context_length": 16, "d_model": 16, "n_layers": 2} | changes
    if kind == "gpt":
        return GPT(GPTConfig(**sizes, n_heads=2, d_ff=32), generator=seeded()).eval()
    options = {"llama": {}, "qwen2": {"qkv_bias": True}, "qwen3": {"qk_norm": "weighted"}}[kind]
    config = LlamaConfig(**sizes, n_heads=4, n_kv_heads=2, d_head=4, d_ff=12, **options)
    return Llama(config, generator=seeded()).eval()


def moved(parameters):
    with torch.no_grad():
        for i, p in enumerate(parameters):
            p.normal_(0, 0.5, generator=seeded(i))


def adapted(model, targets, **settings):
    add_lora(model, LoraConfig(rank=2, alpha=5.0, targets=targets, **settings), generator=seeded())
    moved(lora_parameters(model).values())
    return model


def logits(model):
    """In float64, whatever it was."""
    with torch.no_grad():
        out = model.double()(IDS)
    model.float()
    return getattr(out, "logits", out)


def hugging_face(folder, model):
    from transformers import AutoModelForCausalLM

    with using(model, None):
        export(folder, model, TOKENIZER)
    return AutoModelForCausalLM.from_pretrained(folder).eval()


PARTS = ("*.attention.q", "*.attention.v")
EVERYWHERE = ("*.qkv", "*.output", "*.up", "*.down")


@pytest.mark.parametrize(
    ("kind", "targets", "names"),
    [
        ("gpt", PARTS, {"c_attn"}),
        ("gpt", EVERYWHERE, {"c_attn", "c_proj", "c_fc"}),
        ("gpt", ("*.0.attention.v", "*.down"), {"c_attn", "c_proj"}),
        ("llama", PARTS, {"q_proj", "v_proj"}),
        ("llama", EVERYWHERE, {"q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"}),
        ("qwen2", ("*.attention.k", "*.gate_up"), {"k_proj", "gate_proj", "up_proj"}),
        ("qwen3", PARTS, {"q_proj", "v_proj"}),
    ],
)
def test_peft_puts_ours_on_the_exported_model_and_we_read_it_back(kind, targets, names, tmp_path):
    import peft

    mine = adapted(small(kind), targets)
    base = hugging_face(tmp_path / "base", mine)
    export_adapter(tmp_path / "a", mine, base_model=tmp_path / "base")
    about = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert {name.rpartition(".")[2] for name in about["target_modules"]} == names
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        before = logits(base)
        theirs = peft.PeftModel.from_pretrained(base, tmp_path / "a").eval()
        assert (logits(theirs) - before).abs().max() > 0.1
        torch.testing.assert_close(logits(theirs), logits(mine), **CLOSE)
        by_its_name = peft.AutoPeftModelForCausalLM.from_pretrained(tmp_path / "a").eval()
        torch.testing.assert_close(logits(by_its_name), logits(mine), **CLOSE)
    assert not [w for w in said if "adapter" in str(w.message) or "fan_in" in str(w.message)]
    again = load_model(tmp_path / "base")
    load_adapter(tmp_path / "a", again, "back")
    torch.testing.assert_close(logits(again), logits(mine), **CLOSE)


@pytest.mark.parametrize(
    ("kind", "modules", "ours"),
    [
        ("gpt", ["c_attn", "c_fc"], {"qkv", "up"}),
        ("llama", ["k_proj", "gate_proj", "o_proj"], {"k", "gate", "output"}),
    ],
)
def test_pefts_adapter_of_the_exported_model_comes_to_ours(kind, modules, ours, tmp_path):
    import peft

    mine = small(kind)
    config = peft.LoraConfig(
        r=3, lora_alpha=4, use_rslora=True, target_modules=modules, task_type="CAUSAL_LM",
        fan_in_fan_out=kind == "gpt",
    )  # fmt: skip
    theirs = peft.get_peft_model(hugging_face(tmp_path / "base", mine), config).eval()
    moved(p for n, p in theirs.named_parameters() if "lora_" in n)
    theirs.save_pretrained(tmp_path / "a")
    found = load_adapter(tmp_path / "a", mine)
    assert {name.rpartition(".")[2] for name in found} == ours
    torch.testing.assert_close(logits(mine), logits(theirs), **CLOSE)


def test_two_scales_on_one_matrix_of_gpt2_are_kept(tmp_path):
    mine = adapted(small("gpt"), PARTS)
    for place, pair in lora_pairs(mine).items():
        if place.endswith("v"):
            pair.config = pair.config.replace(alpha=3.0)
    export_adapter(tmp_path / "a", mine)
    again = small("gpt")
    load_adapter(tmp_path / "a", again)
    torch.testing.assert_close(logits(again), logits(mine), **CLOSE)


def test_what_does_not_fit_is_refused(tmp_path):
    mine = adapted(small("llama"), PARTS)
    with pytest.raises(ValueError, match="'default' is beside the weights and would be left out; merge it"):
        export(tmp_path / "hf", mine, TOKENIZER)
    export_adapter(tmp_path / "a", mine)
    with pytest.raises(ValueError, match=r"this model has no model\.layers.*it has c_attn, c_proj, c_fc"):
        load_adapter(tmp_path / "a", small("gpt"))
    with pytest.raises(ValueError, match="must be"):
        load_adapter(tmp_path / "a", small("llama", d_model=24))
    another = small("llama")
    with torch.no_grad():
        another.norm.weight[0] += 1e-3
    with pytest.raises(ValueError, match="another base"):
        load_adapter(tmp_path / "a", another)
    assert all(p.requires_grad for p in another.parameters())  # nothing was changed
    with pytest.raises(ValueError, match="no adapter 'other'"):
        export_adapter(tmp_path / "b", mine, "other")
    merge(mine)
    with pytest.raises(ValueError, match="merged already"):
        export_adapter(tmp_path / "b", mine)
    export(tmp_path / "hf", mine, TOKENIZER)
    unmerge(mine)
    torch.testing.assert_close(logits(load_model(tmp_path / "hf")), logits(mine), **CLOSE)
    today = Llama(LlamaConfig(8, 8, d_model=8, n_heads=2, n_kv_heads=2, d_head=4, n_layers=1, d_ff=8,
                              activation="relu2"), generator=seeded())  # fmt: skip
    with pytest.raises(ValueError, match="activation must be"):
        export_adapter(tmp_path / "b", adapted(today, PARTS))
    assert not (tmp_path / "b").exists()
