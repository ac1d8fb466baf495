"""On a CUDA card: today's recipe against nanoGPT's GPU setting, and GPT-2 small against the card's peak.

    ONLY="gpt2_small" SEEDS="0 1" make bench WHAT=gpu        TEXT=path takes another text, split nine to one

`race`: as `speed`, at nanoGPT's GPU size (6 layers, d_model 384, context 256, batch 64, 5,000 steps, dropout
0.2). `ratio` counts compiling, `ratio_without_compiling` does not; both aim at the classic's last loss. That
run overfits, and nanoGPT keeps its best checkpoint: `ratio_to_best` aims at that one's loss. The fast recipe
is that of `speed`, larger: it has not been tuned on a card. `gpt2_small`: our `gpt` through `train`, in
bfloat16, compiled.

Each training run ends after `LIMIT` seconds; compiling, tests and further seeds come on top. `pytest
tests/test_cuda.py` checks that the card computes what the CPU does. Without a card nothing is measured, and
no error raised.
Sources: nanoGPT, config/train_shakespeare_char.py and train.py; Chowdhery et al. 2022, "PaLM", appendix B
(share of peak: of all the model's FLOPs, attention as if nothing were masked).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.bench_speed import CLASSIC, FAST, Recipe, Text, follow, reached, size
from llmasos_edu.batches import Windows
from llmasos_edu.corpora import TinyShakespeareMissing
from llmasos_edu.costs import activation_bytes, flops_per_token, parameters
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.training import Event, History, TrainConfig, train

QUICK = False
LIMIT = 200.0  # seconds of training a run
WARM = 3  # steps that may compile
GPU_CLASSIC = Recipe(
    GPTConfig(65, context_length=256, d_model=384, n_heads=6, n_layers=6, d_ff=1536, dropout=0.2, bias=False),
    CLASSIC.training.replace(steps=5_000, evaluate_every=250, dtype="bfloat16", compile=True),
    batch_size=64,
)
GPU_FAST = Recipe(  # not compiled: that would take longer than the run
    FAST.model.replace(
        context_length=256, d_model=384, n_heads=6, n_kv_heads=6, d_head=64, n_layers=6, d_ff=1536
    ),
    FAST.training.replace(steps=400, dtype="bfloat16", evaluate_every=20),
    batch_size=64,
    before=FAST.before,
)  # fmt: skip
SMALL = GPTConfig.preset("small", vocab_size=50_304, bias=False)  # nanoGPT's: a multiple of 64 is faster

#: TFLOP/s of bfloat16 products without sparsity, by a part of the card's name; the first that fits counts.
#: Source: NVIDIA's data sheets (half of "with sparsity" where they give only that); GeForce: NVIDIA's
#: white papers on Ada and GA102, with float32 sums.
PEAKS = {
    r"\bH200 NVL": 835, r"\bH200\b": 989, r"\bH100 NVL": 835, r"\bH100 PCIe": 756, r"\bH100\b.*HBM3": 989,
    r"\bA100\b": 312, r"\bL40S\b": 362, r"\bL4\b": 121, r"\bA10\b": 125,
    r"\bRTX 4090$": 165, r"\bRTX 3090$": 71,
}  # fmt: skip


def peak_flops(name: str) -> float | None:
    """FLOPs a second of a card by its name, in bfloat16; None for one that is not listed, or part of one."""
    found = (peak * 1e12 for part, peak in PEAKS.items() if re.search(part, name) and "MIG" not in name)
    return next(found, None)


def step_seconds(history: History) -> tuple[float, float]:
    """The usual time of a step, and what the first steps took beyond it: compiling, mostly."""
    usual = float(median(np.diff(history.seconds[WARM:])))
    return usual, max(0.0, history.seconds[WARM] - (WARM + 1) * usual)


def until(seconds: float) -> Callable[[Event], bool]:
    """A callback that ends a run after so many seconds of training, once steps have been timed."""
    return lambda event: event.seconds > seconds and event.step > WARM


def race(
    classic: Recipe, fast: Recipe, text: Text, seed: int, device: torch.device, limit: float = LIMIT
) -> dict[str, Any]:
    """Both recipes with one seed: how much sooner the fast one has the classic one's last loss.

    Returns:
        Times in seconds, losses in nats a character; `ratio` 0 where the fast one never got there. A classic
        run that the limit ended has no ratio.
    """
    slow = _told("classic", classic, text, seed, device, limit)
    step, compiling = step_seconds(slow)
    last, best = slow.validation["loss"][-1], min(slow.validation["loss"])
    found = {
        "classic_seconds": round(slow.seconds[-1], 3), "classic_compile_seconds": round(compiling, 1),
        "classic_ms_a_step": round(1e3 * step, 2),
        "classic_tokens_per_s": round(classic.batch_size * text.context_length / step),
        "classic_loss": round(last, 4), "classic_best_loss": round(best, 4),
    }  # fmt: skip
    if slow.stopped_by != "steps":
        steps = classic.training.steps
        why = f"{steps} steps take {steps * step:.0f} s; the limit is {limit:.0f} s"
        return found | {"ratio": None, "why": why}
    quick = _told("fast", fast, text, seed, device, limit)
    (fast_step, fast_compiling), there = step_seconds(quick), reached(quick, last)
    return found | {
        "ratio": _times(slow.seconds[-1], there),
        "ratio_without_compiling": _times(slow.seconds[-1] - compiling, there, fast_compiling),
        "ratio_to_best": _times(reached(slow, best), reached(quick, best)),
        "fast_seconds": there and round(there, 3), "fast_ms_a_step": round(1e3 * fast_step, 2),
        "fast_tokens_per_s": round(fast.batch_size * text.context_length / fast_step),
        "fast_last_loss": round(quick.validation["loss"][-1], 4),
    }  # fmt: skip


def _times(slow: float | None, quick: float | None, less: float = 0.0) -> float:
    """How many times as long the first took; 0 where the second never got there."""
    return round(slow / (quick - less), 2) if slow and quick and quick > less else 0.0


def _told(name: str, recipe: Recipe, text: Text, seed: int, device: torch.device, limit: float) -> History:
    torch.compiler.reset()
    history = follow(recipe, text, seed, device, (until(limit),))
    tests = zip(history.validation["seconds"], history.validation["loss"], strict=True)
    shown = [(round(seconds, 1), round(loss, 4)) for seconds, loss in tests]
    print(f"seed {seed}: {name} (seconds, loss) {shown}", file=sys.stderr, flush=True)
    return history


def near_the_peak(
    config: GPTConfig, batch_size: int, device: torch.device, training: TrainConfig, peak: float | None
) -> dict[str, Any]:
    """Train on random tokens for a few steps: tokens a second, and what share of the card's peak that is."""
    torch.compiler.reset()
    model = GPT(config, generator=torch.Generator(device).manual_seed(0))
    tokens = np.random.default_rng(0).integers(config.vocab_size, size=1_000_000)
    batches = Windows(tokens, batch_size=batch_size, context_length=config.context_length, seed=0)
    history = train(model, batches, training, callbacks=(until(LIMIT),))
    seconds, compiling = step_seconds(history)
    rate = batch_size * config.context_length / seconds
    flops = rate * flops_per_token(config, config.context_length, backward=True).total
    return {
        "parameters": parameters(config), "batch_size": batch_size, "context": config.context_length,
        "steps": history.steps[-1], "dtype": training.dtype, "compile_seconds": round(compiling, 1),
        "ms_a_step": round(1e3 * seconds, 2), "tokens_per_s": round(rate),
        "TFLOP_per_s": float(f"{flops / 1e12:.4g}"), "peak_TFLOP_per_s": peak and peak / 1e12,
        "share_of_peak": peak and float(f"{flops / peak:.3g}"),
    }  # fmt: skip


def rows_that_fit(config: GPTConfig, free: int) -> int:
    """A power of two, at most 32: weights and AdamW take 16 bytes a parameter, the rest is activations."""
    room = (free - 16 * parameters(config)) // activation_bytes(config, 1, config.context_length)
    if room < 1:
        raise RuntimeError(f"GPT-2 small does not fit: {free / 1e9:.1f} GB are free on the card")
    return int(min(32, 2 ** (int(room).bit_length() - 1)))


def product_flops(device: torch.device, n: int = 8192, times: int = 50) -> float:
    """FLOPs a second of plain bfloat16 products (n, n) · (n, n): what this card gives at best."""
    a, b = (torch.randn(n, n, dtype=torch.bfloat16, device=device) for _ in range(2))
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for i in range(times + 5):
        if i == 5:  # warm
            start.record()
        a @ b
    end.record()
    torch.cuda.synchronize()
    return 2 * n**3 * times / (start.elapsed_time(end) / 1e3)


def phase_race(device: torch.device, dtype: str) -> dict[str, Any]:
    """nanoGPT's GPU setting and today's recipe, for each seed in SEEDS."""
    try:
        text = Text(os.environ.get("TEXT"), GPU_CLASSIC.model.context_length)
    except TinyShakespeareMissing as missing:
        return {"ratio": None, "why": f"{missing} Or name a text: TEXT=path"}
    classic, fast = (replace(r, training=r.training.replace(dtype=dtype)) for r in (GPU_CLASSIC, GPU_FAST))
    seeds = [int(seed) for seed in os.environ.get("SEEDS", "0").split()]
    found = {str(seed): race(classic, fast, text, seed, device) for seed in seeds}
    ratios = [f["ratio"] for f in found.values() if f["ratio"] is not None]
    return {
        "ratio": median(ratios) if ratios else None, "seeds": found,
        "parameters": {"classic": size(classic, text), "fast": size(fast, text)},
        "recipe": asdict(fast.training),
    }  # fmt: skip


def phase_gpt2_small(device: torch.device, dtype: str) -> dict[str, Any]:
    """GPT-2 small's training against the card's peak, and plain products beside it."""
    peak = peak_flops(torch.cuda.get_device_name(device)) if dtype == "bfloat16" else None
    batch_size = rows_that_fit(SMALL, torch.cuda.mem_get_info(device)[0])
    training = TrainConfig(steps=40, lr=6e-4, warmup=40, dtype=dtype, compile=True, evaluate_every=40)
    torch.cuda.reset_peak_memory_stats(device)
    found = near_the_peak(SMALL, batch_size, device, training, peak)
    found["peak_memory_GB"] = round(torch.cuda.max_memory_allocated(device) / 1e9, 2)
    if dtype == "bfloat16":
        found["plain_products_TFLOP_per_s"] = round(product_flops(device) / 1e12)
    return found


PHASES = {"gpt2_small": phase_gpt2_small, "race": phase_race}


def run(only: tuple[str, ...] = ()) -> dict[str, Any]:
    """The phases asked for, by argument or in ONLY; all where none is."""
    wanted = only or tuple(os.environ.get("ONLY", "").split()) or tuple(PHASES)
    if unknown := set(wanted) - set(PHASES):
        raise ValueError(f"ONLY must name phases of {', '.join(PHASES)}; got {', '.join(sorted(unknown))}")
    if not torch.cuda.is_available():
        print("  no CUDA card here: nothing was measured", file=sys.stderr)
        return {"gpu": None, "why": f"torch {torch.__version__} sees no CUDA card"}
    device = torch.device("cuda", torch.cuda.current_device())
    dtype = "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")  # as nanoGPT: TensorFloat-32 where float32 is multiplied
    try:
        with torch.compiler.config.patch(
            force_disable_caches=True
        ):  # compiling is timed, so it is not reused
            return {
                "gpu": torch.cuda.get_device_name(device), "cuda": torch.version.cuda,
                **{name: PHASES[name](device, dtype) for name in wanted},
            }  # fmt: skip
    finally:
        torch.set_float32_matmul_precision(precision)
