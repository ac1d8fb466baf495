"""Checkpoints: bitwise back, complete or not there, and every damage told before a tensor is read."""

import errno
import json
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass

import pytest
import safetensors
import torch
from torch import nn

from llmasos_edu import checkpoint
from llmasos_edu.config import Config, setting


@dataclass(frozen=True)
class NetConfig(Config):
    width: int = setting(3, "width", "numbers", least=1)


class Net(nn.Module):
    """Tied weights, a transposed parameter, another dtype and a buffer."""

    def __init__(self, width=3, bias=True):
        super().__init__()
        generator = torch.Generator().manual_seed(width)
        self.embed = nn.Embedding(5, width)
        self.head = nn.Linear(width, 5, bias=bias)
        self.head.weight = self.embed.weight
        self.turned = nn.Parameter(torch.zeros(width, 2).T)
        self.small = nn.Parameter(torch.zeros(2, dtype=torch.bfloat16))
        self.register_buffer("count", torch.tensor(7))
        for p in self.parameters():
            p.data.copy_(torch.randn(p.shape, generator=generator))


def save(folder, step=5, net=None, **more):
    return checkpoint.save(folder, model=net or Net(), config=NetConfig(3), step=step, **more)


def files(folder):
    return {f.name: f.read_bytes() for f in folder.iterdir()}


def test_it_comes_back_bit_for_bit(tmp_path):
    net, momentum = Net(), torch.randn(40, generator=torch.Generator().manual_seed(1))[::2]
    folder = save(
        tmp_path / "run" / "a",
        net=net,
        optimizer_state={"embed.weight/m": momentum},
        extra={"tokens": 12, "中": [1.5]},
    )
    found = checkpoint.load(folder)
    assert (found.step, found.config_kind, found.extra) == (5, "NetConfig", {"tokens": 12, "中": [1.5]})
    assert NetConfig.from_json(found.config_json) == NetConfig(3)
    other = Net()
    for p in other.parameters():
        p.data.zero_()
    checkpoint.restore(other, found)
    for name, tensor in net.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name
        assert other.state_dict()[name].dtype == tensor.dtype
    assert other.head.weight is other.embed.weight
    assert torch.equal(found.optimizer_tensors["embed.weight/m"], momentum)


def test_others_read_the_files_and_tied_weights_lie_there_once(tmp_path):
    folder = save(tmp_path / "a")
    with safetensors.safe_open(folder / "model.safetensors", "pt") as file:
        assert set(file.keys()) == {"embed.weight", "head.bias", "turned", "small", "count"}
    assert json.loads((folder / "config.json").read_text()) == {"width": 3}
    assert sorted(files(folder)) == ["checkpoint.json", "config.json", "model.safetensors"]
    assert checkpoint.load(folder).optimizer_tensors == {}


def test_whoever_may_read_the_folder_may_read_the_weights(tmp_path):
    folder = save(tmp_path / "a")
    (tmp_path / "usual").touch()
    assert {f.stat().st_mode for f in folder.iterdir()} == {(tmp_path / "usual").stat().st_mode}


def test_tensors_by_name_will_do_for_a_model(tmp_path):
    folder = checkpoint.save(tmp_path / "a", model={"w": torch.ones(2)}, config=NetConfig(), step=1)
    assert checkpoint.load(folder).tensors["w"].tolist() == [1, 1]


def test_each_tensor_that_does_not_fit_is_named(tmp_path):
    found = checkpoint.load(save(tmp_path / "a"))
    tensors = {name: t for name, t in found.tensors.items() if name != "count"} | {"odd": torch.ones(1)}
    tensors["turned"] = torch.ones(2, 4)
    net = Net()
    before = {name: t.clone() for name, t in net.state_dict().items()}
    with pytest.raises(
        ValueError, match=r"missing: count; not in the model: odd; of another shape: turned: ex"
    ):
        checkpoint.restore(net, checkpoint.Checkpoint(1, "", "", tensors, {}, {}))
    assert all(torch.equal(before[name], t) for name, t in net.state_dict().items())
    with pytest.raises(
        ValueError, match=r"embed.weight: expected \(5, 4\), got \(5, 3\), head.weight: expected"
    ):
        checkpoint.restore(Net(4), found)


def test_every_damage_is_told_before_a_tensor_is_read(tmp_path, monkeypatch):
    folder = save(tmp_path / "a", optimizer_state={"m": torch.ones(3)})
    monkeypatch.setattr(safetensors.torch, "load_file", lambda *a: pytest.fail("a damaged file was read"))
    for name, raw in files(folder).items():
        for at in {0, len(raw) // 2, len(raw) - 3}:
            (folder / name).write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
            with pytest.raises(ValueError, match=rf"damaged: {name} |must be a llmasos-edu checkpoint"):
                checkpoint.load(folder)
        (folder / name).write_bytes(raw[:-4])
        with pytest.raises(ValueError, match=rf"damaged: {name} (must have|cannot be read)"):
            checkpoint.load(folder)
        if name != "checkpoint.json":
            (folder / name).unlink()
            with pytest.raises(ValueError, match=rf"damaged: {name} is missing"):
                checkpoint.load(folder)
        (folder / name).write_bytes(raw)


class Bomb:
    def __reduce__(self):
        return os._exit, (3,)


def test_a_pickle_is_refused_unread(tmp_path):
    torch.save(Bomb(), tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"model\.pt holds pickled weights.*it was not read"):
        checkpoint.load(tmp_path / "model.pt")
    (tmp_path / "a").mkdir()
    for protocol in range(2, 6):
        (tmp_path / "a" / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(), protocol=protocol))
        with pytest.raises(ValueError, match=r"pytorch_model\.bin holds pickled weights"):
            checkpoint.load(tmp_path / "a")
    folder = save(tmp_path / "b")
    (folder / "model.safetensors").write_bytes((tmp_path / "model.pt").read_bytes())
    with pytest.raises(ValueError, match=r"model\.safetensors holds pickled weights"):
        checkpoint.load(folder)


def test_foreign_and_absent_checkpoints(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        checkpoint.load(tmp_path / "none")
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "config.json").write_text('{"model_type": "llama"}')
    for path in (tmp_path / "hf", tmp_path / "hf" / "config.json"):
        with pytest.raises(ValueError, match=r"no checkpoint of this project.*llmasos_edu\.pretrained"):
            checkpoint.load(path)
    folder = save(tmp_path / "a")
    about = folder / "checkpoint.json"
    about.write_text(about.read_text().replace('"version": 1', '"version": 9'))
    with pytest.raises(ValueError, match="of version 1; got llmasos-edu checkpoint of version 9"):
        checkpoint.load(folder)


def test_what_is_no_tensor_or_no_json_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(TypeError, match="lr must be a tensor; got float"):
        save(tmp_path / "a", optimizer_state={"lr": 0.1})
    with pytest.raises(TypeError, match="JSON serializable"):
        save(tmp_path / "a", extra={"x": {1, 2}})
    with pytest.raises(ValueError, match="Out of range float"):
        save(tmp_path / "a", extra={"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, signal, sys, torch
from llmasos_edu import checkpoint
from llmasos_edu.config import Config
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
checkpoint.save(sys.argv[1], model={"w": torch.ones(1000)}, config=Config(), step=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # no file may pass 2,000 bytes: the disk refuses
try:
    checkpoint.save(sys.argv[1], model={"w": torch.zeros(1000)}, config=Config(), step=2)
except OSError as e:
    print(e)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on a file's size is POSIX")
def test_a_disk_that_refuses_midway_leaves_the_old_checkpoint(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "a")], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"[Errno {errno.EFBIG}] File too large")
    assert [f.name for f in tmp_path.iterdir()] == ["a"]
    found = checkpoint.load(tmp_path / "a")
    assert (found.step, found.tensors["w"].sum().item()) == (1, 1000)


@pytest.mark.parametrize("said", ["I/O error: No space left on device (os error 28)", None])
def test_a_full_disk_is_an_oserror_and_leaves_the_old_checkpoint(tmp_path, monkeypatch, said):
    folder = save(tmp_path / "a")
    before = files(folder)

    def full(tensors, path, metadata):
        path.write_bytes(b"half")
        raise safetensors.SafetensorError(said) if said else OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(OSError, match="No space left") as refused:
        save(folder, step=6)
    assert refused.value.errno == errno.ENOSPC
    assert files(folder) == before
    assert [f.name for f in tmp_path.iterdir()] == ["a"]


def test_latest_passes_over_what_is_unfinished(tmp_path):
    assert checkpoint.latest(tmp_path) is None
    for step in (9, 10, 100_000_000):
        save(checkpoint.place(tmp_path, step), step)
    assert checkpoint.latest(tmp_path) == checkpoint.place(tmp_path, 100_000_000)
    model = checkpoint.place(tmp_path, 100_000_000) / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-1])
    assert checkpoint.latest(tmp_path) == checkpoint.place(tmp_path, 10)
    (checkpoint.place(tmp_path, 10) / "checkpoint.json").unlink()
    (tmp_path / ".step-00000011.abc").mkdir()  # a write that was killed
    (tmp_path / "step-best").mkdir()
    assert checkpoint.latest(tmp_path) == checkpoint.place(tmp_path, 9)


def test_the_newest_complete_ones_are_kept(tmp_path):
    for step in range(5):
        save(checkpoint.place(tmp_path, step), step)
    (checkpoint.place(tmp_path, 4) / "model.safetensors").unlink()
    (tmp_path / ".step-00000005.abc").mkdir()
    (tmp_path / "metrics.jsonl").touch()
    checkpoint.keep(tmp_path, 2)
    assert sorted(f.name for f in tmp_path.iterdir()) == [
        "metrics.jsonl", "step-00000002", "step-00000003", "step-00000004",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="at least 1"):
        checkpoint.keep(tmp_path, 0)
