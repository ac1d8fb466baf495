"""What test_distributed.py starts under torchrun: one training run, its losses written to a file."""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from llmasos_edu.batches import Documents
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.lora import LoraConfig, add_lora
from llmasos_edu.training import TrainConfig, together, train

V, T = 13, 8


def run(folder, steps=50, stop=None, lora_rank=0, **changes):
    """Train a small model; returns the losses and the last weights."""
    random = np.random.default_rng(0)
    pairs = random.integers(2, T, (40, 2)).tolist()
    documents = [[1 + (a + i) % (V - 1) for i in range(length)] for a, length in pairs]
    batches = Documents(documents, end_id=0, batch_size=8, context_length=T, seed=0)
    config = GPTConfig(V, context_length=T, d_model=16, n_heads=2, n_layers=2, d_ff=24)
    model = GPT(config, generator=torch.Generator().manual_seed(0))
    if lora_rank:
        add_lora(model, LoraConfig(rank=lora_rank), generator=torch.Generator().manual_seed(0))
    training = TrainConfig(steps=steps, lr=0.01, save_every=25, **changes)
    history = train(
        model, batches, training, run_dir=folder, callbacks=[lambda event: event.step == stop] if stop else []
    )
    return history.losses, history.stopped_by


if __name__ == "__main__":
    torch.set_num_threads(1)
    with together() as ranks:
        for job in json.loads(sys.argv[1]):
            found = run(**job)
            if ranks.first:
                Path(job["folder"], "losses.json").write_text(json.dumps(found))
