"""Text with ever-new words, encoded as a stream and trained on: is the peak memory flat from 50 to 200 MB?

Each step runs in a process of its own, whose peak is read at its end. What is mapped from files (libraries,
mostly) is shown apart: the system takes it back at need.
Minutes; `python -m benchmarks.bench_corpus 1 4` tries smaller sizes in MB.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

QUICK = False
SIZES = (50, 200)  # MB of text
SYLLABLES = [c + v for c in "bdfgklmnprst" for v in "aeiou"]  # 60
STEPS, BATCH, CONTEXT = 200, 16, 128


def write_text(path: Path, megabytes: int) -> None:
    """Words that never come twice: a counter, scrambled, spelled in syllables."""
    made, number = 0, 0
    with open(path, "w", encoding="ascii") as file:
        while made < megabytes * 1_000_000:
            line = " ".join(word(number + i) for i in range(1000)) + ".\n"
            number += 1000
            made += file.write(line)


def word(number: int) -> str:
    """The word of a number; no two numbers below 60^5 share one."""
    scrambled = number * 7_654_321 % 60**5
    syllables = []
    for _ in range(5):
        scrambled, place = divmod(scrambled, 60)
        syllables.append(SYLLABLES[place])
    return "".join(syllables)


def encode(text: Path, tokens: Path) -> dict[str, Any]:
    """One process: text to a token file."""
    from llmasos_edu.corpora import encode_stream
    from llmasos_edu.tokenizer import Tokenizer

    tokenizer = Tokenizer.train(" ".join(map(word, range(2000))), 512)
    start = time.perf_counter()
    count = encode_stream(text, tokenizer, tokens).count
    seconds = time.perf_counter() - start
    return {"tokens": count, "MB_per_s": round(text.stat().st_size / 1e6 / seconds, 2), **memory()}


def train(tokens: Path) -> dict[str, Any]:
    """One process: a small model trained on random windows of a token file."""
    import torch

    from llmasos_edu.batches import Windows
    from llmasos_edu.llama import Llama, LlamaConfig
    from llmasos_edu.token_files import open_tokens
    from llmasos_edu.training import TrainConfig, train

    file = open_tokens(tokens)
    config = LlamaConfig(
        vocab_size=file.vocab_size, context_length=CONTEXT, d_model=64, n_heads=2, n_kv_heads=2, n_layers=2,
        d_ff=128, d_head=32,
    )  # fmt: skip
    model = Llama(config, generator=torch.Generator().manual_seed(0))
    batches = Windows(file.tokens, batch_size=BATCH, context_length=CONTEXT, seed=0)
    history = train(model, batches, TrainConfig(steps=STEPS))
    return {"last_loss": round(float(history.losses[-1]), 3), **memory()}


def memory() -> dict[str, float]:
    """This process's peak, and what is mapped from files now, in MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {"peak_MB": round(peak / (1e6 if sys.platform == "darwin" else 1e3))}
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    kilobytes = {name: int(fields[name].split()[0]) for name in ("VmHWM", "RssFile")}
    return {
        "peak_MB": round(kilobytes["VmHWM"] * 1.024e-3),
        "of_it_mapped_files_MB": round(kilobytes["RssFile"] * 1.024e-3),
    }


def run(sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Peak memory of encoding and of training, for each size of text, and the last against the first."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        text, tokens = Path(folder, "text.txt"), Path(folder, "text.tokens")
        for size in sizes:
            write_text(text, size)
            result[f"{size} MB"] = {
                "encode": _process("encode", text, tokens),
                "train": _process("train", tokens),
            }
    first, last = (result[f"{size} MB"] for size in (sizes[0], sizes[-1]))
    result["peak_ratio"] = {
        what: round(last[what]["peak_MB"] / first[what]["peak_MB"], 3) for what in ("encode", "train")
    }
    return result


def _process(what: str, *paths: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.bench_corpus", what, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{what}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    what, *rest = sys.argv[1:] or ["50", "200"]
    if what in ("encode", "train"):
        print(json.dumps({"encode": encode, "train": train}[what](*map(Path, rest))))
    else:
        print(json.dumps(run(tuple(map(int, [what, *rest]))), indent=1))
