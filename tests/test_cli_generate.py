"""`llmasos-edu generate` with a tiny exported model: streamed text, checked numbers, help without torch."""

import dataclasses
import subprocess
import sys

import pytest
import torch
from typer.testing import CliRunner

from llmasos_edu import generation, pretrained
from llmasos_edu.cli import app
from llmasos_edu.generation import Decoding
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.tokenizer import Tokenizer


def run(*arguments):
    return CliRunner().invoke(app, ["generate", *arguments], env={"COLUMNS": "300"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tokenizer = Tokenizer.train("Mia had a red kite. 中文 " * 9, None, special_tokens=("<|end|>",))
    config = LlamaConfig.preset(
        "tinyworld", vocab_size=tokenizer.vocab_size, context_length=32, d_model=16, n_heads=2, n_kv_heads=1,
        d_head=8, n_layers=1, d_ff=16, init_std=0.5, embedding_std=0.5,
    )  # fmt: skip
    model = Llama(config, generator=torch.Generator().manual_seed(0)).eval()
    path = tmp_path_factory.mktemp("tiny") / "model"
    return pretrained.export(path, model, tokenizer, end_token="<|end|>")


def expected(folder, seed, n, **decoding):
    model, tokenizer = pretrained.load(folder)
    return generation.speak(
        model, tokenizer, "Mia had", max_new_tokens=n, decoding=Decoding(**decoding),
        generator=torch.Generator().manual_seed(seed), stop_tokens=[tokenizer.special_tokens["<|end|>"]],
    )  # fmt: skip


def test_it_writes_what_the_package_writes(folder):
    arguments = [str(folder), "Mia had", "--max-new-tokens", "12"]
    drawn = run(*arguments, "--seed", "3", "--temperature", "0.8", "--top-k", "40")
    assert (drawn.exit_code, drawn.output) == (0, expected(folder, 3, 12, temperature=0.8, top_k=40) + "\n")
    assert run(*arguments, "--seed", "3", "--temperature", "0.8", "--top-k", "40", "--no-stream").output == (
        drawn.output
    )
    greedy = run(*arguments, "--greedy")
    assert greedy.output == expected(folder, 0, 12, greedy=True) + "\n"
    assert run(*arguments, "--greedy", "--stop", greedy.output[2:5]).output == greedy.output[:2] + "\n"


def test_log_probs_are_a_table(folder):
    lines = run(str(folder), "Mia had", "--max-new-tokens", "3", "--log-probs").output.splitlines()
    assert lines[0].split() == ["token", "id", "log", "P", "P"]
    assert len(lines) == 6
    assert lines[-1].startswith("all ")


def test_it_slides_or_refuses(folder):
    arguments = [str(folder), "Mia had", "--max-new-tokens", "50", "--greedy"]
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "do not fit into the model's context of 32" in refused.stderr
    assert run(*arguments, "--overflow", "slide").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--temperature", "0"], "temperature must be above 0; for the likeliest token set greedy; got 0.0"),
        (["--top-p", "1.5"], "top_p must be at most 1; got 1.5"),
        (["--greedy", "--top-k", "3"], "greedy takes the likeliest token, which top_k cannot change"),
        (["--max-new-tokens", "0"], "max_new_tokens must be a whole number of at least 1; got 0"),
        (["--device", "cuda:99"], "device 'cuda:99' cannot be used here"),
        (["--chat"], "template"),
    ],
)
def test_wrong_values_say_what_is_allowed(folder, arguments, words):
    result = run(str(folder), "Mia had", *arguments)
    assert result.exit_code == 1
    assert words in result.stderr


def test_what_is_no_folder_and_what_is_no_prompt(folder, tmp_path):
    nothing = run(str(tmp_path / "nothing"), "Mia")
    assert (nothing.exit_code, nothing.stderr[:7]) == (1, "Error: ")
    empty = run(str(folder), "")
    assert empty.exit_code == 1
    assert "prompt 0 is empty" in empty.stderr
    assert run(str(folder), "Mia", "--overflow", "cut").exit_code == 2


def test_help_teaches_every_strategy_without_torch():
    code = (
        "import sys, typer.testing as t; from llmasos_edu.cli import app\n"
        "print(t.CliRunner().invoke(app, ['generate', '--help'], env={'COLUMNS': '300'}).output)\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for field in dataclasses.fields(Decoding):
        assert f"--{field.name.replace('_', '-')}" in done.stdout
        assert field.metadata["help"] in done.stdout
    assert "0 keeps all. (tokens)" in done.stdout
    assert "under the model itself (nats)." in done.stdout


@pytest.mark.real_llm
def test_the_real_llm_answers():
    result = run("smollm2", "What is the capital of France?", "--chat", "--greedy", "--max-new-tokens", "12")
    assert "Paris" in result.output
