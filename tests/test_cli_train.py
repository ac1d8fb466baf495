"""`llmasos-edu train`: help made of the configs, a run that goes on, and what it refuses in one line."""

import dataclasses
import json

import pytest
from typer.testing import CliRunner

from llmasos_edu import checkpoint
from llmasos_edu.cli import app
from llmasos_edu.token_files import write_tokens
from llmasos_edu.tokenizer import Tokenizer
from llmasos_edu.training import TrainConfig

SMALL = ("--d-model", "16", "--d-ff", "16", "--n-layers", "1", "--d-head", "4", "--batch-size", "4")
GPT = ("--model", "gpt:tiny", "--d-model", "16", "--d-ff", "16", "--n-layers", "1", "--context-length", "8")


def train(*arguments):
    return CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, ["train", *map(str, arguments)])


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "my.txt"
    path.write_text("To be, or not to be, that is the question. " * 40)
    return path


def test_every_setting_is_a_flag_with_its_help_and_unit():
    words = " ".join(train("--help").output.replace("│", " ").split())
    for field in dataclasses.fields(TrainConfig):
        assert "--" + field.name.replace("_", "-") in words
    assert "how often the weights are changed (steps)" in words
    assert "[default: 400]" in words
    assert "--n-kv-heads" in words
    assert "--run-dir" in words


def test_a_run_on_stories_and_the_same_command_again(tmp_path):
    begin = (*SMALL, "--run-dir", tmp_path / "run", "--device", "cpu", "--save-every", 2)
    first = train(*begin, "--steps", 2)
    assert first.exit_code == 0, first.output
    assert "step 2: " in first.output
    assert "above" in first.output
    second = train(*begin, "--steps", 3, "--clip", "none")
    assert second.exit_code == 0, second.output
    assert "step 0: " not in second.output
    assert checkpoint.latest(tmp_path / "run").name == "step-00000003"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"] == ["tinyworld"]
    other = train(*begin, "--data", "tinyworld-zh")
    assert other.exit_code == 1
    assert "began otherwise: data was ['tinyworld'], now ['tinyworld-zh']" in other.output


def test_a_run_on_ones_own_text(tmp_path, text):
    done = train(*GPT, "--data", text, "--vocab-size", 260, "--run-dir", tmp_path / "run", "--steps", 2)
    assert done.exit_code == 0, done.output
    assert "260 tokens" in done.output
    assert Tokenizer.load(tmp_path / "run" / "tokenizer.txt").vocab_size == 260


def test_a_text_in_another_encoding(tmp_path):
    (tmp_path / "gbk.txt").write_bytes("米娅有一只红色的风筝。\n\n".encode("gbk") * 40)
    data = (*GPT, "--data", tmp_path / "gbk.txt", "--run-dir", tmp_path / "run", "--steps", 1)
    refused = train(*data)
    assert refused.exit_code == 1
    assert "encoding='gb18030' reads '米娅有一只红色的风筝。'" in refused.output
    done = train(*data, "--encoding", "gb18030", "--vocab-size", 270)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stepz", 3], "No such option: --stepz"),
        (["--optimizer", "sgd"], "'sgd' is not one of 'adamw', 'muon'"),
        (["--steps", 0], "steps must be at least 1"),
        (["--clip", "x"], "clip must be a number or 'none'; got 'x'"),
        (["--model", "gpt:huge"], "model must be one of gpt:tiny, gpt:small"),
        (["--model", "gpt:tiny", "--n-kv-heads", 2], "gpt has no --n-kv-heads"),
        (["--device", "cuda:99"], "device 'cuda:99' cannot be used here"),
        (["--n-heads", 3, "--n-kv-heads", 2], "n_kv_heads must divide n_heads"),
        (["--vocab-size", 77], "must have one vocabulary: the tokenizer has"),
        (["--data", "nowhere.txt"], "corpus must be one of"),
        (["--tokenizer", "nowhere"], "tokenizer must be own or a saved tokenizer"),
    ],
)
def test_what_it_refuses_in_one_line(tmp_path, arguments, words):
    done = train("--run-dir", tmp_path / "run", *arguments)
    assert done.exit_code in (1, 2)
    assert words in " ".join(done.output.replace("│", " ").split())
    assert "Traceback" not in done.output
    assert not (tmp_path / "run" / "run.json").exists()  # so the right command may take the same folder


def test_a_text_shorter_than_one_context(tmp_path):
    (tmp_path / "short.txt").write_text("To be or not to be")
    done = train(*GPT, "--data", tmp_path / "short.txt", "--run-dir", tmp_path / "run", "--vocab-size", 257)
    assert done.exit_code == 1
    assert "the text is shorter than one context" in done.output


def test_a_token_file_of_another_vocabulary(tmp_path):
    write_tokens(tmp_path / "a.tokens", [1, 2, 3] * 60, 50)
    data = (*GPT, "--data", tmp_path / "a.tokens", "--run-dir", tmp_path / "run", "--steps", 1)
    done = train(*data, "--vocab-size", 51)
    assert done.exit_code == 1
    assert "must have one vocabulary: the token file" in done.output
    Tokenizer.train("", 256).save(tmp_path / "bytes.txt")
    assert "has 50; got 256" in train(*data, "--tokenizer", tmp_path / "bytes.txt").output
    assert train(*data).exit_code == 0
