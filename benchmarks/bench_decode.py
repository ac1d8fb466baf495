"""Decoding with the real LLM: ours and transformers' in turns, against what reading the weights allows.

Float32, batch 1, greedy, 64 tokens, all cores. One token needs every weight once, so matrix–vector products
that read as many bytes set the floor; it is measured between the runs. Then the cost of one more token after
T tokens, with and without the cache. Ratios within a turn are what to keep: their medians.
With CLOCK=cpu it counts processor seconds on one thread: for a machine on which others compute too.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from llmasos_edu import pretrained, real_llm
from llmasos_edu.generation import Decoding, cached_steps, generate, plain_steps

QUICK = False
PROMPT = "The world is a beautiful place,"
N = 64  # new tokens
TURNS = 5
BY_CPU = os.environ.get("CLOCK") == "cpu"
READS = 8  # of all weights, a turn
LENGTHS = (128, 256, 512, 1024)  # tokens before the one that is timed


def run() -> dict[str, Any]:
    """The two goals (times transformers, share of the bandwidth), and a table of cost against length."""
    if not real_llm.present():
        return {"skipped": real_llm.MISSING_NOTE}
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if BY_CPU else os.cpu_count() or 1)
    try:
        model, tokenizer = pretrained.load(real_llm.folder())
        ids = tokenizer.encode(PROMPT)
        clock = {"clock": "processor, one thread" if BY_CPU else "wall"}
        return clock | {"decode": _against_transformers(model, ids), "a_token_after": _by_length(model, ids)}
    finally:
        torch.set_num_threads(threads)


def _against_transformers(model: Any, ids: list[int]) -> dict[str, Any]:
    ways = {"floor": _reader(model), "ours": _ours(model, ids), "transformers": _theirs(ids)}
    same = ways["ours"]() == ways["transformers"]()
    ways["floor"]()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, call in ways.items():
            seconds[name].append(_timed(call) / (READS if name == "floor" else N))
    weights = sum(p.nbytes for p in model.parameters())
    pairs = list(zip(*seconds.values(), strict=True))
    median = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "same_tokens": same,
        "weights_bytes": weights,
        "bandwidth_gb_per_s": round(weights / median["floor"] / 1e9, 1),
        "ms_a_token": {name: round(1e3 * t, 2) for name, t in median.items()},
        "tokens_per_s": {name: round(1 / t, 1) for name, t in median.items()},
        "times_transformers": round(statistics.median(theirs / ours for _, ours, theirs in pairs), 2),
        "share_of_bandwidth": round(statistics.median(floor / ours for floor, ours, _ in pairs), 3),
    }


def _reader(model: Any) -> Callable[[], None]:
    """Read every weight READS times, as matrix–vector products do: the embedding serves as the head."""
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = {width: torch.randn(width) for width in {p.shape[1] for p in matrices}}

    @torch.inference_mode()
    def read() -> None:
        for matrix in matrices * READS:
            torch.mv(matrix, vectors[matrix.shape[1]])

    return read


def _ours(model: Any, ids: list[int]) -> Callable[[], list[int]]:
    greedy = Decoding(greedy=True)
    return lambda: generate(model, [ids], max_new_tokens=N, decoding=greedy)[0].ids


def _theirs(ids: list[int]) -> Callable[[], list[int]]:
    model, _ = real_llm.load()
    prompt = torch.tensor([ids])
    how = {"do_sample": False, "max_new_tokens": N, "eos_token_id": None, "pad_token_id": 0}
    model.generation_config.eos_token_id = None  # both write all 64
    attended = torch.ones_like(prompt)
    return lambda: model.generate(prompt, attention_mask=attended, **how)[0, len(ids) :].tolist()


def _by_length(model: Any, ids: list[int]) -> dict[str, Any]:
    """Milliseconds of a token after T tokens, cached and not, and what reading the cache alone would take."""
    table: dict[str, Any] = {}
    for length in LENGTHS:
        text = torch.tensor([list(itertools.islice(itertools.cycle(ids), length))])
        cached = statistics.median(_step_seconds(cached_steps, model, text, 10))
        plain = statistics.median(_step_seconds(plain_steps, model, text, 3))
        cache = model.new_cache(1, length)
        table[f"T={length}"] = {
            "cached_ms": round(1e3 * cached, 2),
            "whole_text_ms": round(1e3 * plain, 1),
            "times_faster": round(plain / cached, 1),
            "cache_bytes_over_weights": round(cache.n_bytes / sum(p.nbytes for p in model.parameters()), 3),
        }
    return table


def _step_seconds(loop: Any, model: Any, text: torch.Tensor, n: int) -> list[float]:
    """Seconds of each of n steps after the first, which reads the prompt."""
    steps = loop(model, text, lambda logits, ids: logits.argmax(dim=-1), n + 1)
    next(steps)
    return [_timed(lambda: next(steps)) for _ in range(n)]


def _timed(call: Callable[[], Any]) -> float:
    now = time.process_time if BY_CPU else time.perf_counter
    start = now()
    call()
    return now() - start


if __name__ == "__main__":
    import json

    print(json.dumps(run(), indent=1))
