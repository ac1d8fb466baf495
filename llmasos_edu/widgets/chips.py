"""The chips game: put 100 chips on what may come next, and pay for what did.

Teaches that a prediction is a whole distribution, and that −log of the share on what came is its honest
price: the same for the reader, for an n-gram, and for the truth. No candidate may hold 0 chips, for then its
price could be infinite. Chips are moved and paid for in the browser. Explained in lesson 02.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import traitlets

from llmasos_edu.probability import NGram, entropy, kl_divergence
from llmasos_edu.tinyworld import END, World
from llmasos_edu.widgets.base import Widget, assemble

__all__ = ["OTHER", "ChipsGame", "NextWord", "Round", "believers_of", "places_worth_asking", "rounds_of"]

NextWord = Callable[[Sequence[str]], Mapping[str, float]]
CHIPS = 100
OTHER = "(another word)"


@dataclass(frozen=True)
class Round:
    """One word to guess.

    Attributes:
        context: The text before it.
        candidates: What may come, at least two.
        answer: Index of the candidate that came.
        beliefs: For each believer its probability of every candidate.
        word: The word that came, shown where the candidate is "(another word)".
    """

    context: str
    candidates: list[str]
    answer: int
    beliefs: dict[str, list[float]]
    word: str = ""


def believers_of(world: World, n_stories: int = 4000) -> dict[str, NextWord]:
    """Whom to play against: a bigram, a trigram and a 5-gram, counted on stories of a world, and the world.

    Args:
        world: Whose stories.
        n_stories: How many are counted, of its training seeds.

    Returns:
        "bigram", "trigram", "5-gram" and "exact" → function from the words so far to the distribution of the
        next word.
    """
    stories = [[*world.story(seed).words, END] for seed in range(n_stories)]
    vocab = sorted({word for story in stories for word in story})
    sizes = {"bigram": 2, "trigram": 3, "5-gram": 5}
    believers: dict[str, NextWord] = {name: NGram(n, vocab).fit(stories).next for name, n in sizes.items()}
    return {**believers, "exact": lambda words: world.next_word("".join(words))}


def rounds_of(
    words: Sequence[str],
    places: Sequence[int],
    believers: Mapping[str, NextWord],
    n_candidates: int = 6,
) -> list[Round]:
    """Make rounds from a text: the likeliest candidates at each place, and one for all other words.

    Args:
        words: The text's words, with their spaces.
        places: Which words are to be guessed, as indices into `words`, ascending.
        believers: Name → function from the words so far to the distribution of the next word.
        n_candidates: Words to choose from; the mean of the believers picks them, the alphabet orders them.

    Returns:
        One round a place.

    Raises:
        ValueError: If a place is outside the text, or there is no believer.
    """
    if not believers:
        raise ValueError("the game needs at least one believer to play against")
    rounds = []
    for place in places:
        if not 0 <= place < len(words):
            raise ValueError(f"places must lie in 0 … {len(words) - 1}; got {place}")
        before = list(words[:place])
        beliefs = {name: next_word(before) for name, next_word in believers.items()}
        everything = sorted(set().union(*beliefs.values()))
        mean = {w: sum(p.get(w, 0.0) for p in beliefs.values()) for w in everything}
        best = sorted(sorted(everything, key=mean.__getitem__, reverse=True)[:n_candidates])
        shares = {
            name: [*(p.get(w, 0.0) for w in best), math.fsum(q for w, q in p.items() if w not in best)]
            for name, p in beliefs.items()
        }
        answer = best.index(words[place]) if words[place] in best else len(best)
        rounds.append(Round("".join(before), [*best, OTHER], answer, shares, words[place]))
    return rounds


def places_worth_asking(words: Sequence[str], truth: NextWord, rival: NextWord, n: int = 12) -> list[int]:
    """Places of a text where a guess is worth making: half where the rival errs most, half where all is open.

    Args:
        words: The text's words.
        truth: The exact distribution of the next word.
        rival: A model's, with a probability for every word of `truth`.
        n: How many places, the first fifth of the text left out.

    Returns:
        Indices into `words`, ascending: the n // 2 with the largest divergence of the rival from the truth,
        and of the others those with the largest entropy. They depend on the two lists, not on what came.

    Raises:
        ValueError: If the text has fewer such places.
    """
    places = list(range(len(words) // 5, len(words)))
    if not 1 <= n <= len(places):
        raise ValueError(f"the text has {len(places)} places to ask for; got n = {n}")
    fault, choice = {}, {}
    for i in places:
        p, q = truth(words[:i]), rival(words[:i])
        order = list(q)
        exact = [p.get(w, 0.0) for w in order]
        fault[i], choice[i] = kl_divergence(exact, [q[w] for w in order]), entropy(exact)
    far = sorted(places, key=fault.__getitem__)[len(places) - n // 2 :]
    others = sorted(set(places) - set(far))
    return sorted([*far, *sorted(others, key=choice.__getitem__)[len(others) - (n - n // 2) :]])


class ChipsGame(Widget):
    """The game, played round by round; what everybody pays piles up.

    Attributes:
        costs: Nats that the reader paid for each word shown so far.
    """

    _esm = assemble("chips")
    rounds = traitlets.List(traitlets.Dict()).tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    costs = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(self, rounds: Sequence[Round]) -> None:
        """Lay out the rounds.

        Args:
            rounds: As `rounds_of` makes them; all with the same believers.

        Raises:
            ValueError: If there is no round, or one that cannot be played.
        """
        if not rounds:
            raise ValueError("the game needs at least one round")
        for i, r in enumerate(rounds):
            self._check(i, r, rounds[0])
        super().__init__(rounds=[asdict(r) for r in rounds])

    @staticmethod
    def _check(i: int, r: Round, first: Round) -> None:
        n = len(r.candidates)
        if not 2 <= n <= CHIPS or not 0 <= r.answer < n:
            raise ValueError(
                f"round {i} needs 2 to {CHIPS} candidates and an answer among them; got {n} and {r.answer}"
            )
        if list(r.beliefs) != list(first.beliefs):
            raise ValueError(
                f"round {i} must have the believers {list(first.beliefs)}; got {list(r.beliefs)}"
            )
        for name, shares in r.beliefs.items():
            if len(shares) != n or abs(math.fsum(shares) - 1) > 1e-6:
                raise ValueError(
                    f"round {i}: {name}'s belief must give each of the {n} candidates a probability that sum "
                    f"to 1; got {len(shares)} with a sum of {math.fsum(shares):.6g}"
                )

    def paid(self, believer: str, rounds: int | None = None) -> float:
        """Nats that a believer paid for the first `rounds` words, for all of them by default."""
        played = self.rounds[:rounds]
        return math.fsum(-math.log(r["beliefs"][believer][r["answer"]] or 5e-324) for r in played)

    def text(self) -> str:
        """How the game stands, and what the believers pay for all words."""
        n, k = len(self.rounds), len(self.costs)
        names = list(self.rounds[0]["beliefs"])
        if k:
            others = ", ".join(f"{name} {self.paid(name, k):.1f}" for name in names)
            first = f"After {k} of {n} words you paid {math.fsum(self.costs):.1f} nats; {others}."
        else:
            first = f"Word 1 of {n}: 100 chips to place, nothing paid yet."
        everything = ", ".join(f"{name} {self.paid(name):.1f}" for name in names)
        return f"{first}\nFor all {n} words in nats: {everything}."

    def static_html(self) -> str:
        """The first word to guess, with its candidates; no answer."""
        r = self.rounds[0]
        candidates = "".join(f"<li>{html.escape(c.strip())}</li>" for c in r["candidates"])
        return f"<p>{html.escape(r['context'])} <b>____</b></p><ul>{candidates}</ul>"
