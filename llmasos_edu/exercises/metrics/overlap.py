"""metrics.token_f1: how many words an answer shares with the reference. Beside lesson 13.

Words are what stands between spaces, so that the exercise is about counting; the package's own
(`evaluation.f1`) drops case, punctuation and articles before. Leaves out: order, which F1 does not see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number


def token_f1(prediction: str, reference: str) -> float:
    """The harmonic mean of precision and recall over the words that both texts have.

    Example:
        >>> round(token_f1("the red kite", "the kite"), 3)  # precision 2/3, recall 2/2
        0.8
    """
    said, right = Counter(prediction.split()), Counter(reference.split())
    shared = (said & right).total()
    if not shared:
        return 0.0
    precision, recall = shared / said.total(), shared / right.total()
    return 2 * precision * recall / (precision + recall)


def pair_probes() -> list[Probe]:
    """A wrong word, repeated words, long and short answers, another order; nothing shared, no answer."""
    return [
        Probe("one word of five is wrong", ("Mia has the red kite", "Mia has the blue kite")),
        Probe("a word said three times", ("the the the red kite", "the kite in the park is red")),
        Probe("a long answer", ("It is in the big green park today", "It is in the park")),
        Probe("a short answer", ("the park", "It is in the park")),
        Probe("the words in another order", ("Tom gave Mia it", "Mia gave Tom it")),
        Probe(
            "a repeated word and more words", ("in the park the kite", "the park and the hill and the farm")
        ),
        Probe("no word is shared", ("It is red", "Nobody knows"), edge=True),
        Probe("an empty answer", ("", "It is in the park"), edge=True),
    ]


def between_0_and_1(call: Probe, got: float, expected: float) -> str | None:
    """A share is a share."""
    return None if 0 <= got <= 1 else f"a share lies between 0 and 1, but it is {number(got)}"


def _equal_texts_alone_get_1(call: Probe, got: float, expected: float) -> str | None:
    if (got == 1) != (expected == 1):
        what = "the same words" if expected == 1 else "other words"
        return f"{call.args[0]!r} has {what}, but got {number(got)}, expected {number(expected)}"
    return None


def scored(
    hits: Callable[[Sequence[str], Sequence[str]], float],
    mean: Callable[[float, float], float] = lambda p, r: 2 * p * r / (p + r),
    split: Callable[[str], Sequence[str]] = str.split,
    empty: float = 0.0,
    guarded: bool = True,
) -> Callable[[str, str], float]:
    """An F1 with its parts replaced: how hits are counted, how the two shares are joined, what a word is.

    Where nothing is shared it is `empty`, or is divided all the same where it is not `guarded`.
    """

    def f1(prediction: str, reference: str) -> float:
        said, right = split(prediction), split(reference)
        shared = hits(said, right)
        return mean(shared / len(said), shared / len(right)) if shared or not guarded else empty

    return f1


def multiset(said: Sequence[str], right: Sequence[str]) -> int:
    """Words in both, each as often as in the one that has it less often."""
    return (Counter(said) & Counter(right)).total()


def _of_sets(prediction: str, reference: str) -> float:
    said, right = set(prediction.split()), set(reference.split())
    return 2 * len(said & right) / (len(said) + len(right))


def _both_ways(prediction: str, reference: str) -> float:
    said, right = prediction.split(), reference.split()
    p = sum(word in right for word in said) / max(len(said), 1)
    r = sum(word in said for word in right) / len(right)
    return 2 * p * r / (p + r) if p + r else 0.0


def _over_union(prediction: str, reference: str) -> float:
    said, right = Counter(prediction.split()), Counter(reference.split())
    return (said & right).total() / (said | right).total()


TOKEN_F1 = Exercise(
    key="metrics.token_f1",
    task="Write token_f1(prediction, reference) for two texts: the harmonic mean of precision and recall "
    "over their words (what stands between spaces). A repeated word counts as often as both have it.",
    reference=token_f1,
    probes=pair_probes,
    properties=(
        Property("between 0 and 1", between_0_and_1),
        Property("1 for the same words alone", _equal_texts_alone_get_1),
    ),
    mistakes=(
        Mistake(
            "letters are counted, not words",
            why="A text is a row of letters until it is split; any two English texts share most letters.",
            where="What goes into the counting: text.split(), or the text itself?",
            wrong=(
                scored(multiset, split=list),
                scored(multiset, split=lambda text: list(text.replace(" ", ""))),
            ),
        ),
        Mistake(
            "a repeated word counts once",
            why="A set forgets how often a word stands; the shares are over words, not kinds of words.",
            where="set(…): a Counter keeps the numbers.",
            wrong=(_of_sets, scored(lambda said, right: len(set(said) & set(right)))),
        ),
        Mistake(
            "a repeated word counts too often",
            why="Whoever says the three times is paid three times for one the in the reference.",
            where="word in reference: each word of the reference can be used only once.",
            wrong=(scored(lambda said, right: sum(word in right for word in said)), _both_ways),
        ),
        Mistake(
            "precision alone",
            why="A short answer that leaves most out gets full marks.",
            where="The result: what share of the reference was found?",
            wrong=scored(multiset, lambda p, r: p),
        ),
        Mistake(
            "recall alone",
            why="An answer that says everything gets full marks.",
            where="The result: what share of the answer was wanted?",
            wrong=scored(multiset, lambda p, r: r),
        ),
        Mistake(
            "the plain mean of precision and recall",
            why="The harmonic mean lies near the smaller of the two; the plain one forgives it.",
            where="The last line: 2·P·R / (P + R).",
            wrong=scored(multiset, lambda p, r: (p + r) / 2),
        ),
        Mistake(
            "the 2 is missing",
            why="P·R / (P + R) is half of the harmonic mean: a perfect answer gets 0.5.",
            where="The last line.",
            wrong=scored(multiset, lambda p, r: p * r / (p + r)),
        ),
        Mistake(
            "shared words over all words of both",
            why="That is Jaccard's index, smaller than F1 wherever the texts differ.",
            where="The division: the union is no part of F1.",
            wrong=_over_union,
        ),
        Mistake(
            "words are compared place by place",
            why="One word more at the front moves all the others, and none is found.",
            where="zip(said, right): F1 does not know of places.",
            wrong=scored(lambda said, right: sum(a == b for a, b in zip(said, right, strict=False))),
        ),
        Mistake(
            "nothing shared divides by zero",
            why="With no shared word precision and recall are 0, and so is what you divide by.",
            where="Before the division: where nothing is shared, F1 is 0.",
            wrong=scored(multiset, guarded=False),
        ),
        Mistake(
            "an answer that shares nothing is right",
            why="An empty or a foreign answer must not win.",
            where="What is returned where nothing is shared.",
            wrong=scored(multiset, empty=1.0),
        ),
    ),
    hints=(
        "Which words do both have, and how often? What share is that of the answer, and of the reference?",
        "Counter(a) & Counter(b) keeps the smaller of two counts; .total() adds them up.",
        "shared = (said & right).total(); precision is shared / said.total(), recall shared / right.total().",
    ),
)
