"""The shipped checkpoint's recipe, with a model and a run of almost nothing."""

import json
import math

import pytest
import torch

from benchmarks import make_checkpoint as recipe
from llmasos_edu import checkpoint, evaluation, pretrained
from llmasos_edu.files import data_dir
from llmasos_edu.tinyworld import World


@pytest.fixture
def small(monkeypatch):
    """A model of almost nothing, four stories a step."""
    sizes = {
        "context_length": 112,
        "d_model": 16,
        "n_heads": 2,
        "n_kv_heads": 2,
        "n_layers": 1,
        "d_head": 8,
        "d_ff": 16,
    }
    monkeypatch.setattr(recipe, "MODEL", recipe.MODEL | sizes)
    monkeypatch.setattr(recipe, "BATCH", 4)
    monkeypatch.setattr(recipe, "CONTEXT", 112)  # a story has at most 101 words
    monkeypatch.setattr(recipe, "TOLD", 4)
    return recipe.RECIPE.replace(steps=4, evaluate_every=2, save_every=1)


def test_stories_take_turns_and_each_word_is_a_token():
    stories = recipe.Stories()
    for i in (6, 7):
        told = World(("en", "zh")[i % 2]).story(i)
        assert stories(i) == stories.tokenizer.encode(told.text)


def test_an_untrained_model_is_as_far_above_the_floor_as_arithmetic_says():
    stories = recipe.Stories()
    v = stories.tokenizer.vocab_size

    class Uniform(torch.nn.Linear):
        def forward(self, ids):
            return torch.zeros(*ids.shape, v)

    found = recipe.Examination(stories, 5)(Uniform(1, 1))
    for language in ("en", "zh"):
        told = World(language).validation(5)
        nats = sum((len(s.words) + 1) * math.log(v) - s.nats for s in told) / 5 - math.log(2)
        assert found[f"above {language}"] == pytest.approx(nats, rel=1e-5)  # float32
        assert found[f"P {language}"] == pytest.approx(1 / v)


def test_it_trains_stops_goes_on_and_ships(small, tmp_path):
    folder, run_dir = tmp_path / "base", tmp_path / "run"
    recipe.make(folder, run_dir, small, curve=3, last=4, samples=6)
    model, tokenizer = pretrained.load(folder)
    trained = checkpoint.load(checkpoint.latest(run_dir))
    assert trained.step == 4
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, trained.tensors[name].half().float()), name
    assert tokenizer.encode("Mia had") == recipe.Stories().tokenizer.encode("Mia had")
    assert json.loads((folder / "config.json").read_text())["model_type"] == "qwen3"
    said = (folder / "README.md").read_text(encoding="utf-8")
    assert "4 steps of 4 stories" in said
    curve = json.loads((folder / "curve.json").read_text())
    assert [point["step"] for point in curve["run"]] == [0, 2, 4]
    assert curve["gap"] == pytest.approx((curve["reached"]["above en"] + curve["reached"]["above zh"]) / 2)
    by_temperature = {row["temperature"]: row["n"] for row in curve["tales"] if row["language"] == "both"}
    assert by_temperature == {1.0: 6, 0.8: 6, 0.5: 6}
    # a model of almost nothing tells nonsense, all of it new
    assert all(row["possible"] == 0 and row["new"] == row["n"] for row in curve["tales"])
    assert "none of the 16 stories" in said.replace("\n", " ")
    made = {name: (folder / name).read_bytes() for name in ("model.safetensors", "curve.json")}
    recipe.make(folder, run_dir, small, curve=3, last=4, samples=6)  # the run is done: it is shipped again
    assert made == {name: (folder / name).read_bytes() for name in made}  # the card's seconds may grow by one


def test_the_shipped_checkpoint_tells_what_its_card_says():
    base = data_dir() / "checkpoints" / "tinyworld-base"
    curve = json.loads((base / "curve.json").read_text(encoding="utf-8"))
    for row in curve["tales"]:
        assert set(row["kinds"]) <= set(evaluation.KINDS)
        assert sum(row["kinds"].values()) == row["n"] - row["possible"]
        if row["temperature"] == 1 and row["language"] == "both":
            counted, n = row["n"] - row["possible"], row["n"]
    most = evaluation.most_impossible(curve["gap"])
    assert evaluation.wilson(counted, n, 0.999)[0] <= most
    # told again, fewer and other draws: within what chance allows of the card (p < 0.001)
    model, tokenizer = pretrained.load(base)
    texts = evaluation.sample_stories(model, tokenizer, 60, generator=torch.Generator().manual_seed(99))
    found = evaluation.tally(evaluation.judge(texts, World("en").both()))
    low, high = evaluation.wilson(found.possible, found.n, 0.999)
    assert low <= 1 - counted / n <= high
