"""The `corpus=` dial: TinyWorld, the standard library's source text, or a file of one's own, as a stream.

Teaches: a corpus is a stream of documents; a model sees text and does not care whose. TinyWorld has an exact
floor; for real text nobody knows the floor. Leaves out: cleaning and packing. Lessons 02 and 03 use it first;
lesson 06 writes one as a token file.
"""

from .encoding import encode_stream
from .shakespeare import (
    TinyShakespeareMissing,
    fetch_tinyshakespeare,
    split_characters,
    tinyshakespeare,
    tinyshakespeare_place,
)  # fmt: skip
from .sources import NAMES, corpus, library_files, tinyworld_tokenizer

__all__ = [
    "NAMES", "TinyShakespeareMissing", "corpus", "encode_stream", "fetch_tinyshakespeare", "library_files",
    "split_characters", "tinyshakespeare", "tinyshakespeare_place", "tinyworld_tokenizer",
]  # fmt: skip
