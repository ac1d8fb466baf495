"""Byte-level BPE as a ladder with one interface: `NaiveTokenizer` to read, `Tokenizer` to use.

Read in this order: naive.py (the idea), patterns.py (what a merge may not cross), merging.py (inside one
pre-token), training.py (the same merges, fast), bpe.py (the tokenizer), then streaming.py, files.py,
hugging_face.py. Lesson 01 builds the first of them by hand.
"""

from llmasos_edu.tokenizer.bpe import Tokenizer
from llmasos_edu.tokenizer.hugging_face import HF_BYTE_ORDER
from llmasos_edu.tokenizer.merging import MergeStep, apply_merges, merge_film
from llmasos_edu.tokenizer.naive import NaiveTokenizer, count_pairs, merge, train_naive
from llmasos_edu.tokenizer.patterns import DIGITS_PATTERN, GPT2_PATTERN, GPT4_PATTERN, pattern_of_words, split
from llmasos_edu.tokenizer.training import train

__all__ = [
    "DIGITS_PATTERN",
    "GPT2_PATTERN",
    "GPT4_PATTERN",
    "HF_BYTE_ORDER",
    "MergeStep",
    "NaiveTokenizer",
    "Tokenizer",
    "apply_merges",
    "count_pairs",
    "merge",
    "merge_film",
    "pattern_of_words",
    "split",
    "train",
    "train_naive",
]
