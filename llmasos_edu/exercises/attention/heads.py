"""Exercise attention.multi_head: several causal attentions side by side, as a GPT has them.

In the probes the four matrices are far from each other, d_model is not d_head, and T, H, d_head are three
different numbers, so that a wrong axis, a wrong order of axes or a wrong matrix shows; in one probe there is
one head, where a wrong split is invisible and everything else still shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from llmasos_edu import attention as package
from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["MULTI_HEAD"]

Arrays = np.ndarray


def causal_self_attention(
    x: Arrays, w_q: Arrays, w_k: Arrays, w_v: Arrays, w_o: Arrays, n_heads: int
) -> Arrays:
    """The right answer: the package's own, with a causal mask."""
    return package.multi_head_attention(
        x, w_q, w_k, w_v, w_o, n_heads=n_heads, mask=package.causal_mask(x.shape[1])
    )


def probes() -> list[Probe]:
    """Designed calls, made anew each time: square weights, so that a wrong one fits too."""
    rng = np.random.default_rng(7)

    def call(batch: int, length: int, width: int, n_heads: int) -> tuple[Any, ...]:
        x = rng.standard_normal((batch, length, width))
        weights = 1.5 * rng.standard_normal((4, width, width)) / math.sqrt(width)
        return (x, *weights, n_heads)

    return [
        Probe("one text, one head", call(1, 4, 6, 1)),
        Probe("two texts, three heads of 4", call(2, 5, 12, 3)),
        Probe("four heads of 2, six words", call(2, 6, 8, 4)),
    ]


# --- properties ---------------------------------------------------------------------------------------------


def _first_word(probe: Probe, got: Arrays, expected: Arrays) -> str | None:
    """The first word sees only itself: its output is its own value, whatever the scores."""
    off = abs(got - expected).max(axis=(0, 2))
    if off[0] < 1e-6:
        return None
    return (
        "the first word sees only itself, so its output must be its own value through w_v and w_o; "
        f"it is off by up to {number(off[0])}"
    )


def _from_where(probe: Probe, got: Arrays, expected: Arrays) -> str | None:
    off = abs(got - expected).max(axis=(0, 2))
    if off[0] >= 1e-6 or off.max() < 1e-6:
        return None
    wrong = [i for i, gap in enumerate(off) if gap >= 1e-6]
    return f"the first word is right, word {wrong[0]} is off by up to {number(off[wrong[0]])}"


# --- mistakes: the reference with one part replaced ---------------------------------------------------------


def _split(x: Arrays, n_heads: int) -> Arrays:
    return package.split_heads(x, n_heads)


def _view(x: Arrays, n_heads: int) -> Arrays:
    batch, length, width = x.shape
    return x.reshape(batch, n_heads, length, width // n_heads)


def _dealt(x: Arrays, n_heads: int) -> Arrays:
    batch, length, width = x.shape
    return x.reshape(batch, length, width // n_heads, n_heads).transpose(0, 3, 1, 2)


def _merge_by_view(x: Arrays) -> Arrays:
    batch, n_heads, length, width = x.shape
    return x.reshape(batch, length, n_heads * width)


def _softmax(scores: Arrays, axis: int = -1) -> Arrays:
    parts = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return parts / parts.sum(axis=axis, keepdims=True)


def _with(
    *,
    split: Callable[..., Arrays] = _split,
    merge: Callable[..., Arrays] = package.merge_heads,
    mask: Callable[[int], Arrays | None] = package.causal_mask,
    scale: Callable[[int, int], float] = lambda d_head, d_model: d_head**-0.5,
    softmax: Callable[..., Arrays] = _softmax,
    hidden: float = -np.inf,
    use: Callable[..., tuple[Arrays, ...]] = lambda x, q, k, v, o: (q, k, v, o),
    project: bool = True,
    one_head: bool = False,
) -> Callable[..., Arrays]:
    """The reference, with the parts that are given replaced."""

    def wrong(x: Arrays, w_q: Arrays, w_k: Arrays, w_v: Arrays, w_o: Arrays, n_heads: int) -> Arrays:
        n_heads = 1 if one_head else n_heads
        w_q, w_k, w_v, w_o = use(x, w_q, w_k, w_v, w_o)
        q, k, v = (split(x @ w, n_heads) for w in (w_q, w_k, w_v))
        scores = q @ np.swapaxes(k, -1, -2) * scale(q.shape[-1], x.shape[-1])
        allowed = mask(x.shape[1])
        scores = scores if allowed is None else np.where(allowed, scores, hidden)
        joined = merge(softmax(scores) @ v)
        return joined @ w_o if project else joined

    return wrong


def _identity_for(w: Arrays) -> Arrays:
    return np.eye(w.shape[0])


def _strict(n: int) -> Arrays:
    return np.tril(np.ones((n, n), bool), -1)


def _after(scores: Arrays) -> Arrays:
    """Softmax over everything, then the future set to 0."""
    return np.where(np.tril(np.ones(scores.shape[-2:], bool)), _softmax(scores), 0)


MISTAKES = (
    Mistake(
        "heads split by reshape alone",
        why="(B, T, D) → (B, H, T, d_head) in one reshape mixes words: a head gets pieces of other words.",
        where="Reshape to (B, T, H, d_head) first, then exchange axes 1 and 2.",
        wrong=(_with(split=_view), _with(split=_view, merge=_merge_by_view)),
    ),
    Mistake(
        "heads split with the axes the wrong way round",
        why="Each head owns neighbouring columns; (B, T, d_head, H) deals the columns out in turn.",
        where="The reshape: H before d_head.",
        wrong=(
            _with(split=_dealt),
            _with(split=_dealt, merge=lambda x: x.transpose(0, 2, 3, 1).reshape(len(x), x.shape[2], -1)),
        ),
    ),
    Mistake(
        "heads merged without exchanging axes back",
        why="(B, H, T, d_head) reshaped to (B, T, D) puts pieces of different words into one vector.",
        where="The end: exchange axes 1 and 2 before the reshape.",
        wrong=_with(merge=_merge_by_view),
    ),
    Mistake(
        "n_heads is not used: one head",
        why="One head of full width looks one way only; several heads can look at several places at once.",
        where="Where are q, k and v cut into heads?",
        wrong=_with(one_head=True),
    ),
    Mistake(
        "values made from another projection",
        why="What is matched (Q, K) and what is handed over (V) are three projections of the same words.",
        where="The line that makes v.",
        wrong=(_with(use=lambda x, q, k, v, o: (q, k, k, o)), _with(use=lambda x, q, k, v, o: (q, k, q, o))),
    ),
    Mistake(
        "queries and keys from one projection",
        why="What a word looks for is not what it is found by; with one matrix it finds only its like.",
        where="The lines that make q and k: w_q for one, w_k for the other.",
        wrong=(_with(use=lambda x, q, k, v, o: (q, q, v, o)), _with(use=lambda x, q, k, v, o: (k, k, v, o))),
    ),
    Mistake(
        "a matrix transposed",
        why="Here x @ w projects. nn.Linear keeps its weight the other way round, and so multiplies by w.T.",
        where="The projections: x @ w_q, without .T.",
        wrong=(
            _with(use=lambda x, q, k, v, o: (q.T, k.T, v.T, o.T)),
            _with(use=lambda x, q, k, v, o: (q.T, k.T, v.T, o)),
            _with(use=lambda x, q, k, v, o: (q, k, v, o.T)),
        ),
    ),
    Mistake(
        "values not projected",
        why="The words themselves are mixed, not what w_v reads from them.",
        where="The line that makes v: w_v is missing.",
        wrong=_with(use=lambda x, q, k, v, o: (q, k, _identity_for(v), o)),
    ),
    Mistake(
        "output projection forgotten",
        why="w_o mixes what the heads found; without it the heads only stand side by side.",
        where="The last line.",
        wrong=_with(project=False),
    ),
    Mistake(
        "Q and K swapped",
        why="Each word looks with its key and is found by its query.",
        where="The projections, or the order in the product of the scores.",
        wrong=_with(use=lambda x, q, k, v, o: (k, q, v, o)),
    ),
    Mistake(
        "scaled by √d_model instead of √d_head",
        why="The scores are sums over one head's d_head numbers, not over all d_model.",
        where="The scale: take the last axis of q after the split.",
        wrong=_with(scale=lambda d_head, d_model: d_model**-0.5),
    ),
    Mistake(
        "no scale",
        why="q·k grows like √d_head; softmax of such scores nearly picks one word.",
        where="The scores: what divides them?",
        wrong=_with(scale=lambda d_head, d_model: 1.0),
    ),
    Mistake(
        "scaled by d_head instead of its root",
        why="The standard deviation of q·k is √d_head; dividing by d_head makes the weights flat.",
        where="The scale: a root is missing.",
        wrong=_with(scale=lambda d_head, d_model: 1 / d_head),
    ),
    Mistake(
        "no mask",
        why="Each word sees the words that it should predict.",
        where="Between the scores and the softmax: a causal mask.",
        wrong=_with(mask=lambda n: None),
    ),
    Mistake(
        "mask off by one: sees the next word",
        why="Word t sees word t + 1, which is the answer.",
        where="np.tril(…, k=?): the diagonal is the last that may be seen, k = 0.",
        wrong=_with(mask=lambda n: np.tril(np.ones((n, n), bool), 1)),
    ),
    Mistake(
        "mask off by one: does not see itself",
        why="Word t sees only the words before it, and the first word sees nothing.",
        where="np.tril(…, k=?) or triu(…, k=?): the diagonal may be seen.",
        wrong=(
            _with(mask=_strict),
            _with(mask=_strict, hidden=-1e9),
            _with(mask=_strict, softmax=lambda s: np.nan_to_num(_softmax(s))),
        ),
    ),
    Mistake(
        "mask transposed: sees the future, not the past",
        why="np.triu shows what comes after; a word may look at itself and back.",
        where="np.tril, or is True on the wrong side?",
        wrong=_with(mask=lambda n: np.triu(np.ones((n, n), bool))),
    ),
    Mistake(
        "masked after the softmax",
        why="The future has already taken its share; the weights that are left sum to less than one.",
        where="Hide scores before the softmax.",
        wrong=_with(mask=lambda n: None, softmax=_after),
    ),
    Mistake(
        "0 instead of -inf",
        why="A score of 0 is an ordinary score: e⁰ = 1. Only -inf gets weight 0.",
        where="The value that a hidden score is set to.",
        wrong=_with(hidden=0.0),
    ),
    Mistake(
        "softmax over the queries",
        why="The columns sum to one: each key shares itself out, where each query should.",
        where="Softmax: the keys are the last axis.",
        wrong=_with(softmax=lambda s: _softmax(s, -2)),
    ),
    Mistake(
        "softmax over the heads",
        why="The heads share one word's weight among them; each head should share its own over the words.",
        where="Softmax: the keys are the last axis.",
        wrong=(
            _with(softmax=lambda s: _softmax(s, 1)),
            _with(softmax=lambda s: np.nan_to_num(_softmax(s, 1))),
            _with(softmax=lambda s: _softmax(s, 1), hidden=-1e9),
        ),
    ),
)

MULTI_HEAD = Exercise(
    key="attention.multi_head",
    task=(
        "Write causal_self_attention(x, w_q, w_k, w_v, w_o, n_heads): x (B, T, D) and four (D, D) matrices "
        "give (B, T, D). Each word looks at itself and back; head h owns the columns h·D/H … (h+1)·D/H - 1."
    ),
    reference=causal_self_attention,
    probes=probes,
    properties=(
        Property("the first word sees only itself", _first_word),
        Property("and every other word itself and back", _from_where),
    ),
    mistakes=MISTAKES,
    hints=(
        "Five steps: project to q, k, v; cut into heads; weights with a causal mask; mix the values; join "
        "the heads and project with w_o. Which shape has each?",
        "x @ w_q is (B, T, D); reshape to (B, T, H, D/H), then exchange axes 1 and 2. After the mixing go "
        "back the same way.",
        "heads = (x @ w_q).reshape(B, T, n_heads, -1).transpose(0, 2, 1, 3); joined = "
        "mixed.transpose(0, 2, 1, 3).reshape(B, T, -1); the mask is np.tril(np.ones((T, T), bool))",
    ),
    solution=(
        causal_self_attention, package.multi_head_attention, package.split_heads, package.merge_heads,
    ),
)  # fmt: skip
