"""Judging what a model tells: which stories are possible in the world, and which are new.

Teaches: exact hallucination. A text either is a story of the world or breaks at a certain word, and the
model's loss bounds how often it breaks (`most_impossible`). A model that has learned stories by heart tells
possible ones and no new ones, so what counts is possible *and* new. Leaves out: real text, where nobody knows
what is possible. Lesson 07 explains it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from llmasos_edu.tinyworld import TinyWorldError, World

from .breaks import kind_of

__all__ = ["Tally", "Verdict", "judge", "most_impossible", "tally", "told"]


@dataclass(frozen=True)
class Verdict:
    """What the world says of one text.

    Attributes:
        text: The text.
        language: Of the world that judged it: the one in which it reads furthest.
        new: Whether it is none of the stories that the model was trained on.
        nats: −ln of its probability in the world; infinite where it is impossible.
        kind: What broke, one of `KINDS`; "" where nothing did.
        sentence: Number of the sentence in which it breaks, from 1; 0 where nothing does.
        word: The first word that cannot stand where it stands.
        expected: The words that could.
        because: The world's own sentence about it.
    """

    text: str
    language: str
    new: bool
    nats: float
    kind: str = ""
    sentence: int = 0
    word: str = ""
    expected: tuple[str, ...] = ()
    because: str = ""

    @property
    def possible(self) -> bool:
        """Whether the world could have told it."""
        return not self.kind


def judge(
    texts: Iterable[str], worlds: World | Sequence[World], seen: Container[str] = frozenset()
) -> list[Verdict]:
    """Judge texts by the world, or by several worlds: each by the one in which it reads furthest.

    Args:
        texts: Whole stories, as `sample_stories` gives them.
        worlds: The world whose language the model learned, or one for each of its languages.
        seen: The stories that the model was trained on, such as from `told`.

    Returns:
        One verdict a text, in order.

    Raises:
        ValueError: If no world is given.

    Example:
        >>> (verdict,) = judge(["Mia had a red kite. Tom had a blue drum. Mia left the green"], World("en"))
        >>> verdict.kind, verdict.word, verdict.expected
        ('colour', ' green', (' red', ' blue'))
    """
    worlds = (worlds,) if isinstance(worlds, World) else tuple(worlds)
    if not worlds:
        raise ValueError('judge needs at least one world, such as World("en"); got none')
    lexicons = {world: frozenset(word.strip() for word in world.lexicon) for world in worlds}
    return [_verdict(text, _of(text, lexicons), text not in seen) for text in texts]


def _of(text: str, lexicons: dict[World, frozenset[str]]) -> World:
    """The world whose words the text begins with, the longest."""

    def known(world: World) -> int:
        return sum(1 for _ in takewhile(lambda w: w.strip() in lexicons[world], world.words(text)))

    return max(lexicons, key=known)


def _verdict(text: str, world: World, new: bool) -> Verdict:
    try:
        return Verdict(text, world.language, new, world.parse(text).nats)
    except TinyWorldError as error:
        kind, because = kind_of(world, error), str(error)
        return Verdict(
            text, world.language, new, math.inf, kind, error.sentence, error.word, error.expected, because
        )


@dataclass(frozen=True)
class Tally:
    """How many of the judged texts are what.

    Attributes:
        n: All of them.
        possible: Possible in the world.
        new: None of the stories trained on.
        possible_and_new: Both.
        different: Different texts among them.
        kinds: kind of break → how many, the most frequent first.
    """

    n: int
    possible: int
    new: int
    possible_and_new: int
    different: int
    kinds: dict[str, int]


def tally(verdicts: Iterable[Verdict]) -> Tally:
    """Count verdicts.

    Example:
        >>> tally(judge([World("en").story(3).text, "Mia Mia"], World("en"))).kinds
        {'grammar': 1}
    """
    verdicts = list(verdicts)
    kinds = Counter(verdict.kind for verdict in verdicts if not verdict.possible)
    return Tally(
        n=len(verdicts),
        possible=sum(verdict.possible for verdict in verdicts),
        new=sum(verdict.new for verdict in verdicts),
        possible_and_new=sum(verdict.possible and verdict.new for verdict in verdicts),
        different=len({verdict.text for verdict in verdicts}),
        kinds=dict(sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0]))),
    )


def told(worlds: Sequence[World], n: int) -> frozenset[str]:
    """The texts of stories 0 to n − 1, told by the worlds in turns: what tinyworld-base was trained on.

    It takes about 0.3 ms a story. Where that is too long: a possible story of c nats is among n stories
    drawn from the world with probability at most n · e^(−c), about 10⁻¹² for one of 38 nats and n = 100,000;
    so what is not new was learned by heart.

    Args:
        worlds: The worlds that take turns; story i is told by worlds[i % len(worlds)].
        n: How many stories.

    Returns:
        For `judge`.
    """
    return frozenset(worlds[i % len(worlds)].story(i).text for i in range(n))


def most_impossible(gap: float | int) -> float:
    """The largest share of impossible stories that a model with this gap can tell at temperature 1.

    The gap is KL(world ‖ model) in nats a story: the model's mean nats on the world's own stories, end mark
    included, less the floor. Let P be the world, Q the model, and A the possible stories, so P(A) = 1. Then

        Q(A) ≥ Σ_A P · (Q / P) = E_P[e^(ln Q − ln P)] ≥ e^(E_P[ln Q − ln P]) = e^(−gap)

    by Jensen's inequality: a story that the world tells and the model finds unlikely costs loss, and what the
    model gives to impossible stories it has to take from possible ones. Equality holds where Q is P inside A,
    scaled down: then the whole gap is nonsense. A model that also gets the frequencies of possible stories
    wrong spends gap on that, and tells fewer impossible ones. The reverse does not hold: a model that has
    learned one story by heart tells nothing impossible, at an enormous gap. It is the data-processing
    inequality for the question "possible?".

    Args:
        gap: Nats a story above the floor, at least 0 (a small negative one, as measured on a few
            stories, counts as 0).

    Returns:
        1 − e^(−gap).

    Source: Kullback & Leibler 1951, theorem 4.1 (a function of the data has no more divergence than the
    data); Cover & Thomas 2006, section 2.8.

    Example:
        >>> [round(most_impossible(gap), 2) for gap in (0.1, 0.5, 1.0, 4.0)]
        [0.1, 0.39, 0.63, 0.98]
    """
    if math.isnan(gap):
        raise ValueError("gap must be nats a story above the floor; got nan")
    return -math.expm1(-max(0.0, gap))
