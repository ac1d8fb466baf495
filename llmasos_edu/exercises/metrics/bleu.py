"""metrics.corpus_bleu: BLEU over a set of translations. Beside lesson 11.

Words are what stands between spaces. Leaves out: smoothing, several references, and how words are split, on
which the number hangs (`evaluation.bleu` leaves it to sacrebleu). Source: Papineni et al. 2002.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

Texts = Sequence[str]
Words = Sequence[Sequence[str]]


def runs(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """Every run of n words, and how often it stands."""
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def corpus_bleu(predictions: Texts, references: Texts) -> float:
    """BLEU of all texts together, in points from 0 to 100."""
    said, right = [text.split() for text in predictions], [text.split() for text in references]
    mean_log = 0.0
    for n in (1, 2, 3, 4):
        hits = sum((runs(a, n) & runs(b, n)).total() for a, b in zip(said, right, strict=True))
        if not hits:
            return 0.0
        mean_log += math.log(hits / sum(runs(a, n).total() for a in said)) / 4
    penalty = min(1.0, math.exp(1 - sum(map(len, right)) / sum(map(len, said))))
    return 100 * penalty * math.exp(mean_log)


def set_probes() -> list[Probe]:
    """Sets of good and bad, long and short sentences; full stops that touch their word; nothing in common."""
    kite, drum = "Mia gave the red kite to Tom in the park.", "Tom left the blue drum at the beach."
    return [
        Probe("a good and a fair sentence", ([kite, "Tom left a blue drum at the lake."], [kite, drum])),
        Probe("shorter than the references", (["Mia gave the red kite", drum], [kite, drum])),
        Probe(
            "longer than the references",
            (["In the end " + kite, "So " + drum + " And that is all of it."], [kite, drum]),
        ),
        Probe("one short, one long", (["Mia gave the red kite", "And then one day " + drum], [kite, drum])),
        Probe("a run said twice", (["the red kite the red kite the red kite to Tom", drum], [kite, drum])),
        Probe("one sentence", (["Mia gave the blue kite to Tom in the park."], [kite])),
        Probe("no run of four is shared", (["Mia gave a red kite to Max in the lake."], [kite]), edge=True),
        Probe("nothing is shared", (["So what"], [drum]), edge=True),
    ]


def _points(call: Probe, got: float, expected: float) -> str | None:
    if not 0 <= got <= 100:
        return f"BLEU lies between 0 and 100, but it is {number(got)}"
    if expected and got and abs(got * 100 - expected) < 1e-6 * expected:
        return f"got {number(got)}, a share; in points it is {number(expected)}"
    return None


def shared(a: Counter, b: Counter) -> int:
    """Runs in both, each as often as in the one that has it less often."""
    return (a & b).total()


def found(a: Counter, b: Counter) -> int:
    """Runs of the first that the second has, however often."""
    return sum(count for run, count in a.items() if run in b)


def geometric(shares: Sequence[float]) -> float:
    """The mean of logarithms, as a share; 0 where one is 0."""
    return math.exp(sum(map(math.log, shares)) / len(shares)) if all(shares) else 0.0


def brevity(said: int, right: int) -> float:
    """The penalty for being shorter than the references."""
    return min(1.0, math.exp(1 - right / said))


def bleu_with(
    hits: Callable[[Counter, Counter], int] = shared,
    mean: Callable[[Sequence[float]], float] = geometric,
    penalty: Callable[[int, int], float] = brevity,
    split: Callable[[str], Sequence[str]] = str.split,
    split_right: Callable[[str], Sequence[str]] | None = None,
    most: int = 4,
    of: int = 0,
    points: float = 100.0,
) -> Callable[[Texts, Texts], float]:
    """A BLEU with one of its parts replaced; `of` 1 divides by the runs of the references."""

    def bleu(predictions: Texts, references: Texts) -> float:
        said = [split(text) for text in predictions]
        right = [(split_right or split)(text) for text in references]
        shares = []
        for n in range(1, most + 1):
            pairs = [(runs(a, n), runs(b, n)) for a, b in zip(said, right, strict=True)]
            total = sum(pair[of].total() for pair in pairs)
            shares.append(sum(hits(*pair) for pair in pairs) / total if total else 0.0)
        lengths = (sum(map(len, each)) for each in (said, right))
        return points * penalty(*lengths) * mean(shares)

    return bleu


def _over_sentences(predictions: Texts, references: Texts) -> float:
    each = [corpus_bleu([a], [b]) for a, b in zip(predictions, references, strict=True)]
    return sum(each) / len(each)


def _log_of_nothing(shares: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, shares)) / len(shares))


def _stops_apart(text: str) -> list[str]:
    return text.replace(".", " .").split()


CORPUS_BLEU = Exercise(
    key="metrics.corpus_bleu",
    task="Write corpus_bleu(predictions, references) for two lists of texts, words being what stands between "
    "spaces: BLEU with runs of one to four words over all texts together, in points from 0 to 100.",
    reference=corpus_bleu,
    solution=(runs, corpus_bleu),
    probes=set_probes,
    properties=(Property("points", _points),),
    mistakes=(
        Mistake(
            "averaged over sentences",
            why="A sentence without one right run of four words counts 0; BLEU adds the counts of all first.",
            where="Where the division stands: after the loop over sentences, not inside.",
            wrong=_over_sentences,
        ),
        Mistake(
            "no brevity penalty",
            why="Saying only what is certain would win: precision knows nothing of what is left out.",
            where="The last line: min(1, exp(1 − reference length / predicted length)).",
            wrong=bleu_with(penalty=lambda said, right: 1.0),
        ),
        Mistake(
            "long answers are rewarded",
            why="Without min(1, …) the penalty grows above 1 where the answers are longer.",
            where="The penalty: never above 1.",
            wrong=bleu_with(penalty=lambda said, right: math.exp(1 - right / said)),
        ),
        Mistake(
            "the lengths in the penalty are exchanged",
            why="Then long answers are punished and short ones are not.",
            where="The penalty's fraction: the references' length is above.",
            wrong=bleu_with(penalty=lambda said, right: min(1.0, math.exp(1 - said / right))),
        ),
        Mistake(
            "the penalty is the plain ratio of lengths",
            why="BLEU's penalty is exp(1 − r/c), which falls faster than c/r.",
            where="The penalty: where is the exponential?",
            wrong=bleu_with(penalty=lambda said, right: min(1.0, said / right)),
        ),
        Mistake(
            "a repeated run counts too often",
            why="the the the would have a precision of 1; each run of the reference can be used only once.",
            where="The hits: the smaller of the two counts, Counter & Counter.",
            wrong=bleu_with(hits=found),
        ),
        Mistake(
            "the plain mean of the four precisions",
            why="The geometric mean lies near the smallest; the plain one hides that no long run is right.",
            where="The mean: of the logarithms, then the exponential.",
            wrong=bleu_with(mean=lambda shares: sum(shares) / len(shares)),
        ),
        Mistake(
            "single words alone",
            why="Words in any order would do; runs of up to four are what sees order.",
            where="The loop over n: 1, 2, 3, 4.",
            wrong=bleu_with(most=1),
        ),
        Mistake(
            "letters for words",
            why="A text is a row of letters until it is split, and runs of letters are found everywhere.",
            where="The beginning: text.split().",
            wrong=bleu_with(split=list),
        ),
        Mistake(
            "one side is tokenised and the other raw",
            why='"park ." and "park." are then other words, and every sentence loses its last runs.',
            where="Both sides must be split in the same way.",
            wrong=(bleu_with(split_right=_stops_apart), bleu_with(split=_stops_apart, split_right=str.split)),
        ),
        Mistake(
            "recall for precision",
            why="Divided by the runs of the references, longer answers cost nothing.",
            where="The division: how many runs has what was said?",
            wrong=bleu_with(of=1),
        ),
        Mistake(
            "a share, not points",
            why="BLEU is given from 0 to 100.",
            where="The last line: times 100.",
            wrong=bleu_with(points=1.0),
        ),
        Mistake(
            "the logarithm of no hits",
            why="Where no run of some length is shared, log 0 has no value; BLEU is 0 there.",
            where="Before the logarithm: no hits, BLEU 0.",
            wrong=bleu_with(mean=_log_of_nothing),
        ),
    ),
    hints=(
        "How many runs of n words has all that was said, and how many of them do the references have?",
        "Add hits and totals over all sentences for each n; then a mean of four logarithms and the penalty.",
        "100 · min(1, exp(1 − r/c)) · exp(mean of log(hits/total) for n = 1 … 4); 0 where there are no hits.",
    ),
)
