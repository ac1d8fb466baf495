"""`llmasos-edu finetune`: a task or one's own chats, parts that learn, a run that goes on, a folder out."""

import dataclasses
import json
import re

import pytest
import torch
import transformers
from typer.testing import CliRunner

from llmasos_edu import checkpoint, pretrained, real_llm
from llmasos_edu.cli import app
from llmasos_edu.cli.finetune import Job, folder_of
from llmasos_edu.finetuning import Practice
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.training import TrainConfig

FEW = ("--device", "cpu", "--batch-size", "2", "--save-every", "1", "--evaluate-every", "2")


def finetune(*arguments):
    return CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, ["finetune", *map(str, arguments)])


@pytest.fixture
def chats(tmp_path):
    path = tmp_path / "chats.jsonl"
    talk = [
        {"role": "user", "content": "What colour is the kite?"},
        {"role": "assistant", "content": "It is red."},
    ]
    path.write_text(f"{json.dumps({'messages': talk})}\n" * 12)
    return path


def test_every_setting_is_a_flag():
    words = " ".join(finetune("--help").output.replace("│", " ").split())
    for field in (f for config in (Job, Practice, TrainConfig) for f in dataclasses.fields(config)):
        assert "--" + field.name.replace("_", "-") in words
    assert "examples a step, over all processes (examples)" in words


@pytest.mark.parametrize("task", ["question_answering", "translation"])
def test_a_task_is_learned_and_the_same_command_goes_on(tmp_path, task):
    begin = (*FEW, "--task", task, "--language", "zh", "--run-dir", tmp_path / "run", "--replay", 0.5)
    first = finetune(*begin, "--steps", 1)
    assert first.exit_code == 0, first.output
    assert "982,720 of 982,720 parameters learn" in first.output
    second = finetune(*begin, "--steps", 2)
    assert second.exit_code == 0, second.output
    assert "step 2: " in second.output
    assert "step 0: " not in second.output
    assert checkpoint.latest(tmp_path / "run").name == "step-00000002"
    other = finetune(*begin, "--learn", "head")
    assert other.exit_code == 1
    assert "began otherwise: learn was 'all', now 'head'" in other.output


@pytest.mark.parametrize("learn", ["last block", "head", "norms", "lora"])
def test_only_a_part_learns_and_the_model_leaves_as_a_folder(tmp_path, chats, learn):
    run = tmp_path / "run"
    done = finetune(
        *FEW, "--task", chats, "--run-dir", run, "--learn", learn, "--packed", "--steps", 2, "--lr", 0.01
    )
    assert done.exit_code == 0, done.output
    model, _ = pretrained.load(run / "model")
    base, _ = pretrained.load(folder_of("tinyworld-base"))
    was = dict(base.named_parameters())
    moved = {name for name, p in model.named_parameters() if not p.equal(was[name])}
    assert moved
    if learn == "lora":
        assert {name.split(".")[-2] for name in moved} == {"qkv"}
        assert (run / "adapter" / "adapter_model.safetensors").is_file()
    else:
        wanted = {"last block": ("blocks.4.", "norm.", "head."), "head": ("head.",), "norms": ("",)}[learn]
        assert all(name.startswith(wanted) for name in moved)
    theirs = transformers.AutoTokenizer.from_pretrained(run / "model")
    assert theirs.apply_chat_template([{"role": "user", "content": "Hello"}], tokenize=False).startswith(
        "<|end|><|user|>"
    )


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--task", "poetry"), "task must be translation, summarization, .* a .jsonl file; got 'poetry'"),
        (("--task", "none.jsonl"), "there is no file none.jsonl"),
        (("--rank", 0), "rank must be at least 1"),
        (("--replay", 1), "replay must be"),
        (("--model", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, flags, said):
    done = finetune(*FEW, "--run-dir", tmp_path / "run", "--steps", 1, *flags)
    assert done.exit_code == 1
    (line,) = [line for line in done.output.splitlines() if line.startswith("Error: ")]
    assert re.search(said, line), line


@pytest.mark.skipif(not real_llm.present(), reason="the real LLM has not been fetched")
def test_a_model_with_marks_of_its_own_learns_by_its_template(tmp_path, chats):
    """The real LLM's tokenizer and template, over a model so small that it is quickly written."""
    tokenizer = pretrained.load_tokenizer(real_llm.folder())
    template, marks = pretrained.chat_template(real_llm.folder())
    config = LlamaConfig(
        vocab_size=tokenizer.vocab_size,
        context_length=512,
        d_model=8,
        n_heads=1,
        n_kv_heads=1,
        d_head=8,
        d_ff=8,
    )
    small = Llama(config, generator=torch.Generator().manual_seed(0))
    pretrained.export(
        tmp_path / "base", small, tokenizer, end_token=marks["eos_token"], chat_template=template
    )
    run, own = tmp_path / "run", ("--task", chats, "--model", tmp_path / "base", "--steps", 1)
    done = finetune(*FEW, *own, "--learn", "lora", "--rank", 1, "--run-dir", run)
    assert done.exit_code == 0, done.output
    asked = [{"role": "user", "content": "Hello"}]
    assert pretrained.chat(run / "model", asked) == pretrained.chat(real_llm.folder(), asked)
    for task in ("question_answering", "translation"):  # asked by its template too
        asked_it = ("evaluate", str(run / "model"), "--task", task, "--items", "2", "--device", "cpu")
        told = CliRunner().invoke(app, asked_it)
        assert told.exit_code == 0, told.output
        assert "what is wrong (2 items)" in told.output
    refused = finetune(*FEW, *own, "--replay", 0.1, "--run-dir", tmp_path / "other")
    assert "only TinyWorld's models have learned; take 0" in refused.output
    everything = finetune(*FEW, *own, "--counts", "everything", "--run-dir", tmp_path / "other")
    assert "counts must be 'answers' where a folder's own template" in everything.output
