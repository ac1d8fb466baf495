"""Finding the fetched model, loading it, and asking it which word comes next."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from ..files import cache_dir, sha256_of
from .converting import CHECKSUMS

__all__ = [
    "MISSING_NOTE", "RealLLMMissing", "folder", "intact", "load", "next_words", "place", "present", "ready",
]  # fmt: skip

NAME = "smollm2-135m-instruct"
MISSING_NOTE = (
    "The real LLM is not on this machine yet. "
    "Run `llmasos-edu fetch smollm2` in a terminal, then run this cell again."
)


class RealLLMMissing(FileNotFoundError):
    """The real LLM has not been fetched yet."""


def place() -> Path:
    """Where the model lies once it is fetched."""
    return cache_dir() / NAME


def present() -> bool:
    """Whether the model lies complete in the user's cache: every file, in its full size. Takes no time."""
    try:
        return all((place() / name).stat().st_size == entry["bytes"] for name, entry in _checksums().items())
    except (OSError, ValueError):
        return False


def ready() -> bool:
    """Whether a lesson's cell can ask the real LLM; where it cannot, prints what to do.

    Returns:
        As `present`. A cell says ``if real_llm.ready():`` and needs no other branch.
    """
    if present():
        return True
    print(MISSING_NOTE)
    return False


def intact() -> bool:
    """Whether the model is present and every file has its checksum. Reads 540 MB."""
    return present() and all(
        sha256_of(place() / name) == entry["sha256"] for name, entry in _checksums().items()
    )


def _checksums() -> dict[str, Any]:
    return json.loads((place() / CHECKSUMS).read_text(encoding="utf-8"))


def folder() -> Path:
    """The Hugging Face folder of the real LLM.

    Raises:
        RealLLMMissing: If it has not been fetched; says how.
    """
    if not present():
        raise RealLLMMissing(MISSING_NOTE)
    return place()


def load() -> tuple[Any, Any]:
    """The real LLM and its tokenizer, in float32 on the CPU, ready to answer.

    Returns:
        ``(model, tokenizer)`` of transformers; the same two objects on every call, so do not change them.

    Raises:
        RealLLMMissing: If it has not been fetched; says how.
    """
    return _load(folder())


@functools.lru_cache(maxsize=1)
def _load(path: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(path, dtype="float32", local_files_only=True)
    return model.eval(), AutoTokenizer.from_pretrained(path, local_files_only=True)


def next_words(text: str, top: int = 10) -> list[tuple[str, float]]:
    """The likeliest next tokens after a text, as the real LLM sees them.

    Args:
        text: What stands before; at least one token.
        top: How many to give, at least 1.

    Returns:
        ``(token, probability)`` pairs, the likeliest first. A token that starts a word carries its space.

    Raises:
        ValueError: If `text` is empty or longer than the model's context, or `top` is out of range.
        RealLLMMissing: If the model has not been fetched; says how.
    """
    import torch

    model, tokenizer = load()
    ids = tokenizer(text, return_tensors="pt").input_ids  # (1, T)
    longest = model.config.max_position_embeddings
    if not 1 <= ids.shape[1] <= longest:
        raise ValueError(f"text must have 1 to {longest:,} tokens; got {ids.shape[1]:,}")
    if not 1 <= top <= model.config.vocab_size:
        raise ValueError(f"top must be 1 to {model.config.vocab_size:,}; got {top}")
    with torch.inference_mode():
        logits = model(ids, logits_to_keep=1).logits[0, -1]  # (V,)
    best = torch.softmax(logits, dim=-1).topk(top)
    tokens = [tokenizer.decode([i]) for i in best.indices.tolist()]
    return list(zip(tokens, best.values.tolist(), strict=True))
