"""Two processes make the steps of one: under torchrun with gloo, DDP and FSDP2, stopped and resumed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from llmasos_edu import checkpoint
from llmasos_edu.training import together

from .distributed_run import run

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One start of two processes for all tests: starting them is what takes time."""
    root = tmp_path_factory.mktemp("runs")
    run(root / "to-be-continued", stop=25)  # by one process, up to step 25
    jobs = [
        {"folder": root / "two"},
        {"folder": root / "split", "fsdp": True},
        {"folder": root / "stopped", "accumulate": 2, "stop": 25},
        {"folder": root / "split-stopped", "fsdp": True, "accumulate": 2, "stop": 25},
        {"folder": root / "to-be-continued"},
        {"folder": root / "adapter", "steps": 12, "lora_rank": 2},
        {"folder": root / "split-adapter", "steps": 12, "lora_rank": 2, "fsdp": True},
    ]
    for job in jobs:
        job["folder"].mkdir(exist_ok=True)
        job["folder"] = str(job["folder"])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = [str(HERE / "distributed_run.py"), json.dumps(jobs)]
    done = subprocess.run([*command, *script], capture_output=True, text=True, cwd=HERE.parent, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return root


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The losses and the folder of the one process."""
    folder = tmp_path_factory.mktemp("alone")
    return run(folder)[0], folder


def losses(folder):
    return json.loads((folder / "losses.json").read_text())[0]


@pytest.mark.parametrize("name", ["two", "split"])
def test_two_processes_give_the_losses_of_one(folders, alone, name):
    # the goal is 1e-5; sums over two halves round otherwise, and AdamW's steps carry that on
    assert losses(folders / name) == pytest.approx(alone[0], abs=1e-5)
    ours, theirs = (checkpoint.load(checkpoint.place(f, 50)) for f in (folders / name, alone[1]))
    assert ours.step == theirs.step
    for key, tensor in theirs.tensors.items():
        torch.testing.assert_close(ours.tensors[key], tensor, rtol=0, atol=1e-3)
    assert set(ours.optimizer_tensors) == set(theirs.optimizer_tensors)


@pytest.mark.parametrize("name", ["stopped", "split-stopped"])
def test_what_two_wrote_one_goes_on_with(folders, alone, name):
    found = json.loads((folders / name / "losses.json").read_text())
    assert found[1] == "callback"
    assert found[0] == pytest.approx(alone[0][:26], abs=1e-5)
    assert run(folders / name)[0] == pytest.approx(alone[0], abs=1e-5)


@pytest.mark.parametrize("name", ["adapter", "split-adapter"])
def test_two_processes_train_an_adapter_as_one_does(folders, tmp_path, name):
    assert losses(folders / name) == pytest.approx(run(tmp_path, steps=12, lora_rank=2)[0], abs=1e-5)
    ours, theirs = (checkpoint.load(checkpoint.place(f, 12)).tensors for f in (folders / name, tmp_path))
    for key, tensor in theirs.items():
        if ".lora." in key:
            torch.testing.assert_close(ours[key], tensor, rtol=0, atol=1e-3)
        else:
            assert torch.equal(ours[key], tensor)  # the base stands still


@pytest.mark.parametrize(("name", "card"), [("cuda", 1), ("cuda:3", 3)])
def test_each_process_takes_its_own_card(monkeypatch, name, card):
    """Without a card: what torch is asked for."""
    asked = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: asked.append(device))
    monkeypatch.setattr(dist, "init_process_group", lambda kind, device_id: asked.append((kind, device_id)))
    monkeypatch.setattr(dist, "destroy_process_group", lambda: asked.append("end"))
    with together(torch.device(name)):
        pass
    assert asked == [torch.device("cuda", card), ("nccl", torch.device("cuda", card)), "end"]


def test_what_one_wrote_two_go_on_with(folders, alone):
    assert losses(folders / "to-be-continued") == pytest.approx(alone[0], abs=1e-5)
