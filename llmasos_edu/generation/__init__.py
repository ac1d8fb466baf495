"""How a language model speaks: from the distribution of the next token to text.

`strategies` shape the distribution (temperature, top-k, top-p, min-p, repetition penalty), `loops` write
without and with the cache, `writing` puts them together (`generate`, `stream`, `speak`), `beam` follows
several texts at once. Explained in lesson 07. Names are fetched when they are first used, since `Decoding`
needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmasos_edu.generation.beam import Beam, beam_search
    from llmasos_edu.generation.decoding import Decoding
    from llmasos_edu.generation.loops import LanguageModel, cached_steps, pad_left, plain_steps
    from llmasos_edu.generation.spelling import Spelling
    from llmasos_edu.generation.strategies import (
        draw,
        min_p,
        repetition_penalty,
        shaped,
        temperature,
        top_k,
        top_p,
    )
    from llmasos_edu.generation.writing import Generated, generate, speak, stream

__all__ = [
    "Beam", "Decoding", "Generated", "LanguageModel", "Spelling", "beam_search", "cached_steps", "draw",
    "generate", "min_p", "pad_left", "plain_steps", "repetition_penalty", "shaped", "speak", "stream",
    "temperature", "top_k", "top_p",
]  # fmt: skip

MODULES = ("decoding", "strategies", "loops", "spelling", "writing", "beam")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in (importlib.import_module(f"{__name__}.{place}") for place in MODULES):
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
