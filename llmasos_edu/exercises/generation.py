"""The bank of lesson 07: the smallest set that holds a share p, and writing with a cache.

Temperature stands in lesson 02's bank. Ties are left out of the probes: which of two equal tokens stays is
nobody's mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["EXERCISES", "top_p", "write"]


def top_p(p: np.ndarray, share: float) -> np.ndarray:
    """Keep the fewest tokens, the likeliest first, that together have at least `share`; renormalise."""
    falling = np.argsort(-p)
    before = np.cumsum(p[falling]) - p[falling]  # what the likelier ones have together
    kept = falling[before < share]
    out = np.zeros_like(p)
    out[kept] = p[kept]
    return out / out.sum()


def _top_p_probes() -> list[Probe]:
    p = np.array([0.05, 0.4, 0.03, 0.25, 0.015, 0.15, 0.07, 0.01, 0.025])  # neither sorted nor symmetric
    return [
        Probe("nine tokens, share 0.7", (p, 0.7)),
        Probe("nine tokens, share 0.3: the first alone is enough", (p.copy(), 0.3)),
        Probe("nine tokens, share 0.93", (p.copy(), 0.93)),
        Probe("everything", (p.copy(), 1.0), edge=True),
    ]


def _sums_to_one(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    if abs(got.sum() - 1) > 1e-6:
        return f"what is kept sums to {number(float(got.sum()))}, and must sum to 1"
    return None


def _the_likeliest_stays(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    top = int(probe.args[0].argmax())
    if not got[top] > 0:
        return f"token {top} is the likeliest, with {number(probe.args[0][top])}, and it was cut"
    return None


def _enough_is_kept(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    p, share = probe.args
    kept = float(p[got > 0].sum())
    if kept < share - 1e-9:
        return f"the kept tokens have {number(kept)} together, less than the share {number(share)}"
    least = float(p[got > 0].min())
    if kept - least >= share + 1e-9:
        return (
            f"the kept tokens have {number(kept)} together; without the least of them it would be "
            f"{number(kept - least)}, still {number(share)} or more"
        )
    return None


def _keep(which: Callable[[np.ndarray, float], np.ndarray]) -> Callable[[np.ndarray, float], np.ndarray]:
    """Keeps the tokens where `which(p, share)` is True, and renormalises what there is."""

    def wrong(p: np.ndarray, share: float) -> np.ndarray:
        kept = np.where(which(p, share), p, 0)
        return kept / kept.sum() if kept.sum() else kept

    return wrong


def _at(order: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Marks in the order of a sort, back at the tokens' places."""
    out = np.zeros(len(order), dtype=bool)
    out[order[kept]] = True
    return out


def _not_across(p: np.ndarray, share: float) -> np.ndarray:
    order = np.argsort(-p)
    return _at(order, np.cumsum(p[order]) <= share)


def _one_too_many(p: np.ndarray, share: float) -> np.ndarray:
    order = np.argsort(-p)
    before = np.cumsum(p[order]) - p[order]
    return _at(order, np.concatenate([[True], before[:-1] < share]))


def _from_the_unlikely(p: np.ndarray, share: float) -> np.ndarray:
    order = np.argsort(p)
    return _at(order, np.cumsum(p[order]) - p[order] < share)


def _in_sorted_places(p: np.ndarray, share: float) -> np.ndarray:
    falling = -np.sort(-p)
    kept = np.where(np.cumsum(falling) - falling < share, falling, 0)
    return kept / kept.sum()


TOP_P = Exercise(
    key="generation.top_p",
    task=(
        "Write top_p(p, share): p (V,) holds probabilities. Keep the fewest tokens, the likeliest first, "
        "that together have at least `share`; give them renormalised, each at its place, and 0 elsewhere."
    ),
    reference=top_p,
    probes=_top_p_probes,
    properties=(
        Property("the likeliest token stays", _the_likeliest_stays),
        Property("what is kept sums to one", _sums_to_one),
        Property("enough is kept, and no more", _enough_is_kept),
    ),
    mistakes=(
        Mistake(
            "the token that crosses the share is cut",
            why="What stays has less than the share; where the first token crosses it, nothing stays.",
            where="Compare what the likelier ones have, without this token itself.",
            wrong=_keep(_not_across),
        ),
        Mistake(
            "one token too many",
            why="The share was reached one token earlier.",
            where="Is the running sum shifted once more than it should be?",
            wrong=_keep(_one_too_many),
        ),
        Mistake(
            "not renormalised",
            why="What is left no longer sums to one.",
            where="Divide by the sum of what is kept.",
            wrong=lambda p, share: np.where(top_p(p, share) > 0, p, 0),
        ),
        Mistake(
            "sorted from the unlikely end",
            why="The tail is kept, and the likely tokens are cut.",
            where="The sort: the likeliest first.",
            wrong=_keep(_from_the_unlikely),
        ),
        Mistake(
            "not sorted at all",
            why="The running sum goes through the vocabulary in its order, whatever is likely.",
            where="Sort before the running sum.",
            wrong=_keep(lambda p, share: np.cumsum(p) - p < share),
        ),
        Mistake(
            "the result stays in the order of the sort",
            why="Probabilities stand at other tokens' places.",
            where="Write them back: out[order[kept]] = …",
            wrong=_in_sorted_places,
        ),
        Mistake(
            "the share taken for a threshold on each token",
            why="That asks how likely a token is, not how much the likely ones have together.",
            where="A running sum, not p itself.",
            wrong=(_keep(lambda p, share: p >= share), _keep(lambda p, share: p >= 1 - share)),
        ),
        Mistake(
            "measured against the likeliest (min-p)",
            why="min-p keeps what is a share as likely as the first; top-p keeps a share of the whole.",
            where="A running sum, not p / p.max().",
            wrong=_keep(lambda p, share: p >= share * p.max()),
        ),
        Mistake(
            "a share of the vocabulary",
            why="It counts tokens, not probability: a top-k with another name.",
            where="A running sum of p.",
            wrong=_keep(lambda p, share: _at(np.argsort(-p), np.arange(len(p)) < round(share * len(p)))),
        ),
    ),
    hints=(
        "Which token is taken first? When does it stop?",
        "Sort, the likeliest first, and for each ask what those before it have together.",
        "order = argsort(−p); keep where cumsum(p[order]) − p[order] < share; write back, divide by the sum.",
    ),
)


class Reader:
    """A made-up model with a cache: it remembers what it has read, and where it was told that it stands.

    `reader(ids, start)` reads tokens at places start, start + 1, …; gives a score for each of 7 tokens.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def __call__(self, ids: Any, start: int) -> np.ndarray:
        """Scores (7,) of the token after the last one read; every token read and its place move them."""
        self.seen += [(int(token), int(start) + i) for i, token in enumerate(ids)]
        mixed = sum((k + 2) * (3 * token + 5 * place + 1) for k, (token, place) in enumerate(self.seen))
        return np.cos(np.arange(1, 8) * (1 + mixed % 97))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reader)  # what it has read is no input that changed

    __hash__ = None  # type: ignore[assignment]


def write(read: Callable[..., np.ndarray], prompt: list[int], n: int) -> list[int]:
    """Greedy writing with a cache: the prompt is read once, then each new token alone, at its place."""
    text, unread = list(prompt), list(prompt)
    for _ in range(n):
        scores = read(unread, len(text) - len(unread))
        text.append(int(scores.argmax()))
        unread = text[-1:]
    return text


def _writing(step: Callable[[Any, list[int], int, int], np.ndarray]) -> Callable[..., list[int]]:
    """A loop that asks `step(read, text, prompt_length, k)` for the scores of the k-th new token."""

    def wrong(read: Any, prompt: list[int], n: int) -> list[int]:
        text = list(prompt)
        for k in range(n):
            text.append(int(step(read, text, len(prompt), k).argmax()))
        return text

    return wrong


def _first_then(later: Callable[[Any, list[int], int, int], np.ndarray]) -> Callable[..., list[int]]:
    """Reads the prompt properly, then goes on by `later`."""
    return _writing(lambda read, text, n, k: read(text, 0) if k == 0 else later(read, text, n, k))


def _prompt_comes_first(probe: Probe, got: list[int], expected: list[int]) -> str | None:
    prompt = probe.args[1]
    if got[: len(prompt)] != prompt:
        return f"the text should begin with the prompt {prompt}; it begins with {got[: len(prompt)]}"
    return None


WRITE = Exercise(
    key="generation.write",
    task=(
        "Write write(read, prompt, n): greedy writing with a cache. read(ids, start) reads the list ids at "
        "places start, start + 1, …, remembers them, and gives the scores (V,) of the token after the last. "
        "Give the prompt and n new tokens as one list of ints; let nothing be read twice."
    ),
    reference=write,
    probes=lambda: [
        Probe("a prompt of three, four new tokens", (Reader(), [2, 5, 1], 4)),
        Probe("a prompt of one, five new tokens", (Reader(), [6], 5)),
    ],
    properties=(Property("the prompt comes first", _prompt_comes_first),),
    mistakes=(
        Mistake(
            "the whole text is read again for each token",
            why="The cache then holds everything several times over.",
            where="After the first time, read the newest token alone.",
            wrong=(
                _writing(lambda read, text, n, k: read(text, 0)),
                _writing(lambda read, text, n, k: read(text, k and len(text) - 1)),
            ),
        ),
        Mistake(
            "places are counted one too far",
            why="The newest token stands at len(text) − 1: places count from 0.",
            where="The second argument of read, after the prompt.",
            wrong=_first_then(lambda read, text, n, k: read(text[-1:], len(text))),
        ),
        Mistake(
            "places are counted one too short",
            why="The first new token is put at the place of the prompt's last one.",
            where="The second argument of read, after the prompt.",
            wrong=_first_then(lambda read, text, n, k: read(text[-1:], len(text) - 2)),
        ),
        Mistake(
            "every new token at place 0",
            why="The model is told that all of them stand at the beginning.",
            where="The second argument of read, after the prompt.",
            wrong=_first_then(lambda read, text, n, k: read(text[-1:], 0)),
        ),
        Mistake(
            "every new token at one place",
            why="The place must grow with the text.",
            where="The second argument of read: len(text) − 1, not len(prompt).",
            wrong=_first_then(lambda read, text, n, k: read(text[-1:], n)),
        ),
        Mistake(
            "only the prompt's last token is read",
            why="The cache is empty before it: the model has never seen the rest.",
            where="The first call takes the whole prompt.",
            wrong=_writing(lambda read, text, n, k: read(text[-1:], len(text) - 1)),
        ),
        Mistake(
            "the token before the newest is read",
            why="The newest is never seen, and the one before it twice.",
            where="Append first, then read text[-1:].",
            wrong=_first_then(lambda read, text, n, k: read(text[-2:-1], len(text) - 1)),
        ),
    ),
    hints=(
        "What has the model not read yet, before the first new token? And before the second?",
        "First the whole prompt from place 0, then only the newest token, at its place in the text.",
        "scores = read(unread, len(text) − len(unread)); append the argmax; unread = text[-1:].",
    ),
)

EXERCISES = [TOP_P, WRITE]
