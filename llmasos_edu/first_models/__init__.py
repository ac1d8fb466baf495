"""The first models that learn: a bigram, a fixed window, one attention layer, and the loop that trains them.

Each model is a few matrices and one line of arithmetic a step, written out, so that nothing hides in a
library layer. All take word ids (B, T) and give logits (B, T, V): at each place, a score for every next word.

One document is one row. It stands between two end tokens, so that the first word has something to follow and
the last has an end to predict; shorter rows are padded, and padded targets are `IGNORE`. So the nats of a row
are the nats of a document, comparable with counted n-grams and with TinyWorld's exact floor.

Leaves out: several layers, feed-forward parts, normalisation, dropout (lesson 05).
Source: Bengio et al. 2003, "A Neural Probabilistic Language Model"; Vaswani et al. 2017, "Attention Is All
You Need". Explained in lesson 03 (bigram, fixed window, the loop) and lesson 04 (attention).
"""

from .loop import IGNORE, document_nats, make_batches, mean_nats, next_word, pad_documents, train_steps
from .models import Bigram, FixedWindow, OneAttention

__all__ = [
    "IGNORE",
    "Bigram",
    "FixedWindow",
    "OneAttention",
    "document_nats",
    "make_batches",
    "mean_nats",
    "next_word",
    "pad_documents",
    "train_steps",
]
