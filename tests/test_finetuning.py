"""What counts, what moves, what is kept: conversations, packed examples, replay, frozen parts, answers."""

import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from llmasos_edu.batches import IGNORE, Documents, Example, pack_documents
from llmasos_edu.corpora import tinyworld_tokenizer
from llmasos_edu.finetuning import (
    PARTS,
    answers,
    answers_to,
    conversation,
    examples_apart,
    freeze,
    last_answers,
    prompt,
    replies,
    trained,
    with_replay,
)
from llmasos_edu.generation import Decoding, generate
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.tinyworld import Turn, World, tasks
from llmasos_edu.tokenizer import Tokenizer
from llmasos_edu.training import TrainConfig, train

TOKENIZER = tinyworld_tokenizer(World("en"), World("zh"))
END = TOKENIZER.special_tokens["<|end|>"]
TALK = [
    Turn("user", "Mia had a red kite. What colour is the kite?"), Turn("assistant", "It is red."),
    Turn("user", "Thank you."), Turn("assistant", "You are welcome, Mia."),
]  # fmt: skip


def counted(example):
    """The targets that count, as text, with the end where it counts."""
    inputs, targets = example.row(END)
    assert inputs == [END, *example.ids]
    return TOKENIZER.decode([t for t in targets if t != IGNORE])


def small(kind, **changes):
    sizes = {
        "vocab_size": TOKENIZER.vocab_size, "context_length": 64, "d_model": 16, "n_heads": 2, "n_layers": 2
    } | changes  # fmt: skip
    if kind == "gpt":
        return GPT(GPTConfig(**sizes), generator=torch.Generator().manual_seed(0))
    config = LlamaConfig(**sizes, n_kv_heads=1, d_head=8, d_ff=16, init_std=0.5, tied=False)
    return Llama(config, generator=torch.Generator().manual_seed(0))


def test_answers_count_with_the_mark_that_ends_them_and_nothing_else():
    assert counted(conversation(TALK, TOKENIZER)) == "It is red.<|user|>You are welcome, Mia.<|end|>"
    assert counted(conversation(TALK[:2], TOKENIZER)) == "It is red.<|end|>"
    whole = "".join(f"<|{turn.speaker}|>{turn.text}" for turn in TALK)
    assert TOKENIZER.decode(conversation(TALK, TOKENIZER).ids) == whole
    everything = conversation(TALK, TOKENIZER, learn="everything")
    assert everything.ids == conversation(TALK, TOKENIZER).ids
    assert counted(everything) == whole + "<|end|>"


def test_a_translation_has_the_languages_as_speakers():
    example = conversation(
        [Turn("en", "Mia had a red kite."), Turn("zh", "米娅有一只红色的风筝。")], TOKENIZER
    )
    assert TOKENIZER.decode(example.ids) == "<|en|>Mia had a red kite.<|zh|>米娅有一只红色的风筝。"
    assert counted(example) == "米娅有一只红色的风筝。<|end|>"


def test_a_mark_in_somebodys_text_stays_text():
    turns = [Turn("user", "Say <|end|> now"), Turn("assistant", "<|user|>")]
    ids = conversation(turns, TOKENIZER).ids
    marks = [i for i in ids if i in TOKENIZER.special_tokens.values()]
    assert TOKENIZER.decode(marks) == "<|user|><|assistant|>"
    assert TOKENIZER.decode(ids) == "<|user|>Say <|end|> now<|assistant|><|user|>"


def test_a_prompt_is_the_conversation_up_to_the_answer():
    for n in (1, 3):
        example = conversation(TALK[: n + 1], TOKENIZER)
        given = prompt(TALK[:n], TOKENIZER)
        inputs, targets = example.row(END)
        assert inputs[: len(given)] == given
        answer = TOKENIZER.encode(TALK[n].text)
        assert targets[len(given) - 1 :] == [*answer, END]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: conversation([], TOKENIZER), "must end with an answer, turns by twos; got 0"),
        (lambda: conversation(TALK[:3], TOKENIZER), "must end with an answer, turns by twos; got 3"),
        (lambda: conversation([TALK[0], TALK[0]], TOKENIZER), "user speaks twice in a row, turns 0 and 1"),
        (
            lambda: conversation([*TALK[:2], TALK[1], TALK[0]], TOKENIZER),
            "must take turns, user and assistant; turn 2 is assistant's",
        ),
        (
            lambda: conversation([Turn("system", "x"), TALK[1]], TOKENIZER),
            r"must have the mark <\|system\|>; it has marks for end, user, assistant, en, zh",
        ),
        (lambda: conversation(TALK, TOKENIZER, learn="all"), '"answers" or "everything"; got \'all\''),
        (
            lambda: prompt(TALK[:1], Tokenizer.train("low low", 257)),
            r"must have the mark <\|end\|>; it has marks for nobody",
        ),
        (lambda: freeze(small("llama", norm_weights=False), "norms"), "its norms may have no weights"),
        (lambda: prompt([], TOKENIZER), "turns odd in number; got 0"),
        (lambda: prompt(TALK[:2], TOKENIZER), "turns odd in number; got 2"),
        (lambda: prompt([TALK[1]], TOKENIZER), "assistant has spoken last and cannot answer"),
        (lambda: with_replay(list, list, 1.0), "from 0 to below 1, such as 0.1; got 1.0"),
        (lambda: freeze(small("llama"), "blocks"), "one of 'all', 'last block', .*got 'blocks'"),
        (lambda: Example([1, 2], [True, True]).row(0), "of the end, 3 times; got 2"),
        (lambda: last_answers(small("llama"), TOKENIZER, [TALK, TALK[:1]]), "end with the same speaker"),
        (lambda: replies(small("llama"), TOKENIZER, [TALK[:1]]), "must end with an answer"),
        (lambda: replies(small("llama"), TOKENIZER, []), "must end with an answer"),
    ],
)
def test_bad_requests_are_refused(call, said):
    with pytest.raises(ValueError, match=re.compile(said)):
        call()


def test_a_conversation_that_fills_the_context_leaves_no_room():
    model = small("llama")
    with pytest.raises(ValueError, match="leaves no room for an answer in a context of 64"):
        answers(model, TOKENIZER, [[Turn("user", "Mia had a red kite. " * 12)]])


def examples():
    """Ten conversations of different lengths, each with two answers."""
    made = []
    for n in range(10):
        given = " ".join(["Mia had a red kite."] * (1 + n % 3))
        made.append(conversation([Turn("user", given), *TALK[1:3], Turn("assistant", "Mia")], TOKENIZER))
    return made


def total_nats(model, inputs, targets):
    return F.cross_entropy(model(inputs).transpose(1, 2), targets, ignore_index=IGNORE, reduction="sum")


@pytest.mark.parametrize("kind", ["gpt", "llama"])
def test_packed_examples_do_not_see_each_other(kind):
    """Loss and gradients of packed rows are those of one example a row."""
    model = small(kind, context_length=96).double().train()
    alone = Documents(examples(), end_id=END, batch_size=10, context_length=96, seed=0).batch(0)
    packed = pack_documents(examples(), end_id=END, context_length=96)
    assert len(packed.inputs) < 6
    found = {}
    with examples_apart(model, END):
        for name, (inputs, targets) in {"alone": alone, "packed": packed[:2]}.items():
            model.zero_grad()
            loss = total_nats(model, inputs, targets)
            loss.backward()
            found[name] = (loss.item(), {n: p.grad for n, p in model.named_parameters()})
    crossing = total_nats(model, *packed[:2]).item()
    assert found["packed"][0] == pytest.approx(found["alone"][0], rel=1e-6)  # RoPE's tables are float32
    for name, grad in found["alone"][1].items():
        # the tables' rounding, at the scale of the parameter's largest gradient
        close = 1e-5 * grad.abs().max().item()
        torch.testing.assert_close(found["packed"][1][name], grad, rtol=0, atol=close)
    assert abs(crossing - found["alone"][0]) > 0.01  # without it they do


@pytest.mark.parametrize("kind", ["gpt", "llama"])
def test_a_model_that_trains_on_packed_rows_can_be_tested_in_between(kind):
    model = small(kind)
    ask = {"prompts": [[END, 5, 6], [END]], "max_new_tokens": 5, "decoding": Decoding(greedy=True)}
    before = [row.ids for row in generate(model, **ask)]
    with examples_apart(model.train(), END):
        assert [row.ids for row in generate(model, **ask)] == before
        model.train()(torch.tensor([[END, 5, 6, END, 7]]))
        assert [row.ids for row in generate(model, **ask)] == before
        with pytest.raises(ValueError, match="each row must begin with the end token"):
            model.train()(torch.tensor([[5, END]]))
        model.train()(torch.tensor([[END, 5]]))  # and it goes on
    assert not model._forward_pre_hooks
    assert all(heads.by is None for heads in model._heads())


def test_packed_and_padded_batches_hold_the_same_targets():
    made = {
        width: Documents(examples(), end_id=END, batch_size=10, context_length=96, seed=0, width=width).batch(
            1
        )
        for width in ("longest", "packed")
    }
    kept = {width: sorted(t[t != IGNORE].tolist()) for width, (_, t) in made.items()}
    assert kept["longest"] == kept["packed"]
    assert len(made["packed"][0]) < len(made["longest"][0])
    assert made["packed"][0].shape[1] == 96
    with pytest.raises(ValueError, match="packed rows hold whole documents"):
        Documents(
            examples(), end_id=END, batch_size=2, context_length=96, seed=0, width="packed", too_long="cut"
        )


@given(share=st.floats(0, 0.99), n=st.integers(1, 300))
def test_replay_leaves_out_nothing_and_keeps_its_share(share, n):
    mixed = with_replay(lambda i: [i], lambda i: [1000 + i], share)
    found = [mixed(i)[0] for i in range(n)]
    stories = [i for i in found if i >= 1000]
    assert [i for i in found if i < 1000] == list(range(n - len(stories)))
    assert stories == list(range(1000, 1000 + len(stories)))
    assert abs(len(stories) - share * n) <= 1


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("part", PARTS)
def test_only_the_part_that_learns_moves(part, tied):
    model = small("gpt", tied=tied)
    names = freeze(model, but=part)
    assert trained(model) == sum(dict(model.named_parameters())[name].numel() for name in names)
    if part == "none":
        assert names == []
        return
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    data = Documents(examples(), end_id=END, batch_size=5, context_length=64, seed=0)
    train(model, data, TrainConfig(steps=2, lr=0.01))
    moved = [name for name, p in model.named_parameters() if not torch.equal(p, before[name])]
    assert set(moved) == set(names)
    assert all(p.grad is None for name, p in model.named_parameters() if name not in names)
    freeze(model, but="all")
    assert trained(model) == sum(p.numel() for p in model.parameters())


def test_what_each_part_is():
    parts = {part: freeze(small("llama"), but=part) for part in PARTS}
    assert parts["head"] == ["head.weight"]
    assert {name.split(".")[0] for name in parts["last block"]} == {"blocks", "norm", "head"}
    assert {name.split(".")[1] for name in parts["last block"] if "blocks" in name} == {"1"}
    assert all("norm" in name for name in parts["norms"])
    assert len(parts["norms"]) == 2 * 2 + 1
    assert freeze(small("gpt", tied=True), but="head") == ["embedding.weight"]


def test_a_model_learns_to_answer_and_to_stop():
    """Three conversations by heart: then it answers them, alone or among others, and gives the word back."""
    talks = [
        [Turn("user", f"{who} had a red kite."), Turn("assistant", f"Hello, {who}."), *TALK[2:]]
        for who in ("Mia", "Tom", "Omar")
    ]  # fmt: skip
    model = small("llama", d_model=32)
    made = [conversation(talk, TOKENIZER) for talk in talks]
    data = Documents(made, end_id=END, batch_size=3, context_length=64, seed=0)
    train(model, data, TrainConfig(steps=60, lr=0.01))
    firsts = [talk[:2] for talk in talks]
    assert last_answers(model, TOKENIZER, firsts) == [talk[1].text for talk in talks]
    assert (
        last_answers(model, TOKENIZER, [*talks, *talks[::-1]], batch_size=2) == ["You are welcome, Mia."] * 6
    )
    assert answers(model, TOKENIZER, [firsts[1][:1]], max_new_tokens=2) == ["Hello,"]


def test_in_a_talk_the_models_own_answers_stand():
    model = small("llama", d_model=32)
    talks = [TALK, TALK[:2]]
    said = replies(model, TOKENIZER, talks, max_new_tokens=3)
    assert [len(each) for each in said] == [2, 1]
    first = answers(model, TOKENIZER, [TALK[:1]], max_new_tokens=3)[0]
    second = answers(model, TOKENIZER, [[TALK[0], Turn("assistant", first), TALK[2]]], max_new_tokens=3)[0]
    assert said == [[first, second], [first]]
    assert first != TALK[1].text
    long = [[Turn("user", "Mia had a red kite. " * 12), TALK[1]], TALK[:2]]
    assert replies(model, TOKENIZER, long, max_new_tokens=3) == [[""], [first]]


def test_items_are_answered_as_evaluation_takes_them():
    model = small("llama", d_model=32, context_length=256)
    asked = [tasks.training("question_answering", "en")(n) for n in range(3)]
    talks = [tasks.training("dialogue", "en")(n) for n in range(2)]
    said = answers_to(model, TOKENIZER, [*asked], max_new_tokens=3)
    assert said == last_answers(model, TOKENIZER, [item.turns for item in asked], max_new_tokens=3)
    told = answers_to(model, TOKENIZER, talks, max_new_tokens=3)
    assert told == replies(model, TOKENIZER, [item.turns for item in talks], max_new_tokens=3)
    assert [len(each) for each in told] == [len(item.turns) // 2 for item in talks]
