"""Hugging Face folders in our models: equal to transformers, whatever does not fit refused by name."""

import json
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from llmasos_edu import pretrained, real_llm
from llmasos_edu.llama import LlamaConfig
from llmasos_edu.pretrained.names import places
from llmasos_edu.pretrained.settings import from_settings
from llmasos_edu.tokenizer import Tokenizer

from .hugging_face_folders import FAMILIES, reference, some_ids

SAME = {
    "rtol": 0,
    "atol": 1e-4,
}  # the goal; float32 sums of ≤ 80 terms, in another order, with logits near 30


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request, tmp_path_factory):
    """transformers' model, its folder, and the folder in our model."""
    theirs, folder = reference(request.param), tmp_path_factory.mktemp("folder")
    theirs.save_pretrained(folder)
    return theirs, folder, pretrained.load_model(folder)


def test_logits(pair):
    theirs, _, ours = pair
    with torch.no_grad():
        expected = theirs(some_ids()).logits
        torch.testing.assert_close(ours(some_ids()), expected, **SAME)
    assert expected.std() > 1  # far from the zeros that anything would equal


def test_loss_and_gradients(pair):
    theirs, _, ours = pair
    ids = some_ids()
    loss = theirs(ids, labels=ids).loss
    mine = F.cross_entropy(ours(ids)[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    torch.testing.assert_close(mine, loss, **SAME)
    loss.backward()
    mine.backward()
    gradients = {name: p.grad for name, p in ours.named_parameters()}
    for name, place in places(ours.config).items():
        expected = theirs.get_parameter(name).grad
        # float32 through two wide layers: 1e-4 of the largest number of each gradient
        atol = 1e-4 * max(1.0, expected.abs().max().item())
        torch.testing.assert_close(place.view(gradients[place.ours]), expected, rtol=0, atol=atol, msg=name)
    theirs.zero_grad()


def test_step_by_step_with_the_cache(pair):
    theirs, _, ours = pair
    ids, cache, past = some_ids(), ours.new_cache(2, 20), None
    with torch.no_grad():
        for piece in ids.split([5, *[1] * 15], dim=1):
            step = theirs(piece, cache=past, use_cache=True)
            past = step.cache
            torch.testing.assert_close(ours(piece, cache), step.logits, **SAME)


def test_every_tensor_matters_to_the_logits(pair, tmp_path):
    """So a tensor forgotten or put in another's place would fail `test_logits`."""
    theirs, folder, _ = pair
    stored = load_file(folder / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with torch.no_grad():
        expected = theirs(some_ids()).logits
        for name, tensor in stored.items():
            save_file(stored | {name: tensor.flip(0).contiguous()}, tmp_path / "model.safetensors")
            changed = pretrained.load_model(tmp_path)(some_ids())
            assert (changed - expected).abs().max() > 0.01, name


def test_several_files_with_an_index(pair, tmp_path):
    theirs, _, ours = pair
    theirs.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    assert_equal_models(pretrained.load_model(tmp_path), ours)


def assert_equal_models(a, b):
    """The same config, and the same weights bit by bit."""
    assert a.config == b.config
    expected = dict(b.named_parameters())
    found = dict(a.named_parameters())
    assert found.keys() == expected.keys()
    for name, weight in found.items():
        assert weight.dtype == expected[name].dtype
        assert torch.equal(weight, expected[name]), name


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_exactly_or_kept(dtype, tmp_path):
    reference("qwen3").to(dtype).save_pretrained(tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    with torch.no_grad():
        wide, narrow = pretrained.load_model(tmp_path), pretrained.load_model(tmp_path, dtype=dtype)
        torch.testing.assert_close(wide(some_ids()), theirs(some_ids()).logits, **SAME)
        assert {p.dtype for p in narrow.parameters()} == {dtype}
        assert narrow.cos.dtype == torch.float32  # an angle in bfloat16 would be off by 1 in 256
        assert all(
            torch.equal(p, q.to(dtype)) for p, q in zip(narrow.parameters(), wide.parameters(), strict=True)
        )


def test_a_model_that_learns_leaves_the_file_alone(pair):
    _, folder, _ = pair
    before = (folder / "model.safetensors").read_bytes()
    model = pretrained.load_model(folder)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    assert (folder / "model.safetensors").read_bytes() == before
    assert not model.training


def test_rope_as_older_files_write_it(tmp_path):
    """`rope_theta` and `rope_scaling` at the top, up to transformers 4."""
    reference("llama").save_pretrained(tmp_path)
    new = json.loads((tmp_path / "config.json").read_text())
    old = {k: v for k, v in new.items() if k != "rope_parameters"} | {
        "rope_theta": 50.0,
        "rope_scaling": None,
    }
    assert new["rope_parameters"]["rope_theta"] == 50
    assert from_settings(old) == from_settings(new)
    least = {k: old[k] for k in (
        "model_type", "vocab_size", "max_position_embeddings", "hidden_size", "num_hidden_layers",
        "num_attention_heads", "intermediate_size", "rms_norm_eps",
    )}  # fmt: skip
    config = from_settings(least)  # the first Llama's file had little more
    assert (config.n_kv_heads, config.d_head, config.rope_base, config.tied) == (4, 8, 10_000.0, False)


REFUSED = [
    ("llama", {"model_type": "mistral"}, "model_type must be one of gpt2, llama, qwen2, qwen3"),
    ("llama", {"rope_parameters": {"rope_type": "llama3", "factor": 8}}, "rope_type .* got 'llama3'"),
    ("llama", {"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_type .* got 'linear'"),
    (
        "llama",
        {"rope_parameters": {"partial_rotary_factor": 0.5}},
        "partial_rotary_factor must be 1; got 0.5",
    ),
    ("llama", {"hidden_act": "gelu"}, "hidden_act must be 'silu' .*; got 'gelu'"),
    (
        "llama",
        {"attention_bias": True, "mlp_bias": True},
        "attention_bias must be False.*mlp_bias must be Fal",
    ),
    ("qwen2", {"use_sliding_window": True}, "use_sliding_window must be False; got True"),
    ("qwen3", {"layer_types": ["full_attention", "sliding_attention"]}, "layer_types must be full_attention"),
    ("qwen2", {"quantization_config": {"bits": 4}}, "quantization_config must be None"),
    ("gpt2", {"activation_function": "relu"}, "activation_function must be 'gelu_new'.*; got 'relu'"),
    ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
    ("gpt2", {"scale_attn_weights": False}, "scale_attn_weights must be True"),
    ("gpt2", {"n_head": 5}, "n_heads must divide d_model"),
    ("gpt2", {"vocab_size": 0}, "vocab_size must be at least 1 tokens; got 0"),
]


@pytest.mark.parametrize(("family", "changes", "message"), REFUSED)
def test_settings_that_our_models_do_not_have_are_refused(family, changes, message, tmp_path):
    settings = FAMILIES[family].to_dict() | changes
    (tmp_path / "config.json").write_text(json.dumps(settings, default=str))
    with pytest.raises(ValueError, match=message):
        pretrained.load_model(tmp_path)


def test_a_missing_number_is_named():
    settings = FAMILIES["llama"].to_dict()
    del settings["intermediate_size"]
    with pytest.raises(ValueError, match="llama model must hold intermediate_size; it is missing"):
        from_settings(settings)


def spoiled(tmp_path, change, family="llama"):
    """A folder whose tensors went through `change`."""
    reference(family).save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    save_file(change(load_file(path)), path)
    return tmp_path


Q = "model.layers.1.self_attn.q_proj.weight"


def test_tensors_that_do_not_fit_are_listed_by_name(tmp_path):
    def change(tensors):
        del tensors[Q]
        tensors["model.norm.weight"] = torch.ones(31)
        return tensors | {"model.layers.2.mlp.up_proj.weight": torch.ones(2, 2)}

    expected = (
        rf"1 missing: {Q}; 1 not known: model.layers.2.mlp.up_proj.weight; "
        r"1 of another shape: model.norm.weight \(31,\), expected \(32,\)"
    )
    with pytest.raises(ValueError, match=expected):
        pretrained.load_model(spoiled(tmp_path, change))


def test_what_older_files_hold_besides_is_not_in_the_way(tmp_path):
    """No prefix (saved from the body alone), masks and RoPE's speeds as buffers, the tied head twice."""
    for family, prefix, buffers in (
        ("gpt2", "transformer.", ("h.0.attn.bias", "h.0.attn.masked_bias")),
        ("llama", "model.", ("layers.0.self_attn.rotary_emb.inv_freq",)),
    ):
        folder = tmp_path / family

        def older(tensors, prefix=prefix, buffers=buffers):
            body = {k.removeprefix(prefix): v for k, v in tensors.items()}
            embedding = body.get("wte.weight", body.get("embed_tokens.weight"))
            return (
                body
                | {name: torch.ones(1, dtype=torch.bool) for name in buffers}
                | {"lm_head.weight": embedding.clone()}
            )

        ours = pretrained.load_model(spoiled(folder, older, family))
        with torch.no_grad():
            torch.testing.assert_close(ours(some_ids()), reference(family)(some_ids()).logits, **SAME)


def test_a_tied_head_that_differs_is_refused(tmp_path):
    folder = spoiled(tmp_path, lambda tensors: tensors | {"lm_head.weight": torch.ones(61, 32)})
    with pytest.raises(ValueError, match=r"tie_word_embeddings is true, but lm_head.weight differs"):
        pretrained.load_model(folder)


def test_whole_numbers_are_no_weights(tmp_path):
    folder = spoiled(tmp_path, lambda tensors: tensors | {Q: torch.ones(32, 32, dtype=torch.int8)})
    with pytest.raises(ValueError, match=f"1 of another kind than F32, F16, BF16: {Q} I8"):
        pretrained.load_model(folder)


class Trap:
    """Unpickling this fails the test."""

    def __reduce__(self):
        return pytest.fail, ("the pickle was read",)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_pickle_is_refused_unread(name, tmp_path):
    reference("llama").config.save_pretrained(tmp_path)
    torch.save({"w": Trap()}, tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name} .*not read.*save_pretrained"):
        pretrained.load_model(tmp_path)


def test_damaged_files_say_so(tmp_path):
    theirs = reference("llama")
    theirs.save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        ValueError, match=r"model.safetensors is damaged or no safetensors file.*copy it again"
    ):
        pretrained.load_model(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match=r"must hold model.safetensors or model.safetensors.index.json"):
        pretrained.load_model(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": ')
    with pytest.raises(ValueError, match=r"config.json must be JSON"):
        pretrained.load_model(tmp_path)
    with pytest.raises(ValueError, match="there is none at"):
        pretrained.load_model(tmp_path / "nowhere")


def test_code_in_a_folder_is_never_run(tmp_path):
    reference("llama").save_pretrained(tmp_path)
    ran = tmp_path / "ran"
    (tmp_path / "modeling_mine.py").write_text(f"open({str(ran)!r}, 'w')\nclass Mine: pass\n")
    config = json.loads((tmp_path / "config.json").read_text())
    for auto_map in ({"AutoModelForCausalLM": "modeling_mine.Mine"}, "modeling_mine.Mine"):
        (tmp_path / "config.json").write_text(json.dumps(config | {"auto_map": auto_map}))
        with pytest.raises(ValueError, match=r"code of its own \(auto_map: modeling_mine\.Mine\).*never run"):
            pretrained.load_model(tmp_path)
    assert not ran.exists()


def test_a_missing_file_of_several_is_named(tmp_path):
    reference("llama").save_pretrained(tmp_path, max_shard_size="20KB")
    lost = sorted(tmp_path.glob("*.safetensors"))[1]
    lost.unlink()
    with pytest.raises(ValueError, match=f"names '{lost.name}', which is no file of .*copy the folder again"):
        pretrained.load_model(tmp_path)


def test_an_index_that_does_not_fit_its_files(tmp_path):
    reference("llama").save_pretrained(tmp_path, max_shard_size="20KB")
    path = tmp_path / "model.safetensors.index.json"
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({"weight_map": whole["weight_map"] | {Q: "../else.safetensors"}}))
    with pytest.raises(ValueError, match=r"names '../else.safetensors', which is no file of"):
        pretrained.load_model(tmp_path)
    other = next(f for f in whole["weight_map"].values() if f != whole["weight_map"][Q])
    path.write_text(json.dumps({"weight_map": whole["weight_map"] | {Q: other}}))
    with pytest.raises(ValueError, match=rf"does not fit the files at 1 tensors: {Q} \(index: {other}"):
        pretrained.load_model(tmp_path)


def test_tokenizer_and_model_must_fit(tmp_path):
    reference("llama").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"must hold tokenizer.json; .*load_model loads the model alone"):
        pretrained.load(tmp_path)
    (tmp_path / "tokenizer.model").touch()
    with pytest.raises(ValueError, match=r"has none, but tokenizer\.model, SentencePiece's own format"):
        pretrained.load_tokenizer(tmp_path)
    Tokenizer.train("abcabc", 258).to_hugging_face(tmp_path)
    with pytest.raises(ValueError, match="must fit in the model's 61 tokens; it has 258"):
        pretrained.load(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(path.read_text().replace('"normalizer": null', '"normalizer": {"type": "NFKC"}'))
    with pytest.raises(ValueError, match=r"load_model loads the model alone: normalizer must be"):
        pretrained.load_tokenizer(tmp_path)
    assert isinstance(pretrained.load_model(tmp_path).config, LlamaConfig)


PROMPTS = [
    "The world is a beautiful place,",
    "Mia had a red kite. Tom had a blue drum. Mia left the red",
    "大型语言模型预测下一个词。风筝在天上飞，",
]


@pytest.mark.real_llm
def test_the_real_llm_runs_on_our_code():
    theirs, their_tokenizer = real_llm.load()
    ours, tokenizer = pretrained.load(real_llm.folder())
    assert sum(p.numel() for p in ours.parameters()) == 134_515_008
    for prompt in PROMPTS:
        ids = torch.tensor([tokenizer.encode(prompt)])
        assert ids.tolist() == their_tokenizer(prompt, return_tensors="pt").input_ids.tolist()
        with torch.inference_mode():
            # the goal: logits near 30 after 30 layers, each sum in another order; measured 6e-5
            torch.testing.assert_close(ours(ids), theirs(ids).logits, rtol=0, atol=1e-3)


PEAK = """
import torch
from llmasos_edu import pretrained, real_llm
model, tokenizer = pretrained.load(real_llm.folder())
with torch.inference_mode():
    model(torch.tensor([tokenizer.encode("The world is a beautiful place,")]))
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.real_llm
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from Linux' /proc")
def test_the_real_llm_lies_in_memory_once():
    """Weights 538 MB, Python and torch about 230 MB, and one mapped tensor; a second copy would exceed it."""
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_200_000  # kB; measured 867 MB
