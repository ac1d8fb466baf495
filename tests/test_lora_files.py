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
    lora_pairs,
    lora_parameters,
    merge,
    save_adapter,
)

IDS = torch.tensor([[3, 1, 4, 1, 5]])
#: The models are float64 on both sides; what remains is sums in another order, about 1e-15 of numbers near 1.
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


def seeded(n=0):
    return torch.Generator().manual_seed(n)


def ours(seed=0, **changes):
    config = GPTConfig(11, context_length=8, d_model=8, n_heads=2, n_layers=2, d_ff=16).replace(**changes)
    return GPT(config, generator=seeded(seed))


def llama(**changes):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=11, hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=8, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        **changes,
    )  # fmt: skip
    torch.manual_seed(0)
    return LlamaForCausalLM(config).eval().double()


def moved(parameters):
    with torch.no_grad():
        for i, p in enumerate(parameters):
            p.normal_(0, 0.3, generator=seeded(i))


def gradients(model, kind):
    model(IDS).logits.square().sum().backward()
    return [p.grad for n, p in model.named_parameters() if kind in n and p.requires_grad]


def adapted(model, **settings):
    add_lora(model, LoraConfig(**settings), generator=seeded())
    moved(lora_parameters(model).values())
    return model


@pytest.mark.parametrize("rslora", [False, True])
def test_peft_reads_ours_with_equal_outputs_and_gradients(tmp_path, rslora):
    import peft

    biased = {"attention_bias": True, "mlp_bias": True}  # the layers' own biases stay as they are
    targets = ("*.q_proj", "*.v_proj", "*.1.mlp.down_proj")
    mine = adapted(llama(**biased), rank=3, alpha=7.0, targets=targets, rslora=rslora)
    save_adapter(tmp_path / "a", mine)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        theirs = peft.PeftModel.from_pretrained(
            llama(**biased), tmp_path / "a", is_trainable=True, autocast_adapter_dtype=False
        )
    assert not [w for w in said if "adapter" in str(w.message)]  # no key was missing or unknown
    assert (mine(IDS).logits - llama(**biased)(IDS).logits).abs().max() > 1e-3
    torch.testing.assert_close(theirs.eval()(IDS).logits, mine(IDS).logits, **CLOSE)
    for a, b in zip(gradients(theirs, "lora_"), gradients(mine, "lora."), strict=True):
        torch.testing.assert_close(a, b, **CLOSE)


def test_dropout_is_pefts(tmp_path):
    import peft

    mine = adapted(llama(), rank=3, dropout=0.5, targets=("*.q_proj", "*.v_proj"))
    save_adapter(tmp_path / "a", mine)
    theirs = peft.PeftModel.from_pretrained(llama(), tmp_path / "a", autocast_adapter_dtype=False)
    rows = []
    for model in (mine, theirs):
        torch.manual_seed(5)  # dropout draws from the global generator, in the order of the layers
        rows.append((model.train()(IDS).logits, model.eval()(IDS).logits))
    for ours, pefts in zip(*rows, strict=True):
        torch.testing.assert_close(ours, pefts, **CLOSE)
    assert not torch.allclose(*rows[0])


def test_we_read_pefts(tmp_path):
    import peft

    config = peft.LoraConfig(
        r=3, lora_alpha=5, target_modules=["q_proj", "down_proj"],
        rank_pattern={"down_proj": 2}, alpha_pattern={r"layers\.1\.mlp\.down_proj": 4},
    )  # fmt: skip
    theirs = peft.get_peft_model(llama(), config, autocast_adapter_dtype=False).eval()
    moved(p for n, p in theirs.named_parameters() if "lora_" in n)
    theirs.save_pretrained(tmp_path / "a")
    mine = llama()
    assert len(load_adapter(tmp_path / "a", mine)) == 4
    torch.testing.assert_close(mine(IDS).logits, theirs(IDS).logits, **CLOSE)
    save_adapter(tmp_path / "b", mine)  # and back: ranks of its own kind for each layer
    again = peft.PeftModel.from_pretrained(llama(), tmp_path / "b", autocast_adapter_dtype=False)
    torch.testing.assert_close(again.eval()(IDS).logits, theirs(IDS).logits, **CLOSE)
    merge(mine)
    drop_lora(mine)
    assert set(mine.state_dict()) == set(llama().state_dict())
    torch.testing.assert_close(mine(IDS).logits, theirs.merge_and_unload()(IDS).logits, **CLOSE)


def test_our_parts_come_back(tmp_path):
    model = adapted(ours(), rank=2, alpha=3.0, dropout=0.25, rslora=True, targets=("*.q", "*.up"))
    save_adapter(tmp_path / "a", model)
    again = ours()
    load_adapter(tmp_path / "a", again, "other")
    assert torch.equal(again.eval()(IDS), model.eval()(IDS))
    for new, old in zip(lora_pairs(again, "other").values(), lora_pairs(model).values(), strict=True):
        assert new.config.replace(targets=()) == old.config.replace(targets=())


def test_a_checkpoint_holds_the_adapter_too(tmp_path):
    models = [ours(), ours(1)]
    for seed, model in enumerate(models):
        add_lora(model, LoraConfig(rank=2), generator=seeded(seed))
    moved(lora_parameters(models[0]).values())
    assert not torch.equal(models[1](IDS), models[0](IDS))
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
        (lambda: ours(n_layers=1), r"this model has no blocks\.1\.attention\.q, blocks"),
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
        ({"r": 3}, r"must be \(3, in\), since .* says rank 3"),
        ({"r": 0}, "rank"),
        ({"r": None}, "rank must be a whole number"),
        ({"lora_alpha": -1}, "alpha"),
        ({"lora_alpha": "much"}, "could not convert"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias='all' is not supported; it must be 'none'"),
        ({"modules_to_save": ["head"]}, "modules_to_save"),
        ({"some_later_option": 3}, "some_later_option"),
        ({"rank_pattern": {"q": 4}}, "says rank 4"),
        ({"rank_pattern": ["q"]}, r"patterns must be an object, pattern to value; got \['q'\]"),
        ({"alpha_pattern": {"(": 4}}, r"for blocks\.0\.attention\.q: missing \)"),
        ({"peft_type": "IA3"}, "peft_type"),
    ],
)
def test_another_description(folder, changes, said):
    changed(folder, **changes)
    with pytest.raises(ValueError, match=said):
        load_adapter(folder, ours())


def test_files_that_are_damaged_or_missing(folder):
    tensors, base = folder / "adapter_model.safetensors", folder / "base.json"
    base.write_text("{}")
    with pytest.raises(ValueError, match=r"base\.json is damaged"):
        load_adapter(folder, ours())
    base.unlink()
    tensors.write_bytes(tensors.read_bytes()[:-40])
    with pytest.raises(ValueError, match="damaged"):
        load_adapter(folder, ours())
    safetensors.torch.save_file({"embedding.weight": torch.zeros(2)}, tensors)
    with pytest.raises(ValueError, match="no tensor of LoRA"):
        load_adapter(folder, ours())
    safetensors.torch.save_file({"blocks.0.attention.q.lora_A.weight": torch.zeros(2, 8)}, tensors)
    with pytest.raises(ValueError, match=r"A or B is missing for blocks\.0\.attention\.q"):
        load_adapter(folder, ours())
    names = [f"blocks.0.attention.q.lora_{kind}.weight" for kind in "AB"]
    safetensors.torch.save_file({name: torch.tensor(1.0) for name in names}, tensors)
    with pytest.raises(ValueError, match=r"A of blocks\.0\.attention\.q must be \(2, in\).*; got \(\)"):
        load_adapter(folder, ours())
    (folder / "adapter_config.json").write_text("[]")
    with pytest.raises(ValueError, match="no description of an adapter"):
        load_adapter(folder, ours())
    tensors.unlink()
    (folder / "adapter_config.json").unlink()
    with pytest.raises(FileNotFoundError):
        load_adapter(folder, ours())


def test_pickles_are_refused_and_code_beside_an_adapter_is_never_run(folder, tmp_path):
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w')"
    for name in ("adapter.py", "modeling_own.py", "__init__.py"):
        (folder / name).write_text(code)
    changed(folder, auto_mapping={"parent_library": "modeling_own", "base_model_class": "Own"})
    assert load_adapter(folder, ours())

    class Runs:
        def __reduce__(self):
            return exec, (code,)

    tensors = folder / "adapter_model.safetensors"
    torch.save(Runs(), tensors)  # by another name
    with pytest.raises(ValueError, match="pickled weights"):
        load_adapter(folder, ours())
    tensors.rename(folder / "adapter_model.bin")
    with pytest.raises(ValueError, match="pickled weights"):
        load_adapter(folder, ours())
    assert not ran.exists()


def test_a_merged_adapter_is_not_saved(tmp_path):
    model = ours()
    add_lora(model, LoraConfig(), generator=seeded())
    merge(model)
    with pytest.raises(ValueError, match="unmerge"):
        save_adapter(tmp_path / "a", model)
