"""Beam search against transformers' own and against trying every text."""

import itertools
import math

import pytest
import torch
from transformers import LlamaConfig as TheirConfig
from transformers import LlamaForCausalLM

from llmasos_edu.generation import Decoding, beam_search, generate
from llmasos_edu.llama import Llama, LlamaConfig

PROMPT = [3, 1, 4]


class Theirs(torch.nn.Module):
    """A small Llama of transformers behind our interface, so that both searches ask the same model."""

    def __init__(self, vocab_size, seed):
        super().__init__()
        torch.manual_seed(seed)
        config = TheirConfig(
            vocab_size=vocab_size, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, max_position_embeddings=64, tie_word_embeddings=False,
            initializer_range=0.6, bos_token_id=None, eos_token_id=None, pad_token_id=0,
        )  # fmt: skip
        self.model = LlamaForCausalLM(config).eval()
        self.config = LlamaConfig.preset("tinyworld", vocab_size=vocab_size, context_length=64)

    def forward(self, ids, cache=None, padding=None):
        cache.texts = ids if cache.texts is None else torch.cat([cache.texts, ids], dim=1)
        return self.model(cache.texts).logits

    def new_cache(self, batch_size, length):
        return Texts()


class Texts:
    """A cache that keeps the texts themselves."""

    texts = None

    def reorder(self, rows):
        self.texts = self.texts[rows]


# width 1 without a penalty only: transformers then takes its greedy search, which knows none
@pytest.mark.parametrize(("width", "length_penalty"), [(1, 0.0), (2, 0.0), (4, 0.0), (4, 1.0), (4, 2.0)])
@pytest.mark.parametrize("stop_tokens", [[], [5], [2, 5]])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_finds_what_transformers_finds(seed, width, stop_tokens, length_penalty):
    model = Theirs(11, seed)
    found = beam_search(
        model, PROMPT, width, max_new_tokens=7, stop_tokens=stop_tokens, length_penalty=length_penalty
    )
    # early_stopping="never" is the rule of the papers; transformers calls its default a heuristic
    theirs = model.model.generate(
        torch.tensor([PROMPT]), num_beams=width, num_return_sequences=width, max_new_tokens=7,
        do_sample=False, early_stopping="never", length_penalty=length_penalty, pad_token_id=10,
        eos_token_id=stop_tokens or None, return_dict_in_generate=True, output_scores=True,
    )  # fmt: skip
    texts = [row[len(PROMPT) :].tolist() for row in theirs.sequences]
    for text, beam in zip(texts, found, strict=True):
        assert text[: len(beam.ids)] == beam.ids
        assert set(text[len(beam.ids) :]) <= {10}  # pads
    if width > 1:  # greedy search of transformers keeps no such scores
        scores = [beam.score(length_penalty) for beam in found]
        assert scores == pytest.approx(theirs.sequences_scores.tolist(), abs=1e-4)  # float32 sums


def test_a_beam_as_wide_as_all_texts_finds_the_likeliest():
    model = Theirs(4, 3)
    found = beam_search(model, [3], 64, max_new_tokens=3)
    every = {}
    for text in itertools.product(range(4), repeat=3):
        log_p = model.model(torch.tensor([[3, *text]])).logits[0].log_softmax(-1)
        every[text] = sum(log_p[i, id].item() for i, id in enumerate(text))
    best = sorted(every, key=every.get, reverse=True)
    assert [tuple(beam.ids) for beam in found] == best
    assert [beam.log_prob for beam in found] == pytest.approx([every[t] for t in best], abs=1e-4)
    assert math.fsum(math.exp(beam.log_prob) for beam in found) == pytest.approx(1, abs=1e-4)


def test_with_the_real_cache_one_beam_is_greedy_and_each_log_prob_is_the_models():
    config = LlamaConfig.preset("tinyworld", vocab_size=50, d_model=32, n_layers=2, d_ff=64, init_std=0.3)
    model = Llama(config, generator=torch.Generator().manual_seed(1)).eval()
    (one,) = beam_search(model, PROMPT, 1, max_new_tokens=9)
    (greedy,) = generate(model, [PROMPT], max_new_tokens=9, decoding=Decoding(greedy=True))
    assert one.ids == greedy.ids
    found = beam_search(model, PROMPT, 5, max_new_tokens=9)
    assert found[0].log_prob >= one.log_prob
    for beam in found:
        log_p = model(torch.tensor([PROMPT + beam.ids]))[0, 2:-1].log_softmax(-1)
        told = sum(log_p[i, id].item() for i, id in enumerate(beam.ids))
        assert beam.log_prob == pytest.approx(told, abs=1e-3)  # nine float32 sums of up to 8 nats


def test_an_impossible_text_is_no_answer():
    model = Theirs(4, 0)
    with torch.no_grad():
        model.model.lm_head.weight.zero_()
    inside = model.forward
    only = torch.tensor([0.0, -torch.inf, -torch.inf, -torch.inf])
    model.forward = lambda ids, cache=None, padding=None: inside(ids, cache) + only
    (found,) = beam_search(model, [3], 3, max_new_tokens=2)
    assert found.ids == [0, 0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 0}, "width must be a whole number of at least 1; got 0"),
        ({"length_penalty": -1.0}, r"length_penalty must be a number of at least 0; got -1\.0"),
        ({"prompt": []}, "prompt 0 is empty"),
        ({"prompt": [11]}, "ids from 0 to 10"),
        ({"max_new_tokens": 0}, "at least 1; got 0"),
        ({"max_new_tokens": 64}, "do not fit"),
        ({"stop_tokens": [11]}, "stop_tokens must be ids from 0 to 10; got 11"),
    ],
)
def test_bad_requests_are_told(changes, words):
    request = {"prompt": PROMPT, "width": 2, "max_new_tokens": 3} | changes
    with pytest.raises(ValueError, match=words):
        beam_search(Theirs(11, 0), **request)
