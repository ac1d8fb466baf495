"""Our models as Hugging Face folders: transformers loads them as they are, we read them back bit by bit."""

import json
import signal
import sys
from contextlib import contextmanager

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from llmasos_edu import pretrained
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.tokenizer import Tokenizer

END = "<|end|>"
TOKENIZER = Tokenizer.train("Mia had a red kite. 风筝 " * 9, 280, special_tokens=[END])
SIZES = {"vocab_size": 290, "context_length": 24, "d_model": 32, "n_heads": 4, "n_layers": 2, "d_ff": 80}
SIZES |= {"norm_eps": 0.01}
LLAMA = SIZES | {"n_kv_heads": 2, "d_head": 12, "rope_base": 50.0}
CONFIGS = {
    "gpt2": GPTConfig(**SIZES, dropout=0.2),
    "gpt2 untied": GPTConfig(**SIZES, tied=False),
    "llama": LlamaConfig(**LLAMA, tied=False),
    "qwen2": LlamaConfig(**LLAMA, qkv_bias=True),
    "qwen3": LlamaConfig(**LLAMA, qk_norm="weighted"),
}
SAME = {"rtol": 0, "atol": 1e-4}  # the goal; float32 sums of ≤ 80 terms in another order


def drawn(config, seed=0):
    """A model whose every tensor is drawn wide, norms and biases too."""
    generator = torch.Generator().manual_seed(seed)
    model = (GPT if isinstance(config, GPTConfig) else Llama)(config, generator=generator).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "norm.weight" in name else 0.0, 0.3, generator=generator)
    return model


@pytest.fixture(scope="module", params=CONFIGS)
def exported(request, tmp_path_factory):
    model = drawn(CONFIGS[request.param])
    folder = pretrained.export(tmp_path_factory.mktemp("e") / "my_model", model, TOKENIZER, end_token=END)
    return request.param, model, folder


def test_transformers_loads_it_as_it_is(exported):
    kind, ours, folder = exported
    theirs, what = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(what.values()), what  # nothing missing, unexpected or misshaped
    assert theirs.config.model_type == kind.split()[0]
    ids = torch.randint(0, 290, (2, 24), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = theirs.eval()(ids).logits
        torch.testing.assert_close(ours(ids), expected, **SAME)
    assert expected.std() > 1
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = f"Mia had a 风筝.{END}"
    assert tokenizer(text).input_ids == TOKENIZER.encode(text, special="allow")
    assert tokenizer.eos_token_id == theirs.config.eos_token_id == TOKENIZER.special_tokens[END]
    out = theirs.generate(ids[:1, :4], max_new_tokens=3, do_sample=False)
    assert out.shape[1] <= 7


def test_read_back_bit_by_bit(exported):
    _, ours, folder = exported
    again, tokenizer = pretrained.load(folder)
    assert again.config == ours.config
    for (name, a), (other, b) in zip(again.named_parameters(), ours.named_parameters(), strict=True):
        assert name == other
        assert torch.equal(a, b)
    assert tokenizer._parts() == TOKENIZER._parts()


def test_half_precision_stays_half(tmp_path):
    model = drawn(CONFIGS["qwen3"])
    for p in model.parameters():
        p.data = p.data.bfloat16()
    pretrained.export(tmp_path / "m", model, TOKENIZER)
    assert json.loads((tmp_path / "m" / "config.json").read_text())["dtype"] == "bfloat16"
    again = pretrained.load_model(tmp_path / "m", dtype=torch.bfloat16)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), model.parameters(), strict=True))
    model.norm.weight.data = model.norm.weight.data.float()
    with pytest.raises(ValueError, match="all weights must be float32, or all float16"):
        pretrained.export(tmp_path / "m", model, TOKENIZER)


@contextmanager
def small_files(n_bytes):
    """No file may grow past this; the disk says so as a full one does."""
    import resource

    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


FOREIGN = {
    "relu2": (LlamaConfig(**LLAMA, activation="relu2"), "activation must be 'swiglu'; got 'relu2'"),
    "no norm weights": (LlamaConfig(**LLAMA, norm_weights=False), "norm_weights must be True; got False"),
    "plain qk_norm": (LlamaConfig(**LLAMA, qk_norm="plain"), "qk_norm must be 'none' or 'weighted'"),
    "capped": (LlamaConfig(**LLAMA, logit_cap=15.0), r"logit_cap must be 0.0; got 15.0"),
    "two": (LlamaConfig(**LLAMA, activation="relu2", logit_cap=1.0), "activation .*; logit_cap"),
    "both": (LlamaConfig(**LLAMA, qkv_bias=True, qk_norm="weighted"), "qkv_bias .* and qk_norm .* both"),
    "odd": (LlamaConfig(**LLAMA | {"d_model": 30}), "n_heads must divide d_model"),
    "no biases": (GPTConfig(**SIZES, bias=False), "bias must be True; got False"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_an_option_that_no_family_has_is_refused_before_anything_is_written(name, tmp_path):
    config, message = FOREIGN[name]
    with pytest.raises(ValueError, match=message):
        pretrained.export(tmp_path / "m", drawn(config), TOKENIZER)
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_that_does_not_fit_is_refused(tmp_path):
    larger = Tokenizer.train("abcdefg" * 9, 300 - 8, special_tokens=[f"<{i}>" for i in range(40 - 8)])
    with pytest.raises(ValueError, match=r"must fit in the model's 290 tokens; it has"):
        pretrained.export(tmp_path / "m", drawn(CONFIGS["llama"]), larger)
    with pytest.raises(ValueError, match=r"stop_tokens must be special tokens .*\(<\|end\|>\); got '</s>'"):
        pretrained.export(tmp_path / "m", drawn(CONFIGS["llama"]), TOKENIZER, end_token="</s>")
    with pytest.raises(ValueError, match=r"special tokens of the tokenizer .*; got '<\|user\|>'"):
        pretrained.export(tmp_path / "m", drawn(CONFIGS["llama"]), TOKENIZER, stop_tokens=["<|user|>"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="sets a limit on the size of files, as Unix has it")
def test_a_full_disk_leaves_the_old_folder(tmp_path):
    model = drawn(CONFIGS["gpt2"])
    pretrained.export(tmp_path / "m", model, TOKENIZER)

    with small_files(50_000), pytest.raises(OSError, match="File too large"):
        pretrained.export(tmp_path / "m", drawn(CONFIGS["llama"], seed=1), TOKENIZER)
    assert [p.name for p in tmp_path.iterdir()] == ["m"]
    again = pretrained.load_model(tmp_path / "m")
    assert torch.equal(again.embedding.weight, model.embedding.weight)


def test_a_chat_template_travels_along(tmp_path):
    template = "{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}"
    model = drawn(CONFIGS["llama"])
    folder = pretrained.export(tmp_path / "m", model, TOKENIZER, end_token=END, chat_template=template)
    messages = [{"role": "user", "content": "hi"}]
    theirs = AutoTokenizer.from_pretrained(folder)
    assert (
        pretrained.chat(folder, messages)
        == theirs.apply_chat_template(messages, tokenize=False)
        == "hi" + END
    )
