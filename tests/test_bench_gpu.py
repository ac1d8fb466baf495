"""The parts of the GPU's measurement in miniature, on a CPU; and what it says where there is no card."""

import json

import pytest
import torch

from benchmarks import __main__ as bench
from benchmarks import bench_gpu, bench_speed
from benchmarks.bench_speed import Recipe, Text
from llmasos_edu.gpt import GPTConfig
from llmasos_edu.training import History, TrainConfig

CPU = torch.device("cpu")
TINY = GPTConfig(65, context_length=8, d_model=16, n_heads=2, n_layers=1, d_ff=32, bias=False)


@pytest.fixture
def text(tmp_path):
    (tmp_path / "text.txt").write_text("to be or not to be, that is the question. " * 40)
    return Text(str(tmp_path / "text.txt"), context_length=8)


def test_without_a_card_it_says_so_and_is_no_failure(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("LOG", raising=False)
    monkeypatch.delenv("ONLY", raising=False)
    assert bench.main(["gpu"]) == 0
    said = capsys.readouterr()
    assert "no CUDA card here: nothing was measured" in said.err
    assert json.loads(said.out.splitlines()[-1])["result"]["gpu"] is None
    monkeypatch.setenv("ONLY", "race tennis")
    assert bench.main(["gpu"]) == 1
    assert "phases of gpt2_small, race; got tennis" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", 989),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA H200", 989),
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A100-PCIE-40GB", 312),
        ("NVIDIA L4", 121),
        ("NVIDIA L40S", 362),
        ("NVIDIA GeForce RTX 4090", 165),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
        ("NVIDIA A10G", None),
        ("NVIDIA A100-SXM4-80GB MIG 1g.10gb", None),
        ("Tesla T4", None),
    ],
)
def test_the_peak_of_a_card_by_its_name(name, teraflops):
    assert bench_gpu.peak_flops(name) == (teraflops and teraflops * 1e12)


def test_compiling_is_what_the_first_steps_took_beyond_a_usual_one():
    # forward and backward 0 with 30 s of compiling, then steps of 2 s; one hiccup changes no median
    seconds = [32.0, 34.0, 36.0, 38.0, 40.0, 42.0, 49.0, 51.0, 53.0, 55.0]
    assert bench_gpu.step_seconds(History(seconds=seconds)) == (2, 30)
    assert bench_gpu.step_seconds(History(seconds=[2.0, 4.0, 6.0, 8.0, 10.0])) == (2, 0)


def test_share_of_peak_is_flops_over_time():
    training = TrainConfig(steps=6, evaluate_every=6)
    found = bench_gpu.near_the_peak(TINY, 4, CPU, training, peak=1e12)
    # by hand: 2 FLOPs a weight of each product, (16·48 + 16·16 + 2·16·32 + 16·65), and 4·16·8 of attention;
    # three times that with the backward pass
    flops = 3 * (2 * (16 * 48 + 16 * 16 + 2 * 16 * 32 + 16 * 65) + 4 * 16 * 8)
    assert found["TFLOP_per_s"] * 1e12 == pytest.approx(found["tokens_per_s"] * flops, rel=1e-3)
    assert found["share_of_peak"] == pytest.approx(found["TFLOP_per_s"], rel=1e-2)  # of a peak of 1 TFLOP/s
    assert found["tokens_per_s"] == pytest.approx(4 * 8 / (found["ms_a_step"] / 1e3), rel=1e-2)
    unknown = bench_gpu.near_the_peak(TINY, 4, CPU, training, peak=None)
    assert unknown["share_of_peak"] is None
    assert unknown["TFLOP_per_s"] > 0


def test_a_batch_that_fits():
    from llmasos_edu.costs import activation_bytes, parameters

    weights, row = 16 * parameters(TINY), activation_bytes(TINY, 1, 8)
    assert [bench_gpu.rows_that_fit(TINY, weights + n * row) for n in (1, 3, 8, 1000)] == [1, 2, 8, 32]
    with pytest.raises(RuntimeError, match="does not fit"):
        bench_gpu.rows_that_fit(TINY, weights)
    assert bench_gpu.rows_that_fit(bench_gpu.SMALL, 79 * 10**9) == 32  # an 80 GB card


@pytest.fixture
def classic():
    return Recipe(TINY, TrainConfig(steps=60, lr=1e-3, evaluate_every=20), 4)


@pytest.fixture
def fast():
    small = {"context_length": 8, "d_model": 16, "n_heads": 2, "n_kv_heads": 2, "d_head": 8, "d_ff": 32}
    model = bench_speed.FAST.model.replace(n_layers=1, **small)
    return Recipe(model, bench_speed.FAST.training.replace(steps=60, evaluate_every=5), 4)


def test_the_race_of_the_cpu_in_miniature(text, classic, fast, monkeypatch):
    monkeypatch.setattr(bench_speed, "CLASSIC", classic)
    monkeypatch.setattr(bench_speed, "FAST", fast)
    monkeypatch.setattr(bench_speed, "Text", lambda path, context_length: text)
    found = bench_speed.run((0, 1))
    assert found["ratio"] == sum(f["ratio"] for f in found["seeds"].values()) / 2  # the median of two
    assert found["seeds"]["0"]["fast_last_loss"] < found["seeds"]["0"]["classic_loss"]
    assert json.loads(json.dumps(found))["recipe"]["optimizer"] == "muon"


def test_a_race_in_miniature(text, classic, fast):
    found = bench_gpu.race(classic, fast, text, 0, CPU)
    assert found["ratio"] == pytest.approx(
        found["classic_seconds"] / found["fast_seconds"], rel=0.05, abs=0.01
    )  # of milliseconds
    assert found["fast_last_loss"] < found["classic_loss"]
    assert found["ratio_to_best"] > 0
    never = bench_gpu.race(
        classic, Recipe(fast.model, fast.training.replace(muon_lr=0.0, lr=0.0), 4), text, 0, CPU
    )
    assert never["ratio"] == never["ratio_without_compiling"] == 0
    assert never["fast_seconds"] is None
    ended = bench_gpu.race(classic, fast, text, 0, CPU, limit=0.0)
    assert ended["ratio"] is None
    assert "the limit is 0 s" in ended["why"]


def test_the_settings_are_nanogpts():
    """config/train_shakespeare_char.py and, for what it leaves as it is, train.py's defaults."""
    model, training = bench_gpu.GPU_CLASSIC.model, bench_gpu.GPU_CLASSIC.training
    assert (model.n_layers, model.n_heads, model.d_model, model.context_length) == (6, 6, 384, 256)
    assert (model.dropout, model.bias, bench_gpu.GPU_CLASSIC.batch_size) == (0.2, False, 64)
    assert (training.steps, training.lr, training.lr * training.final) == (5000, 1e-3, 1e-4)
    assert (training.warmup, training.betas, training.weight_decay) == (100, (0.9, 0.99), 0.1)
    assert (training.clip, training.compile, training.dtype) == (1.0, True, "bfloat16")
