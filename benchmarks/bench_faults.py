"""Kill a training run 20 times at random moments; nothing may be lost but steps since the last checkpoint.

    python -m benchmarks.bench_faults 5

kills 5 times. Each life of the run is a process of its own, ended by SIGKILL: no handler, no last word.
A checkpoint is written every third step, so that kills fall into writes too. At the end weights, what the
optimizer remembers and all losses must be bitwise those of a run that was left alone, and no checkpoint may
ever be damaged.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

QUICK = False
STEPS = 150


def one_life(folder: str) -> None:
    """Train from where the folder stands to the end, if the process lives so long."""
    import torch

    from llmasos_edu.batches import Windows
    from llmasos_edu.gpt import GPT, GPTConfig
    from llmasos_edu.training import TrainConfig, train

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    config = GPTConfig(50, context_length=16, d_model=32, n_heads=2, n_layers=2, d_ff=64, dropout=0.1)
    stream = torch.randint(50, (5_000,), generator=generator).numpy()
    batches = Windows(stream, batch_size=8, context_length=16, seed=0)
    training = TrainConfig(steps=STEPS, lr=0.003, optimizer="muon", save_every=3)
    train(GPT(config, generator=generator), batches, training, run_dir=folder)


def state(folder: Path) -> dict[str, Any]:
    """Every tensor of the last checkpoint, and every loss. A damaged checkpoint raises here."""
    from llmasos_edu import checkpoint

    newest = checkpoint.latest(folder)
    if newest is None:
        return {"step": 0}
    for place in folder.glob("step-*"):  # every one that can be seen is whole
        checkpoint.load(place)
    found = checkpoint.load(newest)
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    return {"step": found.step, "tensors": found.tensors | found.optimizer_tensors,
            "losses": [json.loads(line)["loss"] for line in lines]}  # fmt: skip


def run(kills: int = 20, seed: int = 0) -> dict[str, Any]:
    """Live and die; compare with a run that was left alone.

    Args:
        kills: How often the run is killed.
        seed: Draws the moments.

    Returns:
        Kills, steps lost at each, whether the end is bitwise the same.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    context = multiprocessing.get_context(
        "forkserver"
    )  # one process imports torch, each life is a fork of it
    context.set_forkserver_preload(["llmasos_edu.training", "llmasos_edu.gpt", "llmasos_edu.batches"])

    def begin(folder: Path) -> Any:
        process = context.Process(target=one_life, args=(str(folder),))
        process.start()
        return process

    with tempfile.TemporaryDirectory() as root:
        alone, killed, ended = Path(root, "alone"), Path(root, "killed"), []
        begin(alone).join()
        seconds = json.loads((alone / "metrics.jsonl").read_text().splitlines()[-1])["seconds"]
        done, lost = 0, []
        while done < kills:
            life = begin(killed)
            target = state(killed)["step"] + random.integers(STEPS // kills)
            while _steps(killed) < target and life.is_alive():
                time.sleep(0.002)
            time.sleep(float(random.uniform(0, 3 * seconds / STEPS)))  # somewhere within a step
            reached = _steps(killed)
            if not life.is_alive():  # on a busy machine it may reach its end first: take another run
                ended.append((life, killed))
                killed = Path(root, f"killed-{len(ended)}")
                continue
            life.kill()
            life.join()
            lost.append(reached - state(killed)["step"])
            done += 1
        ended.append((begin(killed), killed))
        for life, _ in ended:
            life.join()
        codes = [life.exitcode for life, _ in ended]
        same = all(_same(state(alone), state(folder)) for _, folder in ended)
    if any(codes) or not same:
        raise AssertionError(f"killed {done} times, exits {codes}, same end: {same}")
    return {"kills": done, "most_steps_lost": max(lost), "saved_every": 3, "bitwise_the_same_end": same}


def _steps(folder: Path) -> int:
    """How far the metrics of a run have come."""
    path = folder / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return json.loads(lines[-1])["step"] if lines else 0


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (
        one["step"] == other["step"] == STEPS
        and one["losses"] == other["losses"]
        and set(one["tensors"]) == set(other["tensors"])
        and all(t.equal(other["tensors"][name]) for name, t in one["tensors"].items())
    )


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]) if len(sys.argv) > 1 else 20)))
