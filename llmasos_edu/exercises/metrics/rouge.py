"""metrics.rouge_l: the longest common subsequence of a summary and its reference. Beside lesson 12.

Words are what stands between spaces. Leaves out: stemming, and summaries of several sentences. Source: Lin
2004, with recall and precision weighed alike, as rouge-score does.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.exercises.metrics.overlap import between_0_and_1, multiset, scored


def common(a: Sequence[str], b: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(b) + 1)  # row[j]: of what was read of a, and the first j words of b
    for word in a:
        before, row = row, [0]
        for j, other in enumerate(b):
            row.append(before[j] + 1 if word == other else max(before[j + 1], row[j]))
    return row[-1]


def rouge_l(prediction: str, reference: str) -> float:
    """The harmonic mean of the shares that the longest common subsequence has of both texts.

    Example:
        >>> round(rouge_l("the red kite", "the kite"), 3)  # "the kite" stands in both, in this order
        0.8
    """
    said, right = prediction.split(), reference.split()
    length = common(said, right)
    if not length:
        return 0.0
    precision, recall = length / len(said), length / len(right)
    return 2 * precision * recall / (precision + recall)


def summary_probes() -> list[Probe]:
    """Words left out in the middle, words exchanged, repeated words, long and short; nothing in common."""
    gave = "Mia gave the red kite to Tom"
    return [
        Probe("one word left out in the middle", ("Mia gave the kite to Tom", gave)),
        Probe("who gave and who got exchanged", ("Tom gave the red kite to Mia", gave)),
        Probe("the first word stands late", ("Tom Mia gave the red kite", gave)),
        Probe("words repeated", ("the the kite kite to to Tom", "the kite to Tom the kite")),
        Probe("long", ("In the end Mia gave the old red kite to Tom at last", gave)),
        Probe("short", ("the kite", gave)),
        Probe("nothing is shared", ("nobody sang", gave), edge=True),
        Probe("an empty summary", ("", gave), edge=True),
    ]


def longest_run(a: Sequence[str], b: Sequence[str]) -> int:
    """The length of the longest row of words that stands in both without a gap."""
    return SequenceMatcher(None, a, b, autojunk=False).find_longest_match().size


def greedy(a: Sequence[str], b: Sequence[str]) -> int:
    """Each word of `a`, looked for behind the last one found: a common subsequence, not the longest."""
    at = hits = 0
    for word in a:
        if word in b[at:]:
            at, hits = b.index(word, at) + 1, hits + 1
    return hits


def _reused(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for word in a:
        before, row = row, [0]
        for j, other in enumerate(b):
            row.append(max(before[j + 1], row[j]) + (word == other))
    return row[-1]


def _over_the_longer(prediction: str, reference: str) -> float:
    said, right = prediction.split(), reference.split()
    return common(said, right) / max(len(said), len(right))


ROUGE_L = Exercise(
    key="metrics.rouge_l",
    task="Write rouge_l(prediction, reference) for two texts, words being what stands between spaces: the "
    "harmonic mean of the shares that their longest common subsequence has of each of them.",
    reference=rouge_l,
    solution=(common, rouge_l),
    probes=summary_probes,
    properties=(Property("between 0 and 1", between_0_and_1),),
    mistakes=(
        Mistake(
            "the order is not looked at",
            why="Shared words are ROUGE-1; who gave and who got can be exchanged without a loss.",
            where="The count: a subsequence keeps the order of both texts.",
            wrong=scored(multiset),
        ),
        Mistake(
            "the longest run without a gap",
            why="A subsequence may leave words out; one word more in the middle must not cut it in two.",
            where="The table: where two words differ, the best so far goes on, not 0.",
            wrong=scored(longest_run),
        ),
        Mistake(
            "the first that fits is taken",
            why="Taking each word as soon as it fits can use up the rest of the other text.",
            where="The choice: leaving a word out is sometimes better; the table tries both.",
            wrong=(scored(greedy), scored(lambda a, b: greedy(b, a))),
        ),
        Mistake(
            "a word is used twice",
            why="Where two words agree, the length before both of them goes on, so that each is used once.",
            where="The table: where words agree, one more than the place diagonally before.",
            wrong=scored(_reused),
        ),
        Mistake(
            "letters for words",
            why="A text is a row of letters until it is split.",
            where="The beginning: text.split().",
            wrong=scored(common, split=list),
        ),
        Mistake(
            "precision alone",
            why="Two words of the reference in their order would be a perfect summary.",
            where="The result: what share of the reference was found?",
            wrong=scored(common, lambda p, r: p),
        ),
        Mistake(
            "recall alone",
            why="A text that says everything would be a perfect summary.",
            where="The result: what share of the summary was wanted?",
            wrong=scored(common, lambda p, r: r),
        ),
        Mistake(
            "the plain mean of precision and recall",
            why="The harmonic mean lies near the smaller of the two; the plain one forgives it.",
            where="The last line: 2·P·R / (P + R).",
            wrong=scored(common, lambda p, r: (p + r) / 2),
        ),
        Mistake(
            "divided by the longer text alone",
            why="That is the smaller of precision and recall, not their harmonic mean.",
            where="The last line: two shares, one of each text.",
            wrong=_over_the_longer,
        ),
        Mistake(
            "nothing shared divides by zero",
            why="With nothing in common precision and recall are 0, and so is what you divide by.",
            where="Before the division: where nothing is shared, ROUGE-L is 0.",
            wrong=scored(common, guarded=False),
        ),
    ),
    hints=(
        "Cross out words in both texts until the same is left: how long can it be? Try it with five words.",
        "A table: the longest for the first i and the first j words follows from three of its neighbours.",
        "Words agree: table[i-1][j-1] + 1; else max(table[i-1][j], table[i][j-1]). Then shares, as in F1.",
    ),
)
