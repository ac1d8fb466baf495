"""Writing: without and with the cache, in batches, in whole characters, repeatable; bad requests refused."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llmasos_edu import generation as g
from llmasos_edu import pretrained, real_llm
from llmasos_edu.generation.asking import check_prompts, check_room
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.tokenizer import Tokenizer

V, CONTEXT = 300, 24
PROMPTS = [[7, 8, 9, 10, 11], [200], [3, 250, 99]]


def small(kind, **changes):
    """A small model with weights so large that its distributions are far from flat."""
    size = {"vocab_size": V, "context_length": CONTEXT, "d_model": 32, "n_layers": 2, "n_heads": 4} | changes
    random = torch.Generator().manual_seed(3)
    if kind == "gpt":
        model = GPT(GPTConfig.preset("tiny", d_ff=64, **size), generator=random)
    else:
        config = LlamaConfig.preset("tinyworld", d_ff=64, n_kv_heads=2, d_head=8, **size)
        model = Llama(config, generator=random)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.normal_(0, 0.3, generator=random)
    return model.eval()


@pytest.fixture(scope="module", params=["gpt", "llama"])
def model(request):
    return small(request.param)


@pytest.fixture(scope="module")
def gpt():
    return small("gpt")


@pytest.fixture(scope="module")
def tokenizer():
    """The bytes, merges, a special token: 300 in all."""
    text = (
        "the cat sat on the mat, the cat ate. 中文中文 the mat sat. 🙂🙂 many words, again many words, until"
    )
    return Tokenizer.train(text, V, special_tokens=("<|end|>",))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def likeliest(logits, ids):
    return logits.argmax(dim=-1)


# --- the ladder: plain loop, cached loop


def test_the_plain_loop_is_the_model_called_again_and_again(model):
    ids = torch.tensor([PROMPTS[0], PROMPTS[0][::-1]])
    text = ids
    for new in g.plain_steps(model, ids, likeliest, 6):
        expected = torch.stack([model(row[None])[0, -1].argmax() for row in text])
        assert torch.equal(new, expected)
        text = torch.cat([text, new[:, None]], dim=1)


@pytest.mark.parametrize("n", [1, 2, 40])  # 40 new tokens outgrow the context of 24
def test_the_cached_loop_gives_the_same_logits_token_by_token(model, n):
    ids, padding = g.pad_left(PROMPTS)
    seen = {loop: [] for loop in (g.plain_steps, g.cached_steps)}
    with torch.inference_mode():
        for loop, kept in seen.items():

            def choose(logits, ids, kept=kept):
                kept.append(logits)
                return logits.argmax(dim=-1)

            written = torch.stack(list(loop(model, ids, choose, n, padding)))
            kept.append(written.double())
    plain, cached = seen.values()
    assert len(plain) == len(cached) == n + 1
    for a, b in zip(plain, cached, strict=True):
        # logits are of size 10; the order of float32 sums differs between one query and many
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)


def test_the_cached_loop_reads_each_token_once(model):
    read = []

    class Counting(torch.nn.Module):
        config = model.config

        def forward(self, ids, cache=None, padding=None):
            read.append(ids.shape[1])
            return model(ids, cache=cache, padding=padding)

        def new_cache(self, batch_size, length):
            assert (batch_size, length) == (1, 9)  # five and five, of which the last is not read
            return model.new_cache(batch_size, length)

    with torch.inference_mode():
        list(g.cached_steps(Counting(), torch.tensor(PROMPTS[:1]), likeliest, 5))
    assert read == [5, 1, 1, 1, 1]


@pytest.mark.parametrize("how", ["greedy", "drawn"])
@pytest.mark.parametrize("use_cache", [True, False])
def test_a_batch_of_unequal_prompts_is_its_rows_alone(model, how, use_cache):
    decoding = g.Decoding(greedy=True) if how == "greedy" else g.Decoding(temperature=0.8, top_p=0.9)
    how = {"max_new_tokens": 12, "decoding": decoding, "log_probs": True, "use_cache": use_cache}
    batch = g.generate(model, PROMPTS, generator=[seeded(i) for i in range(3)], **how)
    for i, prompt in enumerate(PROMPTS):
        (alone,) = g.generate(model, [prompt], generator=[seeded(i)], **how)
        assert alone.ids == batch[i].ids
        # float32 sums of a batch are made in another order; log-probabilities here are between 0 and −20
        assert alone.log_probs == pytest.approx(batch[i].log_probs, abs=1e-4)


@pytest.mark.parametrize("use_cache", [True, False])
def test_sliding_shows_the_last_tokens_counted_from_zero(model, use_cache):
    slide = {"overflow": "slide", "decoding": g.Decoding(greedy=True), "use_cache": use_cache}
    long = [*range(30), 5]  # longer than the context from the start
    for prompt in (PROMPTS[0], long):
        (written,) = g.generate(model, [prompt], max_new_tokens=40, **slide)
        text = list(prompt)
        for id in written.ids:
            assert model(torch.tensor([text[-CONTEXT:]]))[0, -1].argmax() == id
            text.append(id)
    both = g.generate(
        model, [PROMPTS[1], long], max_new_tokens=40, **slide
    )  # each row slides in its own time
    assert both[1].ids == written.ids
    assert both[0] == g.generate(model, PROMPTS[1:2], max_new_tokens=40, **slide)[0]


def test_the_context_may_be_filled_to_the_last_token(gpt):
    greedy = g.Decoding(greedy=True)
    (full,) = g.generate(gpt, [PROMPTS[0]], max_new_tokens=20, decoding=greedy)  # 24 read, the 25th is not
    assert len(full.ids) == 20
    with pytest.raises(ValueError, match=r"5 prompt tokens and 21 new .* context of 24: ask for at most 20"):
        g.generate(gpt, [PROMPTS[0]], max_new_tokens=21, decoding=greedy)
    with pytest.raises(ValueError, match=r"shorten the prompt, or pass overflow='slide'"):
        g.generate(gpt, [[1] * 25], max_new_tokens=1, decoding=greedy)


# --- randomness


def test_the_same_seed_gives_the_same_text_and_another_seed_another(gpt):
    def ids(seed, prompts=PROMPTS):
        return [row.ids for row in g.generate(gpt, prompts, max_new_tokens=12, generator=seeded(seed))]

    assert ids(0) == ids(0)
    assert ids(0) != ids(1)
    same = ids(0, [[5]] * 4)
    assert len({tuple(row) for row in same}) == 4  # four texts from one prompt
    assert ids(0, PROMPTS[:2]) == ids(0)[:2]  # a row does not depend on what stands after it


def test_a_row_does_not_depend_on_when_the_others_stop(gpt):
    (free,) = g.generate(gpt, [[5]], max_new_tokens=15, generator=[seeded(4)])
    (other,) = g.generate(gpt, [[6]], max_new_tokens=15, generator=[seeded(9)])
    stop = next(id for id in other.ids if id not in free.ids)
    both = g.generate(
        gpt, [[6], [5]], max_new_tokens=15, generator=[seeded(9), seeded(4)], stop_tokens=[stop]
    )
    assert both[0].ids == other.ids[: other.ids.index(stop) + 1]
    assert (both[0].stopped_by, both[1].stopped_by) == ("token", "length")
    assert both[1].ids == free.ids


def test_first_tokens_have_the_models_probabilities(gpt):
    p = gpt(torch.tensor([[5]]))[0, -1].softmax(-1)
    rows = g.generate(gpt, [[5]] * 4000, max_new_tokens=1, generator=seeded())
    shares = torch.bincount(torch.tensor([row.ids[0] for row in rows]), minlength=V) / 4000
    error = (p * (1 - p) / 4000).sqrt()
    assert ((shares - p).abs() <= 5 * error + 1e-3).all()  # five standard errors; the seed is fixed


def test_drawing_needs_a_generator(gpt):
    with pytest.raises(ValueError, match="drawing needs a generator"):
        g.generate(gpt, [[1]], max_new_tokens=1)
    with pytest.raises(ValueError, match="one a prompt: 1; got 2"):
        g.generate(gpt, [[1]], max_new_tokens=1, generator=[seeded(), seeded()])


# --- log-probabilities


def test_log_probs_are_the_models_own_before_any_strategy(model):
    decoding = g.Decoding(temperature=0.5, top_k=3, repetition_penalty=1.5)
    (row,) = g.generate(
        model, [PROMPTS[0]], max_new_tokens=8, decoding=decoding, generator=seeded(), log_probs=True
    )
    text = torch.tensor([PROMPTS[0] + row.ids])
    told = model(text)[0, 4:-1].log_softmax(-1).gather(1, torch.tensor(row.ids)[:, None]).squeeze(1)
    assert row.log_probs == pytest.approx(told.tolist(), abs=1e-4)  # one pass or eight: float32 sums
    assert g.generate(model, [[1]], max_new_tokens=2, generator=seeded())[0].log_probs == []


def test_a_repetition_penalty_does_not_count_pads(gpt):
    """A pad repeats the row's first token, which the text has anyway."""
    decoding = g.Decoding(greedy=True, repetition_penalty=5.0)
    batch = g.generate(gpt, PROMPTS, max_new_tokens=10, decoding=decoding)
    alone = [g.generate(gpt, [prompt], max_new_tokens=10, decoding=decoding)[0] for prompt in PROMPTS]
    assert batch == alone


# --- text: whole characters, stop strings


class Script(torch.nn.Module):
    """A model that writes given tokens: a logit of 0 for the next one and −inf for all others."""

    def __init__(self, ids, vocab_size=V, context_length=1000):
        super().__init__()
        self.ids, self.weight = ids, torch.nn.Parameter(torch.zeros(1))
        self.config = GPTConfig.preset("tiny", vocab_size=vocab_size, context_length=context_length)

    def forward(self, ids, cache=None, padding=None):
        logits = torch.full((*ids.shape, self.config.vocab_size), -torch.inf)
        logits[:, -1, self.ids[cache.pop() if cache else ids.shape[1] - 1]] = 0
        return logits

    def new_cache(self, batch_size, length):
        return list(range(len(self.ids)))[::-1]


GREEDY = g.Decoding(greedy=True)


def write(tokenizer, ids, **settings):
    """The pieces that are streamed when a model writes these tokens; `generate` must agree on the text."""
    how = {"max_new_tokens": len(ids), "decoding": GREEDY, **settings}
    pieces = list(g.stream(Script(ids), tokenizer, "a", **how))
    (row,) = g.generate(Script(ids), [tokenizer.encode("a")], tokenizer=tokenizer, **how)
    assert "".join(pieces) == row.text == g.speak(Script(ids), tokenizer, "a", **how)
    assert all(pieces)
    return pieces, row


def test_characters_come_whole(tokenizer):
    pieces, _ = write(tokenizer, list("né 中🙂!".encode()))
    assert pieces == ["n", "é", " ", "中", "🙂", "!"]


@given(st.binary(min_size=1, max_size=12))
@settings(deadline=None, max_examples=50)
def test_any_bytes_joined_are_what_decode_says(tokenizer, raw):
    pieces, row = write(tokenizer, list(raw))
    assert "".join(pieces) == tokenizer.decode(raw)
    assert row.ids == list(raw)


def test_what_may_become_a_stop_string_is_held_back(tokenizer):
    pieces, row = write(tokenizer, list(b"an ENERGY"), stop_strings=["END"])
    assert (pieces, row.stopped_by) == (["a", "n", " ", "EN", "ER", "G", "Y"], "length")


def test_a_stop_string_may_straddle_tokens_and_what_follows_is_cut(tokenizer):
    (the,) = [id for id in range(256, V) if tokenizer.token_bytes(id) == b" the"]
    ids = [*b"go on", the, *b"re we are"]
    pieces, row = write(tokenizer, ids, stop_strings=["n the", "zzz"])
    assert "".join(pieces) == "go o"
    assert (row.stopped_by, row.ids) == ("string", ids[:6])
    pieces, row = write(tokenizer, ids, stop_strings=["here"])
    assert ("".join(pieces), row.ids) == ("go on t", ids[:8])
    pieces, row = write(tokenizer, [*"好，中文".encode()], stop_strings=["中"])
    assert ("".join(pieces), row.stopped_by) == ("好，", "string")
    pieces, row = write(tokenizer, [*b"ab"], stop_strings=["abc"])  # held back to the end, then given out
    assert (pieces, row.stopped_by) == (["ab"], "length")
    pieces, row = write(tokenizer, [*b"aab"], stop_strings=["aac", "ab"])
    assert (pieces, row.stopped_by) == (["a"], "string")


def test_a_stop_token_ends_the_row_and_is_not_spelled(tokenizer):
    end = tokenizer.special_tokens["<|end|>"]
    pieces, row = write(tokenizer, [*b"ab", end, *b"cd"], stop_tokens=[end])
    assert (pieces, row.ids, row.stopped_by) == (["a", "b"], [*b"ab", end], "token")
    pieces, row = write(tokenizer, [*b"ab", end, *b"cd"])
    assert row.text == "ab<|end|>cd"


def test_a_special_token_of_the_prompt_is_one_token(gpt, tokenizer):
    (expected,) = g.generate(gpt, [[tokenizer.special_tokens["<|end|>"]]], max_new_tokens=4, decoding=GREEDY)
    said = g.speak(gpt, tokenizer, "<|end|>", max_new_tokens=4, decoding=GREEDY)
    assert said == tokenizer.decode(expected.ids)


def test_rows_that_pad_a_vocabulary_are_never_chosen(tokenizer):
    model = small("gpt", vocab_size=320)
    with torch.no_grad():
        model.embedding.weight[V:] *= 10  # by itself it would choose them at once
    assert model(torch.tensor([[5]]))[0, -1].argmax() >= V
    (row,) = g.generate(model, [[5]], max_new_tokens=10, decoding=GREEDY, tokenizer=tokenizer)
    assert max(row.ids) < V


# --- conduct


def test_a_stream_refuses_at_once_and_writes_as_it_goes(gpt, tokenizer):
    with pytest.raises(ValueError, match="max_new_tokens"):
        g.stream(gpt, tokenizer, "a", max_new_tokens=0, decoding=GREEDY)
    script = Script(list(b"abc"))
    pieces = g.stream(script, tokenizer, "a", max_new_tokens=3, decoding=GREEDY)
    assert next(pieces) == "a"
    script.ids[1:] = b"xy"  # what is not written yet can still change
    assert "".join(pieces) == "xy"


@pytest.mark.parametrize("training", [True, False])
def test_it_writes_without_dropout_and_gives_the_model_back_as_it_was(tokenizer, training):
    model = small("gpt", dropout=0.5)
    expected = g.speak(model, tokenizer, "a", max_new_tokens=8, decoding=GREEDY)
    model.train(training)
    assert g.speak(model, tokenizer, "a", max_new_tokens=8, decoding=GREEDY) == expected
    assert model.training is training
    pieces = g.stream(model, tokenizer, "a", max_new_tokens=8, decoding=GREEDY)
    next(pieces)
    pieces.close()
    assert model.training is training
    assert not next(model.parameters()).grad


def test_a_diverged_model_is_named(tokenizer):
    model = Script([0])
    model.forward = lambda ids, cache=None, padding=None: torch.full((1, ids.shape[1], V), math.nan)
    for decoding in (GREEDY, g.Decoding(top_p=0.5)):
        with pytest.raises(ValueError, match="did training diverge"):
            g.generate(model, [[1]], max_new_tokens=1, decoding=decoding, generator=seeded())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": []}, r"a list of token lists, such as \[\[464, 995\]\]; got \[\]"),
        ({"prompts": [[1], []]}, "prompt 1 is empty, and a model needs a token to look at"),
        ({"prompts": [[1, 300]]}, "prompt 0 must hold ids from 0 to 299, the vocabulary; got 300"),
        ({"prompts": [[-1]]}, "got -1"),
        ({"max_new_tokens": 0}, "at least 1; got 0"),
        ({"overflow": "cut"}, 'must be "refuse" or "slide"; got \'cut\''),
        ({"stop_tokens": [300]}, "ids from 0 to 299; got 300"),
        ({"stop_strings": "\n"}, r"a list of texts, none empty; got '\\n'"),
        ({"stop_strings": [""]}, "none empty"),
        ({"stop_strings": ["x"]}, "need the tokenizer"),
    ],
)
def test_bad_requests_say_what_is_wrong(gpt, changes, words):
    request = {"prompts": [[1]], "max_new_tokens": 2, "decoding": GREEDY} | changes
    with pytest.raises(ValueError, match=words):
        g.generate(gpt, **request)


def test_what_the_annotations_rule_out_is_told_too():
    with pytest.raises(ValueError, match=r"got \[1, 2\]\. For one prompt write \[ids\]"):
        check_prompts([1, 2], V)
    with pytest.raises(ValueError, match=r"got \['hello'\].* for text use speak"):
        check_prompts(["hello"], V)
    with pytest.raises(ValueError, match=r"ids from 0 to 299, the vocabulary; got 0\.5"):
        check_prompts([[0.5]], V)
    with pytest.raises(ValueError, match=r"whole number of at least 1; got 1\.5"):
        check_room(CONTEXT, 1, 1.5, refuse=True)


@pytest.mark.parametrize("size", [299, 365, 1000])
def test_a_tokenizer_of_another_size_is_refused(tokenizer, size):
    model = Script([1], vocab_size=size)
    with pytest.raises(ValueError, match=f"it has 300 tokens, the model {size:,}"):
        g.generate(model, [[1]], max_new_tokens=1, decoding=GREEDY, tokenizer=tokenizer)


def test_an_empty_text_is_refused(gpt, tokenizer):
    with pytest.raises(ValueError, match="prompt 0 is empty"):
        g.speak(gpt, tokenizer, "", max_new_tokens=1, decoding=GREEDY)


@pytest.mark.real_llm
def test_the_real_llm_writes_what_transformers_writes():
    model, tokenizer = pretrained.load(real_llm.folder())
    theirs, _ = real_llm.load()
    for prompt, penalty in (("The world is a beautiful place,", 1.0), ("1, 1, 2, 3, 5, 8, 世界", 1.3)):
        ids = tokenizer.encode(prompt)
        decoding = g.Decoding(greedy=True, repetition_penalty=penalty)
        (row,) = g.generate(model, [ids], max_new_tokens=16, decoding=decoding)
        expected = theirs.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=16, min_new_tokens=16,
            do_sample=False, repetition_penalty=penalty,
        )  # fmt: skip
        assert row.ids == expected[0, len(ids) :].tolist()
