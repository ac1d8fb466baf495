"""The block, and the way from ids to logits: order is all there is to get wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["BLOCK", "FORWARD", "block", "forward"]

Part = Callable[[np.ndarray], np.ndarray]


def block(x: np.ndarray, norm_1: Part, attend: Part, norm_2: Part, feed_forward: Part) -> np.ndarray:
    """One block of GPT-2: each part reads a normed copy of the stream and adds to the stream."""
    x = x + attend(norm_1(x))
    return x + feed_forward(norm_2(x))


def _so_far(x: np.ndarray) -> np.ndarray:
    """The mean over the places up to here."""
    return np.cumsum(x, axis=-2) / np.arange(1, x.shape[-2] + 1)[:, None]


def _nothing(x: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


#: Four parts that no order makes alike.
PARTS: tuple[Part, ...] = (lambda x: 2 * x + 1, _so_far, lambda x: 0.5 * x - 3, lambda x: x**2)


def _block_probes() -> list[Probe]:
    x = np.array([[[1.0, -2.0], [0.5, 3.0], [2.0, 0.0]]])  # (1, 3, 2)
    norm_1, attend, norm_2, feed_forward = PARTS
    return [
        Probe("three places, four different parts", (x, *PARTS)),
        Probe("parts that add nothing", (x.copy(), norm_1, _nothing, norm_2, _nothing)),
        Probe("attention that adds nothing", (x.copy(), norm_1, _nothing, norm_2, feed_forward)),
        Probe("a feed-forward part that adds nothing", (x.copy(), norm_1, attend, norm_2, _nothing)),
    ]


def _the_stream_goes_through(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    change = np.abs(got - probe.args[0]).max()
    if probe.name == "parts that add nothing" and change > 1e-9:
        return f"both parts gave zeros, yet x came out changed by up to {number(change)}"
    return None


BLOCK = Exercise(
    key="gpt.block",
    task=(
        "Write block(x, norm_1, attend, norm_2, feed_forward) for x (B, T, D): each of the other four is a "
        "function from (B, T, D) to (B, T, D). Give the stream after one block of GPT-2."
    ),
    reference=block,
    probes=_block_probes,
    properties=(Property("a block whose parts add nothing changes nothing", _the_stream_goes_through),),
    mistakes=(
        Mistake(
            "normed after the addition, as in 2017",
            why="That is post-norm: the stream itself is normed, and nothing goes through unchanged.",
            where="GPT-2 norms what a part reads, not what the block hands on: attend(norm_1(x)).",
            wrong=lambda x, n1, a, n2, f: (lambda y: n2(y + f(y)))(n1(x + a(x))),
        ),
        Mistake(
            "no residual around attention",
            why="What the stream held before is gone; only what attention found goes on.",
            where="The first line: x + …",
            wrong=lambda x, n1, a, n2, f: (lambda y: y + f(n2(y)))(a(n1(x))),
        ),
        Mistake(
            "no residual around the feed-forward part",
            why="What the stream held before is gone; only the feed-forward part's result goes on.",
            where="The last line: x + …",
            wrong=lambda x, n1, a, n2, f: f(n2(x + a(n1(x)))),
        ),
        Mistake(
            "no residual at all",
            why="Each part replaces the stream instead of adding to it: no straight way through, or back.",
            where="Both lines: x + …",
            wrong=lambda x, n1, a, n2, f: f(n2(a(n1(x)))),
        ),
        Mistake(
            "the normed copy takes the stream's place",
            why="The sum then starts from norm(x); the stream loses its size at every block.",
            where="Keep x as it is: the norm belongs inside the call, not on a line x = norm(x).",
            wrong=lambda x, n1, a, n2, f: (lambda y: n2(y) + f(n2(y)))(n1(x) + a(n1(x))),
        ),
        Mistake(
            "the first norm used twice",
            why="Each part has a norm with weights of its own.",
            where="The last line: norm_2.",
            wrong=lambda x, n1, a, n2, f: (lambda y: y + f(n1(y)))(x + a(n1(x))),
        ),
        Mistake(
            "both parts read the same stream",
            why="The feed-forward part does not see what attention just found (some later models do so).",
            where="The last line reads the x that the first line made.",
            wrong=lambda x, n1, a, n2, f: x + a(n1(x)) + f(n2(x)),
        ),
        Mistake(
            "feed-forward before attention",
            why="Places first look at each other, then work on what they found.",
            where="The order of the two lines.",
            wrong=lambda x, n1, a, n2, f: (lambda y: y + a(n1(y)))(x + f(n2(x))),
        ),
        Mistake(
            "the norms stand after the parts",
            why="What a part adds is normed, and what it reads is not.",
            where="attend(norm_1(x)), not norm_1(attend(x)).",
            wrong=lambda x, n1, a, n2, f: (lambda y: y + n2(f(y)))(x + n1(a(x))),
        ),
        Mistake(
            "no norm",
            why="The parts read a stream that grows from block to block.",
            where="Each part reads norm(x).",
            wrong=lambda x, n1, a, n2, f: (lambda y: y + f(y))(x + a(x)),
        ),
    ),
    hints=(
        "Two lines. In each, what does the part read, and what happens to its result?",
        "A part reads a normed copy and its result is added to x, which nobody norms.",
        "x = x + attend(norm_1(x)), and the same once more with the other two.",
    ),
)


def forward(
    ids: np.ndarray, tokens: np.ndarray, positions: np.ndarray, blocks: Sequence[Part], norm: Part
) -> np.ndarray:
    """From ids to logits: words plus places, block after block, a last norm, the embedding once more."""
    x = tokens[ids] + positions[: ids.shape[1]]
    for step in blocks:
        x = step(x)
    return norm(x) @ tokens.T


#: Two blocks that do not commute.
STEPS: tuple[Part, ...] = (lambda x: x + x**2, lambda x: 3 * x - 1)


def _as_it_is(x: np.ndarray) -> np.ndarray:
    return x


def _forward_probes() -> list[Probe]:
    tokens = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0], [2.0, 1.0, 0.5], [-1.0, 0.5, 1.0]])  # V 4, D 3
    positions = np.array([[0.1, 0.2, 0.3], [1.0, -1.0, 0.5], [0.7, 0.0, -0.4], [2.0, 0.3, 0.9]])
    return [
        Probe(
            "two texts of three tokens",
            (np.array([[0, 2, 1], [3, 3, 0]]), tokens, positions, list(STEPS), PARTS[0]),
        ),
        Probe(
            "one token, no block, a norm that does nothing",
            (np.array([[1]]), tokens.copy(), positions.copy(), [], _as_it_is),
        ),
    ]


def _same_token_elsewhere(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    if probe.name == "two texts of three tokens" and np.abs(got[1, 0] - got[1, 1]).max() < 1e-9:
        return "the same token at places 0 and 1 of the second text gets the same logits: place is unseen"
    return None


def _last_block_only(ids, tokens, positions, blocks, norm):  # type: ignore[no-untyped-def]
    start = x = tokens[ids] + positions[: ids.shape[1]]
    for step in blocks:
        x = step(start)
    return norm(x) @ tokens.T


def _norm_in_the_loop(ids, tokens, positions, blocks, norm):  # type: ignore[no-untyped-def]
    x = tokens[ids] + positions[: ids.shape[1]]
    for step in blocks:
        x = norm(step(x))
    return x @ tokens.T


def _softmaxed(ids, tokens, positions, blocks, norm):  # type: ignore[no-untyped-def]
    logits = forward(ids, tokens, positions, list(STEPS), PARTS[0])
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


FORWARD = Exercise(
    key="gpt.forward",
    task=(
        "Write forward(ids, tokens, positions, blocks, norm): ids (B, T), tokens (V, D), positions (C, D), "
        "blocks a list of functions (B, T, D) → (B, T, D), norm another. Give the logits (B, T, V) of a GPT "
        "whose head is its token embedding."
    ),
    reference=forward,
    probes=_forward_probes,
    properties=(Property("the same token elsewhere gets other logits", _same_token_elsewhere),),
    mistakes=(
        Mistake(
            "positions forgotten",
            why="Without them a block cannot tell an early place from a late one.",
            where="The first line: tokens[ids] + …",
            wrong=lambda ids, t, p, b, n: forward(ids, t, np.zeros_like(p), b, n),
        ),
        Mistake(
            "positions looked up by token",
            why="A place's row belongs to the place, whatever token stands there.",
            where="positions[:T], not positions[ids].",
            wrong=lambda ids, t, p, b, n: forward(ids, t + p, np.zeros_like(p), b, n),
        ),
        Mistake(
            "positions counted from one",
            why="The first place has row 0.",
            where="positions[: ids.shape[1]].",
            wrong=lambda ids, t, p, b, n: forward(ids, t, p[1:], b, n),
        ),
        Mistake(
            "every place gets the first position",
            why="One row is added to all places: they still look alike.",
            where="positions[: ids.shape[1]] has T rows.",
            wrong=lambda ids, t, p, b, n: forward(ids, t, np.tile(p[:1], (len(p), 1)), b, n),
        ),
        Mistake(
            "the last norm forgotten",
            why="The head reads a stream of any size.",
            where="Between the last block and the head.",
            wrong=lambda ids, t, p, b, n: forward(ids, t, p, b, lambda x: x),
        ),
        Mistake(
            "the last norm after every block",
            why="It comes once, after all blocks; the blocks have norms of their own.",
            where="Is the norm inside the loop?",
            wrong=_norm_in_the_loop,
        ),
        Mistake(
            "every block reads the embedding",
            why="Only the last block counts: each should read what the one before it made.",
            where="x = block(x), in the loop.",
            wrong=_last_block_only,
        ),
        Mistake(
            "blocks from last to first",
            why="The stream goes through them in their order.",
            where="The loop over blocks.",
            wrong=lambda ids, t, p, b, n: forward(ids, t, p, b[::-1], n),
        ),
        Mistake(
            "embedding times √D, as in 2017",
            why="GPT-2 adds words and places as they are.",
            where="The first line.",
            wrong=lambda ids, t, p, b, n: _scaled(ids, t, p, b, n),
        ),
        Mistake(
            "probabilities for logits",
            why="The loss and the sampling take logits and do their own softmax.",
            where="The last line: no softmax.",
            wrong=_softmaxed,
        ),
    ),
    hints=(
        "Four steps: look up, go through the blocks, norm, compare with every word. Which arrays in each?",
        "A place's stream starts as its word's row plus its position's row. The head is tokens once more.",
        "x = tokens[ids] + positions[:T]; x = block(x) for each block; norm(x) @ tokens.T.",
    ),
)


def _scaled(ids, tokens, positions, blocks, norm):  # type: ignore[no-untyped-def]
    x = tokens[ids] * tokens.shape[1] ** 0.5 + positions[: ids.shape[1]]
    for step in blocks:
        x = step(x)
    return norm(x) @ tokens.T
