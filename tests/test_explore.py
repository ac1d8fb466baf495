"""A model behind the Explorer: what is shown equals what the model did, and the model is left as it was."""

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer as RawTokenizer
from tokenizers import decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from llmasos_edu import pretrained, real_llm
from llmasos_edu.explore import Source, explore
from llmasos_edu.explore.words import HuggingFaceWords, OurWords
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.tokenizer import Tokenizer

from .hugging_face_folders import FAMILIES

needs_model = pytest.mark.real_llm
TEXT = "a cab, a bad cab"
OFF = frozenset({(1, 2)})
SMALL = {"vocab_size": 260, "num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4}
SMALL |= {"intermediate_size": 48, "num_key_value_heads": 2, "max_position_embeddings": 40}
OTHERS = {
    "gemma2": transformers.Gemma2Config(
        **SMALL, head_dim=8, sliding_window=4, attn_logit_softcapping=0.5, query_pre_attn_scalar=6
    ),
    "gpt_neox": transformers.GPTNeoXConfig(**SMALL),
    "phi3": transformers.Phi3Config(**SMALL, pad_token_id=0),
    "mistral": transformers.MistralConfig(**SMALL, head_dim=8, sliding_window=5),
    "gpt_oss": transformers.GptOssConfig(**SMALL, head_dim=8, num_local_experts=2, num_experts_per_tok=1),
}
OUTSIDE = {  # attention that does not go through the interface
    "bloom": transformers.BloomConfig(vocab_size=260, hidden_size=32, n_layer=2, n_head=4),
    "gpt_neo": transformers.GPTNeoConfig(
        vocab_size=260, hidden_size=32, num_layers=2, num_heads=4, max_position_embeddings=40,
        attention_types=[[["global", "local"], 1]],
    ),
    "falcon": transformers.FalconConfig(
        vocab_size=260, hidden_size=32, num_hidden_layers=2, num_attention_heads=4
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def ours():
    """Bytes, a few merges, and two special tokens: 260 ids."""
    return Tokenizer.train("cab cab", 260, special_tokens=["<|end|>", "<|x|>"])


@pytest.fixture(scope="module")
def theirs():
    return fast_tokenizer()


def fast_tokenizer(**how):
    """A byte-level BPE of transformers without merges, 256 bytes and two special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    raw = RawTokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>", **how)


def wide(config):
    """A random model of transformers whose heads differ and look at more than everything alike."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(copy.deepcopy(config), dtype=torch.float32).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if name.endswith("weight") and weight.ndim == 1 else 0.0, 0.3)
    return model


def eager(model, ids):
    """What transformers itself says, by a model made with the implementation that shows its weights."""
    how = {"dtype": torch.float32, "attn_implementation": "eager"}
    twin = AutoModelForCausalLM.from_config(copy.deepcopy(model.config), **how).eval()
    twin.load_state_dict(model.state_dict())
    with torch.no_grad():
        out = twin(torch.tensor([ids]), output_attentions=True, use_cache=False)
    return [a[0].numpy() for a in out.attentions], out.logits[0].softmax(-1).numpy()


def ids_of(source):
    return source._ids


def equal(source, model):
    """Weights and next words of the source equal those of transformers."""
    reading = source(TEXT)
    weights, shares = eager(model, ids_of(source))
    assert len(reading.layers) == len(weights)
    for i, expected in enumerate(weights):
        np.testing.assert_allclose(reading.weights(i), expected, atol=1e-5)  # float32, another order of sums
    for row, words in zip(shares, reading.next_words, strict=True):
        assert len(words) == 8
        np.testing.assert_allclose([p for _, p in words], np.sort(row[:258])[::-1][:8], atol=1e-5)
    return reading


@pytest.mark.parametrize("family", FAMILIES)
def test_families_of_ours_and_theirs_agree(family, tmp_path):
    config = FAMILIES[family]
    model = wide(type(config)(**config.to_dict() | {"vocab_size": 260}))
    tokenizer = fast_tokenizer()
    theirs = equal(Source(model, tokenizer), model)
    assert [layer.d_head > 0 and layer.v is not None for layer in theirs.layers] == [True, True]
    model.save_pretrained(tmp_path)
    mine = Source(pretrained.load_model(tmp_path), tokenizer)(TEXT)
    for a, b in zip(mine.layers, theirs.layers, strict=True):
        for name in ("q", "k", "v"):
            np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=1e-5)
    off = [Source(m, tokenizer) for m in (model, pretrained.load_model(tmp_path))]
    words = [s(TEXT, OFF).next_words for s in off]
    np.testing.assert_allclose(*[[p for row in w for _, p in row] for w in words], atol=1e-5)
    assert words[0] != theirs.next_words


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_through_the_interface(name, theirs):
    model = wide(OTHERS[name])
    source = Source(model, theirs)
    reading = equal(source, model)
    changed = source(None, OFF)
    assert changed.next_words != reading.next_words
    assert changed.text == TEXT
    np.testing.assert_array_equal(changed.weights(0), reading.weights(0))


@pytest.mark.parametrize("name", ["gemma2", "phi3", "mistral"])
def test_a_head_that_is_off_is_one_whose_output_is_read_by_nobody(name, theirs):
    model = wide(OTHERS[name])
    off = Source(model, theirs)(TEXT, OFF).next_words
    with torch.no_grad():
        model.model.layers[1].self_attn.o_proj.weight[:, 16:24] = 0  # head 2, 8 numbers wide
    deaf = Source(model, theirs)(TEXT).next_words
    shares = [[p for row in words for _, p in row] for words in (off, deaf)]
    np.testing.assert_allclose(*shares, atol=1e-6)


def test_q_and_k_are_kept_only_where_they_explain_the_weights(theirs):
    known = {
        name: [layer.d_head > 0 for layer in Source(wide(OTHERS[name]), theirs)(TEXT).layers]
        for name in OTHERS
    }
    assert known == {
        "gemma2": [False, False],  # capped scores
        "gpt_neox": [True, True],
        "phi3": [True, True],
        "mistral": [False, False],  # a window of 5 tokens
        "gpt_oss": [False, False],  # a sink that takes weight
    }
    within = Source(wide(OTHERS["mistral"]), theirs)("abcde")  # the window hides nothing yet
    assert [layer.d_head for layer in within.layers] == [8, 8]


def test_layers_that_are_explained_and_layers_that_are_not(theirs):
    """Gemma 3's layers take turns: a window of 4 tokens, then all."""
    config = transformers.Gemma3TextConfig(
        **SMALL, head_dim=8, sliding_window=4, layer_types=["sliding_attention", "full_attention"]
    )
    model = wide(config)
    reading = equal(Source(model, theirs), model)
    assert [layer.d_head for layer in reading.layers] == [0, 8]
    explorer = explore(model, theirs, TEXT, layer=0, head=1)
    for layer in (0, 1):
        explorer.layer = layer
        assert explorer.meta["d_head"] == reading.layers[layer].d_head
        np.testing.assert_allclose(explorer.weights(), reading.weights(layer)[1], atol=1e-6)


def test_half_precision_shows_the_formula(theirs):
    model = wide(OTHERS["gpt_neox"]).bfloat16()
    reading = Source(model, theirs)(TEXT)
    assert [layer.d_head for layer in reading.layers] == [8, 8]
    weights, _ = eager(model.float(), theirs(TEXT).input_ids)
    np.testing.assert_allclose(reading.weights(1), weights[1], atol=0.05)  # bfloat16 keeps 8 bits


@pytest.mark.parametrize("name", OUTSIDE)
def test_models_outside_the_interface_tell_weights_alone(name, theirs):
    model = wide(OUTSIDE[name])
    source = Source(model, theirs)
    reading = equal(source, model)
    assert [layer.d_head for layer in reading.layers] == [0, 0]
    with pytest.raises(ValueError, match=r"cannot be switched off: its attention does not go"):
        source(None, OFF)


def test_a_model_that_looks_both_ways_has_no_next_words(theirs):
    config = transformers.BertConfig(**{k: v for k, v in SMALL.items() if k != "num_key_value_heads"})
    model = transformers.BertForMaskedLM(config).eval()
    source = Source(model, theirs)
    reading = source(TEXT)
    assert not reading.causal
    assert reading.next_words == []
    assert source.roles() is None
    with torch.no_grad():
        model.set_attn_implementation("eager")
        expected = model(torch.tensor([ids_of(source)]), output_attentions=True).attentions
    np.testing.assert_allclose(reading.weights(1), expected[1][0].numpy(), atol=1e-5)


def test_models_without_a_text_of_their_own_are_refused(theirs):
    t5 = transformers.T5Config(vocab_size=260, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=4)
    with pytest.raises(ValueError, match=r"encoder–decoder.*AttentionExplorer\(weights=.*keys="):
        Source(transformers.T5ForConditionalGeneration(t5), theirs)
    mamba = transformers.MambaConfig(vocab_size=260, hidden_size=16, num_hidden_layers=1, state_size=4)
    with pytest.raises(ValueError, match="MambaForCausalLM tells no attention weights"):
        Source(transformers.MambaForCausalLM(mamba), theirs)(TEXT)


@pytest.mark.parametrize("break_it", [False, True], ids=["answered", "raised"])
def test_a_model_of_theirs_is_left_as_it_was(theirs, break_it):
    model = wide(OTHERS["phi3"])
    model.train()
    model.model.layers[0].eval()
    names = set(transformers.AttentionInterface._global_mapping)

    def state():
        weights = {name: p.clone() for name, p in model.state_dict().items()}
        modes = [m.training for m in model.modules()]
        return (
            model.config._attn_implementation,
            modes,
            weights,
            [dict(m._forward_hooks) for m in model.modules()],
        )

    before = state()
    if break_it:
        model.model.layers[1].mlp.register_forward_hook(lambda *a: 1 / 0)
        before = state()
        with pytest.raises(ZeroDivisionError):
            Source(model, theirs)(TEXT)
    else:
        Source(model, theirs)(TEXT, OFF)
    after = state()
    assert before[:2] == after[:2]
    assert before[3] == after[3]
    assert all(torch.equal(after[2][name], weight) for name, weight in before[2].items())
    assert set(transformers.AttentionInterface._global_mapping) == names


def gpt(**changes):
    config = GPTConfig(vocab_size=260, context_length=40, d_model=32, n_heads=4, n_layers=2, **changes)
    return GPT(config, generator=torch.Generator().manual_seed(0))


def llama(**changes):
    shape = {
        "vocab_size": 260,
        "context_length": 40,
        "d_model": 32,
        "n_heads": 4,
        "n_kv_heads": 2,
        "d_head": 8,
    }
    shape |= {"n_layers": 2, "d_ff": 48} | changes
    return Llama(LlamaConfig(**shape), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("model", [gpt(), llama(), llama(qk_norm="weighted"), llama(logit_cap=15.0)])
def test_our_models(model, ours):
    source = Source(model, ours)
    reading = source(TEXT)
    ids = torch.tensor([ids_of(source)])
    expected = model.attention_weights(ids)[:, 0].numpy()
    assert reading.tokens[:3] == ["<|end|>", "a", " "]
    for i in range(2):
        np.testing.assert_allclose(reading.weights(i), expected[i], atol=1e-6)
    with torch.no_grad(), model.heads_off(OFF):
        shares = model(ids)[0].softmax(-1)
    top = shares.topk(8)
    np.testing.assert_allclose(
        [[p for _, p in row] for row in source(None, OFF).next_words], top.values, atol=1e-6
    )
    names = [[OurWords(ours).shown(id) for id in row] for row in top.indices.tolist()]
    assert [[word for word, _ in row] for row in source(None, OFF).next_words] == names


def test_a_model_in_training_has_no_dropout_here_and_goes_on_training(ours):
    model = gpt(dropout=0.5).train()
    source = Source(model, ours)
    assert source(TEXT).next_words == source(TEXT).next_words
    assert model.training
    assert all(part.training for part in model.modules())


def test_tokens_as_text(ours, theirs):
    assert Source(gpt(), ours)("<|x|>中\n<b>").tokens == [
        "<|x|>",
        "‹E4›",
        "‹B8›",
        "‹AD›",
        "\n",
        "<",
        "b",
        ">",
    ]
    assert Source(gpt(), theirs)("<s>中\n ").tokens == ["<s>", "‹E4›", "‹B8›", "‹AD›", "\n", " "]
    assert HuggingFaceWords(theirs).shown(259) == "‹id 259›"


def test_sentencepiece_tokens_keep_their_space():
    raw = RawTokenizer(models.BPE({"▁": 0, "a": 1, "▁a": 2, "<0x41>": 3}, [("▁", "a")], byte_fallback=True))
    raw.pre_tokenizer = pre_tokenizers.Metaspace()
    raw.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    words = HuggingFaceWords(PreTrainedTokenizerFast(tokenizer_object=raw))
    assert [words.shown(id) for id in (*words.ids("a a"), 0)] == [" a", " a", " "]


def test_the_start_of_a_text(ours, theirs):
    """TinyWorld's end token opens a text; a tokenizer of theirs puts there what it always does."""
    assert Source(gpt(), ours)("<|end|>a").tokens == ["<|end|>", "a"]
    plain = Tokenizer.train("cab cab", 259)
    assert Source(gpt(), plain)("a").tokens == ["a"]
    from tokenizers.processors import TemplateProcessing

    opening = fast_tokenizer()
    opening.backend_tokenizer.post_processor = TemplateProcessing("<s> $A", special_tokens=[("<s>", 256)])
    assert Source(gpt(), opening)("a").tokens == ["<s>", "a"]
    assert HuggingFaceWords(opening).start == 256
    assert HuggingFaceWords(theirs).start is None


def test_texts_that_are_refused_leave_the_one_before(ours, theirs):
    source = Source(gpt(), ours)
    with pytest.raises(ValueError, match="there is no text yet"):
        source(None)
    source(TEXT)
    for text, why in {
        "": "the text is empty",
        "a\ud800": r"got '\\ud800', half of one",
        "a" * 40: "the model reads at most 40 tokens; this text has 41",
    }.items():
        with pytest.raises(ValueError, match=why):
            source(text)
    with pytest.raises(
        ValueError, match=r"no head \(layer, head\) \[\(1, 4\)\]: layers are 0 to 1, heads 0 to 3"
    ):
        source("b", frozenset({(1, 4)}))
    assert source(None).text == TEXT
    with pytest.raises(
        ValueError, match=r"no head \(layer, head\) \[\(1, 4\)\]: layers are 0 to 1, heads 0 to 3"
    ):
        Source(wide(OTHERS["phi3"]), theirs)(TEXT, frozenset({(1, 4)}))
    long = Source(llama(context_length=2048), theirs)
    with pytest.raises(ValueError, match="the Explorer shows at most 1,024 tokens; this text has 1,025"):
        long("a" * 1025)


def test_what_is_no_model_or_tokenizer_is_refused(ours, theirs):
    with pytest.raises(TypeError, match=r"a GPT or Llama of llmasos_edu, or .* transformers; got Linear"):
        Source(torch.nn.Linear(2, 2), ours)
    with pytest.raises(TypeError, match="a Tokenizer of llmasos_edu or one of transformers; got str"):
        Source(gpt(), "gpt2")
    other = Tokenizer.train("", 256)
    for model in (llama(vocab_size=800), llama(vocab_size=200)):
        for tokenizer in (other, theirs):
            with pytest.raises(ValueError, match="must be the one that the model was trained with"):
                Source(model, tokenizer)


def test_a_padded_vocabulary_shows_real_tokens_alone(ours):
    model = llama(vocab_size=300)
    with torch.no_grad():
        model.embedding.weight[260:] *= 100  # ids that no token has
    for row in Source(model, ours)(TEXT).next_words:
        assert len(row) == 8


def test_roles_equal_the_probe_s_and_are_kept_until_weights_change(ours, theirs, monkeypatch):
    model = llama()
    source = Source(model, ours)
    found = source.roles()
    assert {name: scores.shape for name, scores in found.items()} == dict.fromkeys(found, (2, 4))
    monkeypatch.setattr(Source, "_measured_roles", lambda self: pytest.fail("measured twice"))
    assert Source(model, ours).roles() is found
    monkeypatch.undo()
    with torch.no_grad():
        model.embedding.weight.mul_(2)
    assert source.roles() is not found
    tiny = Source(llama(context_length=4), ours)
    assert tiny.roles() is None


def test_roles_of_a_previous_token_head(theirs):
    """A head made to look one back, in a model of theirs: positions are its only input, its scores large."""
    config = transformers.GPT2Config(vocab_size=260, n_positions=64, n_embd=64, n_layer=1, n_head=1)
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.transformer.h[0].ln_1.weight.fill_(1)
        model.transformer.wpe.weight.copy_(torch.eye(64))
        attention = model.transformer.h[0].attn.c_attn.weight  # (64, 3 · 64): x @ weight
        attention[:, :64] = torch.eye(64).roll(-1, 1) * 10  # position i asks for i − 1
        attention[:, 64:128] = torch.eye(64)
    scores = Source(model, theirs).roles()
    assert scores["previous token"][0, 0] > 0.99
    assert scores["induction"][0, 0] < 0.01


def test_layers_are_made_when_asked_for(ours):
    reading = Source(gpt(), ours)(TEXT)
    assert len(reading.layers) == 2
    assert [layer.heads for layer in reading.layers] == [4, 4]
    assert reading.layers[-1].shape == (len(reading.tokens),) * 2
    assert len(reading.layers[0:5]) == 2
    with pytest.raises(IndexError):
        reading.layers[2]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_arrays_come_to_the_cpu(ours):
    model = llama()
    here = Source(model, ours)(TEXT)
    there = Source(model.cuda(), ours)(TEXT)
    np.testing.assert_allclose(there.weights(1), here.weights(1), atol=1e-4)  # another order of sums
    assert Source(model, ours).roles() is not None


@needs_model
def test_the_real_llm_by_our_code_and_by_theirs():
    text = "The cat sat on the mat because it was tired."
    theirs, mine = (Source(*pair)(text) for pair in (real_llm.load(), pretrained.load(real_llm.folder())))
    assert (
        theirs.tokens
        == mine.tokens
        == ["The", " cat", " sat", " on", " the", " mat", " because", " it", " was", " tired", "."]
    )
    assert (len(mine.layers), mine.layers[0].heads, mine.layers[0].d_head) == (30, 9, 64)
    for i in (0, 14, 29):
        np.testing.assert_allclose(mine.weights(i), theirs.weights(i), atol=1e-4)  # 30 layers of float32
    assert [row[0][0] for row in mine.next_words] == [row[0][0] for row in theirs.next_words]


def test_explore_puts_the_model_behind_the_widget(ours):
    model = llama()
    explorer = explore(model, ours, TEXT, layer=1, head=2, row=4, views=("why",), temperature=2.0)
    source = Source(model, ours)
    reading = source(TEXT)
    assert (explorer.layer, explorer.head, explorer.row, explorer.views) == (1, 2, 4, ["why"])
    assert explorer.tokens == reading.tokens
    explorer.temperature = 1.0
    np.testing.assert_allclose(explorer.weights(), reading.weights(1)[2], atol=1e-6)
    assert set(source.roles()) <= set(explorer.meta["measures"])
    explorer.typed = "bad"
    assert explorer.tokens == ["<|end|>", "b", "a", "d"]
    explorer.off = [[1, 2]]
    assert explorer.next_words == source("bad", OFF).next_words
    assert explorer.next_before == source("bad").next_words != explorer.next_words
    explorer.typed = "b" * 100
    assert explorer.error == "the model reads at most 40 tokens; this text has 101. Give a part of it"
    assert explorer.tokens == ["<|end|>", "b", "a", "d"]


def test_explore_with_heads_off_and_without_the_probe(ours, theirs):
    explorer = explore(wide(OTHERS["phi3"]), theirs, TEXT, off=OFF, probe=False)
    assert explorer.off == [[1, 2]]
    assert explorer.next_before != explorer.next_words
    assert "induction" not in explorer.meta["measures"]
    for bad, why in (({"off": [(9, 9)]}, r"no head \(layer, head\) \[\(9, 9\)\]"), ({"layer": 2}, "layer")):
        with pytest.raises(ValueError, match=why):
            explore(llama(), ours, TEXT, **bad)
    with pytest.raises(ValueError, match="cannot be switched off"):
        explore(wide(OUTSIDE["bloom"]), theirs, TEXT, off=OFF)


def test_heads_that_cannot_be_off_bar_no_later_sentence(theirs):
    explorer = explore(wide(OUTSIDE["bloom"]), theirs, TEXT)
    explorer.off = [[1, 2]]
    assert "cannot be switched off" in explorer.error
    assert explorer.off == explorer.meta["answered"][1] == []
    explorer.typed = "bad"
    assert explorer.error == ""
    assert explorer.tokens == ["b", "a", "d"]


def test_transformers_is_not_imported_for_a_model_of_ours():
    code = """
import sys, torch
from llmasos_edu.explore import explore
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.tokenizer import Tokenizer
sizes = GPTConfig(vocab_size=256, context_length=8, d_model=8, n_heads=2, n_layers=1)
explore(GPT(sizes, generator=torch.Generator()), Tokenizer.train("", 256), "a cat", off=[(0, 1)])
assert "transformers" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
