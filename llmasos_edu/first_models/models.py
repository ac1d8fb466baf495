"""Three models, each a few matrices: the bigram table, the fixed window, one attention layer.

Every matrix is a parameter of its own and every product is written out; no library layer. Weights start from
an explicit generator; the last matrix starts at zeros, so that each model starts at ln V nats a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import nn

from ..torch_attention import attention_weights, causal_mask, fused_attention

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    Ids = Int[torch.Tensor, "B T"]
    Heads = Float[torch.Tensor, "B H T d_head"]
    Logits = Float[torch.Tensor, "B T V"]

__all__ = ["Bigram", "FixedWindow", "OneAttention"]


class Bigram(nn.Module):
    """The next word from the current word alone: one table of logits, a row for each word.

    Args:
        vocab_size: V, the number of words.

    Starts at zeros: every next word is equally likely, ln V nats a word.

    Example:
        >>> Bigram(4)(torch.tensor([[0, 2]])).shape
        torch.Size([1, 2, 4])
    """

    def __init__(self, vocab_size: int):
        super().__init__()
        _check_sizes(vocab_size=vocab_size)
        self.table = nn.Parameter(torch.zeros(vocab_size, vocab_size))  # (V, V): current word, next word

    def forward(self, ids: Ids) -> Logits:
        """Logits of the next word at each place."""
        _check_ids(ids, self.table.shape[0])
        return self.table[ids]  # (B, T, V)


class FixedWindow(nn.Module):
    """The next word from the last `context_length` words, through their embeddings and one hidden layer.

    Args:
        vocab_size: V.
        context_length: How many words it sees, the current one included. What is farther back does not exist.
        d_model: Numbers in a word's embedding.
        d_hidden: Width of the hidden layer.
        generator: Draws the starting weights.
        std: Size of the starting embeddings. Small ones show what is learned, which soon outgrows them; with
            large ones all words start far apart, and some things are learned sooner.

    Source: Bengio et al. 2003, equation 1: y = b + U tanh(d + H x).
    Differs from source: no direct connections W x; places before the beginning are zeros.
    """

    def __init__(
        self,
        vocab_size: int,
        context_length: int,
        d_model: int,
        d_hidden: int,
        *,
        generator: torch.Generator,
        std: float = 0.1,
    ):
        super().__init__()
        _check_sizes(vocab_size=vocab_size, context_length=context_length, d_model=d_model, d_hidden=d_hidden)
        self.context_length = context_length
        self.embedding = _normal(vocab_size, d_model, std, generator)
        self.w_hidden = _normal(context_length * d_model, d_hidden, None, generator)
        self.b_hidden = nn.Parameter(torch.zeros(d_hidden))
        self.w_out = nn.Parameter(torch.zeros(d_hidden, vocab_size))  # zeros: it starts at ln V nats
        self.b_out = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, ids: Ids) -> Logits:
        """Logits of the next word at each place."""
        _check_ids(ids, self.embedding.shape[0])
        x = F.pad(self.embedding[ids], (0, 0, self.context_length - 1, 0))  # (B, n-1+T, D)
        x = x.unfold(1, self.context_length, 1).transpose(-2, -1).flatten(2)  # (B, T, n·D), oldest word first
        hidden = torch.tanh(x @ self.w_hidden + self.b_hidden)  # (B, T, d_hidden)
        return hidden @ self.w_out + self.b_out  # (B, T, V)


class OneAttention(nn.Module):
    """The next word from any earlier place: one layer of masked attention.

    Each place starts as a window of two: its word, the word before it, and its position. Attention adds what
    the place finds by looking back: a place after "red" can look for a word that stood after "red".

    Args:
        vocab_size: V.
        context_length: The longest row it can read.
        d_model: Width of each place; n_heads must divide it.
        n_heads: How many places it can look at differently at once.
        generator: Draws the starting weights.

    Source: Vaswani et al. 2017, section 3.2.
    Differs from source: learned positions; no normalisation, no feed-forward part; the word before is added
    in at the start, because one layer cannot look for "the word after red" unless each place knows the word
    before it. In a deeper model a first layer does that (Olsson et al. 2022, "In-context Learning and
    Induction Heads", who also mix in the place before, so that one layer suffices: "smeared keys").
    """

    def __init__(
        self,
        vocab_size: int,
        context_length: int,
        d_model: int,
        *,
        n_heads: int = 4,
        generator: torch.Generator,
    ):
        super().__init__()
        _check_sizes(vocab_size=vocab_size, context_length=context_length, d_model=d_model, n_heads=n_heads)
        if d_model % n_heads:
            raise ValueError(f"n_heads must divide d_model; got d_model={d_model}, n_heads={n_heads}")
        self.n_heads = n_heads
        self.embedding = _normal(vocab_size, d_model, 1.0, generator)
        self.position = _normal(context_length, d_model, 0.1, generator)
        self.w_before = _normal(d_model, d_model, None, generator)
        self.w_q, self.w_k, self.w_v, self.w_o = (
            _normal(d_model, d_model, None, generator) for _ in range(4)
        )
        self.w_out = nn.Parameter(torch.zeros(d_model, vocab_size))  # zeros: it starts at ln V nats

    def forward(self, ids: Ids) -> Logits:
        """Logits of the next word at each place."""
        x = self._places(ids)
        q, k, v = self._queries_keys_values(x)
        found = fused_attention(q, k, v, causal=True)  # (B, H, T, d_head)
        return (x + found.transpose(1, 2).flatten(2) @ self.w_o) @ self.w_out  # (B, T, V)

    def attention(self, ids: Ids) -> Float[torch.Tensor, "B H T T"]:
        """Where each place looks: the weights of each head; rows are the places that look."""
        q, k, _ = self._queries_keys_values(self._places(ids))
        return attention_weights(q, k, causal_mask(ids.shape[1]))

    def _places(self, ids: Ids) -> Float[torch.Tensor, "B T d_model"]:
        _check_ids(ids, self.embedding.shape[0])
        if ids.shape[1] > self.position.shape[0]:
            raise ValueError(f"a row may have {self.position.shape[0]} words at most; got {ids.shape[1]}")
        words = self.embedding[ids]  # (B, T, D)
        before = F.pad(words, (0, 0, 1, 0))[:, :-1]  # (B, T, D), zeros at the beginning
        return words + before @ self.w_before + self.position[: ids.shape[1]]

    def _queries_keys_values(self, x: Float[torch.Tensor, "B T d_model"]) -> tuple[Heads, Heads, Heads]:
        def split(w: torch.Tensor) -> Heads:
            return (x @ w).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)  # (B, H, T, d_head)

        return split(self.w_q), split(self.w_k), split(self.w_v)


def _normal(rows: int, columns: int, std: float | None, generator: torch.Generator) -> nn.Parameter:
    """A matrix of normal draws; std None means 1/√rows, so that x @ matrix is about as large as x."""
    return nn.Parameter(torch.randn(rows, columns, generator=generator) * (std or rows**-0.5))


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1; got {size}")


def _check_ids(ids: torch.Tensor, vocab_size: int) -> None:
    if ids.ndim != 2 or ids.shape[1] < 1 or ids.dtype not in (torch.int64, torch.int32):
        raise ValueError(
            f"ids must be whole numbers (B, T), T at least 1; got {ids.dtype} {tuple(ids.shape)}"
        )
    if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < vocab_size:
        raise ValueError(f"ids must lie from 0 to {vocab_size - 1}; got {int(ids.min())} to {int(ids.max())}")
