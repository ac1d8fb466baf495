"""The bank of lesson 10: mistakes are named, unusual right answers pass, SmolLM2's template is the truth."""

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer, pipeline

from llmasos_edu import pretrained, real_llm
from llmasos_edu.exercises import hugging_face
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.hugging_face import SYSTEM, render
from llmasos_edu.files import data_dir
from llmasos_edu.rounding import number
from llmasos_edu.tinyworld import END, World

from .bank_contract import hold

(EXERCISE,) = hugging_face.EXERCISES


def by_join(messages, add_generation_prompt):
    own = [] if messages[0]["role"] == "system" else [{"role": "system", "content": SYSTEM}]
    turns = own + messages
    parts = [f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>" for m in turns]
    return "\n".join([*parts, "<|im_start|>assistant\n" if add_generation_prompt else ""])


def by_replacing(messages, add_generation_prompt):
    text = "" if messages[0]["role"] == "system" else f"[system]{SYSTEM}[end]"
    for message in messages:
        text += "[{role}]{content}[end]".format(**message)
    text += "[assistant]" * add_generation_prompt
    for role in ("system", "user", "assistant"):
        text = text.replace(f"[{role}]", f"<|im_start|>{role}\n")
    return text.replace("[end]", "<|im_end|>\n")


def by_recursion(messages, add_generation_prompt, first=True):
    if first and messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM}, *messages]
    if not messages:
        return "<|im_start|>assistant\n" if add_generation_prompt else ""
    turn, *rest = messages
    head = "<|im_start|>" + turn["role"] + "\n" + turn["content"] + "<|im_end|>" + "\n"
    return head + by_recursion(rest, add_generation_prompt, first=False)


def two(start="<|im_start|>{role}\n", end="<|im_end|>\n", last="<|im_start|>assistant\n", system=True):
    def wrong(messages, add):
        own = [{"role": "system", "content": SYSTEM}] if system and messages[0]["role"] != "system" else []
        text = "".join(start.format(**m) + m["content"] + end for m in [*own, *messages])
        return text + (last if add else "")

    return wrong


PAIRS = {
    ("no generation prompt", "the mark after a turn is forgotten"): two(end="\n", last=""),
    ("the model's own system turn is missing", "no generation prompt"): two(system=False, last=""),
    ("no line end after the role", "the line end after a turn is forgotten"): two(
        "<|im_start|>{role} ", "<|im_end|>"
    ),
    ("the assistant's turns are dropped", "no generation prompt"): lambda messages, add: render(
        [m for m in messages if m["role"] != "assistant"], False
    ),
    ("a blank line between turns", "the model's own system turn is missing"): two(
        end="<|im_end|>\n\n", system=False
    ),
    ("the whole text is stripped", "the own system turn says something else"): lambda messages, add: (
        render(messages, add).replace("Face<", "Face.<").strip()
    ),
    ("roles swapped", "a generation prompt always"): lambda messages, add: render(
        [{**m, "role": hugging_face.SWAPPED[m["role"]]} for m in messages], True
    ),
}


def test_bank():
    hold(EXERCISE, variants=[by_join, by_replacing, by_recursion], pairs=PAIRS)


def test_a_stub_is_not_attempted():
    assert diagnose(lambda messages, add_generation_prompt: ..., EXERCISE).status == "not attempted yet"


def test_the_symptom_has_numbers():
    told = diagnose(two(end="\n"), EXERCISE)
    assert "3 turns are opened and 0 closed; open at the end should be 1" in told.symptom


def test_an_unknown_mistake_is_shown_where_it_begins():
    told = diagnose(lambda messages, add: render(messages, add).replace("helpful AI", "helpful"), EXERCISE)
    assert told.mistakes == ()
    assert "right for 37 characters, up to 'e a helpful '; then got 'assistant" in told.symptom
    told = diagnose(lambda messages, add: render(messages, add).strip(), EXERCISE)
    assert "then got the end of the text, expected '\\n'" in told.symptom


def test_program_that_stayed_in_the_text_is_shown():
    told = diagnose(two("<|im_start|>{{m['role']}}\n"), EXERCISE)
    assert "holds the braces themselves: \"{m['role']}" in told.symptom
    told = diagnose(two("<|im_start|>{role}\\n", "<|im_end|>\\n"), EXERCISE)
    assert "a backslash and an n where a line end belongs" in told.symptom


def test_a_list_of_pieces_is_no_text():
    told = diagnose(lambda messages, add: [m["content"] for m in messages], EXERCISE)
    assert told.status == "not yet"
    assert "expected the text" in str(told)


@pytest.mark.real_llm
def test_the_reference_is_the_template_of_the_folder():
    tokenizer = AutoTokenizer.from_pretrained(real_llm.folder())
    for probe in EXERCISE.probes():
        messages, add = probe.args
        theirs = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=add)
        assert render(messages, add) == theirs
        assert pretrained.chat(real_llm.folder(), messages, add_generation_prompt=add) == theirs


@pytest.fixture
def experiment(tmp_path, capsys):
    """The lesson's own experiment cell, with settings put between its braces; gives the lines it prints."""
    lesson = Path(__file__).resolve().parents[1] / "notebooks" / "10_hugging_face.ipynb"
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    (source,) = ("".join(c["source"]) for c in cells if c["id"] == "experiment-settings")
    empty, *rest = source.splitlines(keepends=True)
    assert empty.startswith("settings = {}")
    base, story = (
        data_dir() / "checkpoints" / "tinyworld-base",
        END + "Mia had a red kite. Tom had a blue drum. Mia",
    )
    model, tokenizer = pretrained.load(base)
    my_model = pretrained.export(tmp_path / "my_model", model, tokenizer, end_token=END)
    known = {"json": json, "pipeline": pipeline, "number": number, "world": World("en"), "END": END}
    known |= {"my_model": my_model, "mine_tokenizer": tokenizer, "STORY": story}
    known["whole"] = pipeline("text-generation", model=str(my_model))(
        story, max_new_tokens=60, do_sample=False
    )

    def run(**settings):
        capsys.readouterr()
        exec("".join(rest), known | {"settings": settings})
        return [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()]

    return run


def test_the_experiments_target_can_be_reached(experiment):
    (greedy,) = experiment(do_sample=False)  # told apart from a solution: nothing but the greedy story
    first, found = experiment(do_sample=False, num_beams=4)
    assert first == greedy
    assert float(found.removeprefix("log P ")) > float(greedy.removeprefix("log P "))
    assert experiment(do_sample=False, no_repeat_ngram_size=3)[1:] == ["log P of an impossible story"]
