"""On a CUDA card our code computes what it computes on a CPU: to be run by whoever has a card.

    pytest tests/test_cuda.py

Dropout is off: a card draws other numbers from a seed than a CPU does.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from llmasos_edu import checkpoint
from llmasos_edu import generation as g
from llmasos_edu.batches import Windows, consecutive_windows
from llmasos_edu.cli import app
from llmasos_edu.device import MAX_ERROR, pick_device, self_test
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.training import TrainConfig, evaluate, train

DEVICE = "cuda"
V, T = 31, 16
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA card here")

SIZE = {"vocab_size": V, "context_length": T, "d_model": 32, "n_heads": 4, "n_layers": 2, "d_ff": 48}
RECIPES = {
    "gpt": TrainConfig(steps=20, lr=3e-3, warmup=5, accumulate=2),
    "llama": TrainConfig(steps=20, lr=3e-3, optimizer="muon", accumulate=2),
}
STREAM = np.random.default_rng(0).integers(V, size=2_000) // 3 * 3 % V  # a third of the ids: to be learned


def new(kind, device):
    """The same weights everywhere: drawn on the CPU, then moved."""
    generator = torch.Generator().manual_seed(0)
    if kind == "gpt":
        return GPT(GPTConfig(**SIZE), generator=generator).to(device)
    options = {"qk_norm": "plain", "activation": "relu2", "tied": False, "zero_projections": True}
    return Llama(LlamaConfig(**SIZE, n_kv_heads=2, d_head=8, **options), generator=generator).to(device)


def batches():
    return Windows(STREAM, batch_size=8, context_length=T, seed=0)


@pytest.fixture(scope="module", params=["gpt", "llama"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def learned(kind):
    """A model trained on the CPU, and its history."""
    model = new(kind, "cpu")
    windows = list(consecutive_windows(STREAM, T, 16))
    return model, train(model, batches(), RECIPES[kind], validation=windows)


def test_the_card_passes_the_self_test_of_devices():
    assert pick_device().type == DEVICE
    assert self_test(torch.device(DEVICE)) < MAX_ERROR


def test_losses_of_20_steps_are_those_of_the_cpu(kind, learned):
    windows = list(consecutive_windows(STREAM, T, 16))
    model = new(kind, DEVICE)
    history = train(model, batches(), RECIPES[kind], validation=windows)
    # float32 sums in another order differ by 1e-6 of their size; 20 steps of AdamW, whose first ones take a
    # gradient's sign more than its size, may make that a thousand times as much
    assert history.losses == pytest.approx(learned[1].losses, rel=1e-3)
    assert history.validation["loss"] == pytest.approx(learned[1].validation["loss"], rel=1e-3)
    assert evaluate(model, windows) == pytest.approx(history.validation["loss"][-1], rel=1e-5)
    assert history.losses[-1] < history.losses[0] - 0.3


def test_bfloat16_is_near_float32(kind, learned):
    model = new(kind, DEVICE)
    history = train(model, batches(), RECIPES[kind].replace(dtype="bfloat16"))
    # bfloat16 keeps 8 bits: 0.4 % a product, and the loss averages over them
    assert history.losses == pytest.approx(learned[1].losses, rel=0.02)
    assert all(p.dtype == torch.float32 and p.device.type == DEVICE for p in model.parameters())


def test_a_compiled_run_is_near_too(kind, learned):
    """Takes a minute; in a process of its own: torch.compile cannot read what checks our shapes here."""
    code = (
        "import json, sys; from tests import test_cuda as t\n"
        "kind, device = sys.argv[1:]\n"
        "history = t.train(t.new(kind, device), t.batches(), t.RECIPES[kind].replace(compile=True))\n"
        "print(json.dumps(history.losses))"
    )
    command = [sys.executable, "-c", code, kind, DEVICE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert done.returncode == 0, done.stderr[-2000:]
    losses = json.loads(done.stdout.splitlines()[-1])
    assert losses == pytest.approx(learned[1].losses, rel=1e-3)  # as above


def test_a_stopped_run_goes_on_as_if_never_stopped(kind, tmp_path):
    config = RECIPES[kind]
    whole = train(new(kind, DEVICE), batches(), config)
    train(new(kind, DEVICE), batches(), config, run_dir=tmp_path, callbacks=[lambda e: e.step == 7])
    assert checkpoint.load(checkpoint.latest(tmp_path)).step == 7
    resumed = train(new(kind, DEVICE), batches(), config, run_dir=tmp_path)
    # not bitwise, as on a CPU: a card adds up the gradients of an embedding in any order
    assert resumed.losses == pytest.approx(whole.losses, rel=1e-4)
    on_cpu = train(new(kind, "cpu"), batches(), config.replace(steps=22), run_dir=tmp_path)
    assert on_cpu.steps[-1] == 22  # what a card wrote, a CPU goes on with


@pytest.mark.parametrize("use_cache", [False, True])
def test_it_writes_what_it_writes_on_the_cpu(kind, learned, use_cache):
    prompts = [[3, 6, 9], [12], [0, 15, 18, 21, 24]]
    there = new(kind, DEVICE)
    there.load_state_dict(learned[0].state_dict())
    for decoding in (g.Decoding(greedy=True), g.Decoding(temperature=0.8, top_p=0.9)):
        how = {"max_new_tokens": 10, "decoding": decoding, "use_cache": use_cache, "log_probs": True}
        here, found = (
            g.generate(m, prompts, generator=torch.Generator().manual_seed(1), **how)
            for m in (learned[0], there)
        )
        assert [row.ids for row in found] == [row.ids for row in here]
        for a, b in zip(found, here, strict=True):
            assert a.log_probs == pytest.approx(b.log_probs, abs=1e-3)  # float32, a few layers
    here, found = (g.beam_search(m, prompts[0], 3, max_new_tokens=6) for m in (learned[0], there))
    assert [beam.ids for beam in found] == [beam.ids for beam in here]


def test_looking_inside_works_there(kind, learned):
    there = new(kind, DEVICE)
    there.load_state_dict(learned[0].state_dict())
    ids = torch.tensor([[3, 6, 9, 12]])
    weights, streams = there.attention_weights(ids.to(DEVICE)), there.residual_streams(ids.to(DEVICE))
    torch.testing.assert_close(weights.cpu(), learned[0].attention_weights(ids), rtol=1e-3, atol=1e-4)
    expected = learned[0].residual_streams(ids)
    torch.testing.assert_close(streams["final"].cpu(), expected["final"], rtol=1e-3, atol=1e-3)
    with there.heads_off({(0, 1)}), torch.no_grad():
        off = there(ids.to(DEVICE))
    with learned[0].heads_off({(0, 1)}), torch.no_grad():
        torch.testing.assert_close(off.cpu(), learned[0](ids), rtol=1e-3, atol=1e-3)


def test_weights_drawn_on_the_card_stay_there():
    model = GPT(GPTConfig(**SIZE), generator=torch.Generator(DEVICE).manual_seed(0))
    assert {p.device.type for p in model.parameters()} == {DEVICE}
    assert model.position.weight.std().item() == pytest.approx(0.02, rel=0.1)  # of 512 numbers


def test_the_command_trains_there(tmp_path):
    small = ("--d-model", "16", "--d-ff", "16", "--n-layers", "1", "--d-head", "4", "--batch-size", "4")
    done = CliRunner().invoke(
        app,
        [
            "train",
            *small,
            "--steps",
            "2",
            "--device",
            DEVICE,
            "--dtype",
            "bfloat16",
            "--run-dir",
            str(tmp_path),
        ],
    )
    assert done.exit_code == 0, done.output
    assert f"on {DEVICE}" in done.output
