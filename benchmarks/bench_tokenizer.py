"""BPE side by side in one run: the readable version, ours, and Hugging Face's (Rust, one thread).

The text is Python's own documentation (the standard library carries it); the variable
`LLMASOS_EDU_BENCH_TEXT` names another file. Seconds are CPU seconds on one core; ratios are what
to keep.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one thread each, as ours has

import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from llmasos_edu.tokenizer import NaiveTokenizer, Tokenizer

TRAIN_BYTES = 133_000
VOCAB_SIZE = 500


def prose() -> str:
    """The text to measure on."""
    if path := os.environ.get("LLMASOS_EDU_BENCH_TEXT"):
        return Path(path).read_text(encoding="utf-8")
    from pydoc_data.topics import topics

    return "\n".join(topics.values())


def _seconds(call: Callable[[], Any], times: int = 3) -> float:
    """CPU seconds of the shortest of a few runs: what a core can do, whoever else uses the machine."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def _train_hugging_face(text: str) -> tokenizers.Tokenizer:
    theirs = tokenizers.Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCAB_SIZE, initial_alphabet=alphabet, show_progress=False)
    theirs.train_from_iterator([text], trainer)
    return theirs


def run() -> dict[str, Any]:
    """Seconds to train, MB/s to encode (first pass and warm), seconds for a million equal characters."""
    text = prose()
    sample = text.encode()[:TRAIN_BYTES].decode(errors="ignore")
    train = {
        "naive": _seconds(lambda: NaiveTokenizer.train(sample, VOCAB_SIZE), 1),
        "ours": _seconds(lambda: Tokenizer.train(sample, VOCAB_SIZE)),
        "hugging_face": _seconds(lambda: _train_hugging_face(sample)),
    }
    ours = Tokenizer.train(sample, VOCAB_SIZE)
    naive = NaiveTokenizer.from_parts(ours.vocab, ours.merges, pattern=ours.pattern)
    theirs = _train_hugging_face(sample)
    size = len(text.encode())
    seconds = {
        "naive_cold": _seconds(lambda: naive.encode(text), 1),
        "ours_cold": _seconds(lambda: ours.encode(text), 1),
        "ours_warm": _seconds(lambda: ours.encode(text)),
        "ours_stream_warm": _seconds(lambda: sum(1 for _ in ours.encode_iterable(text.splitlines(True)))),
        "hugging_face_warm": _seconds(lambda: theirs.encode(text)),
    }
    doubling = Tokenizer.train("a" * 2**12, None, pattern=None)
    equal = {n: _seconds(lambda n=n: doubling.encode("a" * n), 1) for n in (250_000, 1_000_000)}
    return {
        "train_bytes": len(sample.encode()),
        "vocab_size": VOCAB_SIZE,
        "train_seconds": {way: round(s, 4) for way, s in train.items()},
        "encode_bytes": size,
        "encode_MB_per_s": {way: round(size / s / 1e6, 2) for way, s in seconds.items()},
        "equal_characters_seconds": {f"{n:,}": round(s, 2) for n, s in equal.items()},
    }


if __name__ == "__main__":
    import json

    print(json.dumps(run(), indent=1))
