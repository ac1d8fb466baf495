"""A finetuned model leaves as a Hugging Face folder: transformers reads the same chat, and says the same."""

import re

import pytest
import torch
import transformers

from llmasos_edu import pretrained, real_llm
from llmasos_edu.batches import Documents
from llmasos_edu.corpora import tinyworld_tokenizer
from llmasos_edu.finetuning import CHAT_TEMPLATE, answers, by_template, conversation, prompt, recent
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.tinyworld import Turn, World
from llmasos_edu.training import TrainConfig, train

TOKENIZER = tinyworld_tokenizer(World("en"), World("zh"))
END, USER = (TOKENIZER.special_tokens[mark] for mark in ("<|end|>", "<|user|>"))
TALKS = [
    [
        Turn("user", f"{name} had a {colour} kite. What colour is the kite?"),
        Turn("assistant", f"It is {colour}."),
        Turn("user", "What is my name?"),
        Turn("assistant", f"Your name is {name}."),
    ]
    for name, colour in (("Mia", "red"), ("Tom", "blue"), ("Anna", "green"))
]


def messages(turns):
    return [{"role": turn.speaker, "content": turn.text} for turn in turns]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three talks learned by heart, as a folder."""
    config = LlamaConfig(
        vocab_size=TOKENIZER.vocab_size, context_length=64, d_model=32, n_heads=2, n_kv_heads=1, d_head=16,
        n_layers=2, d_ff=64,
    )  # fmt: skip
    model = Llama(config, generator=torch.Generator().manual_seed(0))
    learned = [conversation(talk, TOKENIZER) for talk in TALKS]
    data = Documents(learned, end_id=END, batch_size=3, context_length=64, seed=0)
    train(model, data, TrainConfig(steps=250, lr=0.01, weight_decay=0.0))
    path = tmp_path_factory.mktemp("chat") / "model"
    return pretrained.export(
        path, model, TOKENIZER, end_token="<|end|>", chat_template=CHAT_TEMPLATE, stop_tokens=["<|user|>"]
    )


@pytest.mark.parametrize("turns", [1, 3])
@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk[0].text.split()[0])
def test_transformers_reads_the_chat_as_we_do_and_gives_the_same_answer(folder, talk, turns):
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    asked = tokenizer.apply_chat_template(
        messages(talk[:turns]), add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    assert asked["input_ids"].tolist() == [prompt(talk[:turns], TOKENIZER)]
    with torch.no_grad():
        written = theirs.generate(**asked, max_new_tokens=12, do_sample=False)[
            0, asked["input_ids"].shape[1] :
        ]
    assert theirs.generation_config.eos_token_id == [END, USER]
    assert written[-1] == (USER if turns == 1 else END)  # where it gives the word back
    ours, tokens = pretrained.load(folder)
    (answer,) = answers(ours, tokens, [talk[:turns]])
    assert answer == talk[turns].text == tokenizer.decode(written[:-1])
    with torch.no_grad():
        gap = (ours(asked["input_ids"]) - theirs(asked["input_ids"]).logits).abs().max()
    assert gap < 1e-4  # float32, logits of a few units


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk[0].text.split()[0])
def test_a_whole_talk_is_what_it_was_trained_on(folder, talk):
    text = pretrained.chat(folder, messages(talk), add_generation_prompt=False)
    example = conversation(talk, TOKENIZER)
    assert TOKENIZER.encode(text, special="allow") == [END, *example.ids, END]


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        (["user", "user"], "message 1 is from user"),
        (["assistant"], "message 0 is from assistant"),
        (["system", "user"], "message 0 is from system"),
        (["en", "user"], "message 1 is from user"),
        (["user", "narrator"], "message 1 is from narrator"),
    ],
)
def test_roles_that_it_has_not_learned_are_refused(folder, roles, said):
    with pytest.raises(ValueError, match=f"user and assistant take turns, or en and zh; {said}"):
        pretrained.chat(folder, [{"role": role, "content": "x"} for role in roles])


def test_the_oldest_turns_are_dropped_by_twos_and_counted():
    talk = TALKS[0][:3]
    whole = len(prompt(talk, TOKENIZER))
    assert recent(talk, TOKENIZER, whole) == (talk, 0)
    kept, dropped = recent(talk, TOKENIZER, whole - 1)
    assert (kept, dropped) == (talk[2:], 2)
    alone = len(prompt(kept, TOKENIZER))
    assert recent(talk, TOKENIZER, alone) == (kept, 2)
    with pytest.raises(ValueError, match=f"takes {alone} tokens; there is room for {alone - 1}"):
        recent(talk, TOKENIZER, alone - 1)
    with pytest.raises(ValueError, match="turns odd in number; got 0"):
        recent([], TOKENIZER, 64)


@pytest.mark.skipif(not real_llm.present(), reason="the real LLM has not been fetched")
@pytest.mark.parametrize("turns", [2, 4])
def test_by_the_real_llms_own_template_its_answers_count(turns):
    """The mask is the one that transformers finds with the answers' characters marked."""
    folder = real_llm.folder()
    tokenizer = pretrained.load_tokenizer(folder)

    def template(turns, asks):
        return pretrained.chat(folder, messages(turns), add_generation_prompt=asks)

    talk = TALKS[0][:turns]
    example = by_template(talk, tokenizer, template)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    assert example.ids == theirs.apply_chat_template(messages(talk), return_dict=True)["input_ids"]
    text = template(talk, False)
    wanted = [m.span(1) for m in re.finditer(r"assistant\n(.*?<\|im_end\|>)", text)]
    spans = theirs(text, return_offsets_mapping=True)["offset_mapping"]
    inside = [any(a <= start and end <= b for a, b in wanted) for start, end in spans]
    assert example.counts == [*inside, False]
    assert sum(inside) >= 5 * turns // 2


def test_a_template_that_rewrites_what_was_said_is_refused():
    def forgets(turns, asks):  # an answer is cut short once another turn has followed it
        return "|".join(t.text if n >= len(turns) - 2 else t.text[:2] for n, t in enumerate(turns)) + "|"

    assert by_template(TALKS[0][:2], TOKENIZER, forgets).counts.count(True) > 3
    with pytest.raises(ValueError, match="writes what is before turn 3 otherwise"):
        by_template(TALKS[0], TOKENIZER, forgets)
    with pytest.raises(ValueError, match="must have an answer; got 1 turns"):
        by_template(TALKS[0][:1], TOKENIZER, forgets)


@pytest.mark.parametrize(("asks", "answers"), [("en", "zh"), ("zh", "en")])
def test_a_translation_is_asked_by_its_languages(folder, asks, answers):
    text = pretrained.chat(folder, [{"role": asks, "content": "Mia"}])
    assert TOKENIZER.encode(text, special="allow") == prompt([Turn(asks, "Mia")], TOKENIZER, answerer=answers)
