"""TinyWorld in English: the templates and the forms of each slot.

Teaches: articles (a kite, an orange kite), prepositions (in the park, at the beach, on the hill), pronouns
only where they are clear, and facts that recur. Lesson 02 explains it.
"""

from __future__ import annotations

import re
from typing import Any

from .grammar import Forms, Grammar
from .state import State
from .vocabulary import PRONOUNS

__all__ = ["English", "article"]

#: S subject · T thing, TX thing but not "it" · R other person · L in the park · D, O the park, where one
#: goes to and comes from · A a red kite · J a baker · U flew, played … · F, G what became of two things
LINES = {
    "had": ("S had A .",),
    "job": ("S was J .",),
    "with": ("S was L with A .",),
    "went": ("1 | S went to D .", "1 placed | S went from O to D ."),
    "walked": ("S walked to D .",),
    "ran": ("S ran to D .",),
    "hurried": ("S hurried to D .",),
    "wandered": ("S wandered to D .",),
    "waited": ("S waited L .",),
    "sang": ("S sang L .",),
    "slept": ("S slept L .",),
    "rested": ("S rested L .",),
    "sat": ("S sat L .",),
    "whistled": ("S whistled L .",),
    "danced": ("S danced L .",),
    "took": ("S took T to D .",),
    "carried": ("S carried T to D .",),
    "used": ("S U T L .",),
    "left": ("S left T L .",),
    "put": ("S put down TX L .",),
    "hid": ("S hid T L .",),
    "dropped": ("S dropped T L .",),
    "lost": ("S lost T L .",),
    "found": ("S found T L .",),
    "picked_up": ("S picked up TX L .",),
    "saw": ("S saw T L .",),
    "looked": ("S looked for T .",),
    "wanted": ("S wanted T .",),
    "met": ("S met R L .",),
    "gave": ("2 | S gave T to R .", "1 | S gave R TX ."),
    "showed": ("2 | S showed T to R .", "1 | S showed R TX ."),
    "borrowed": ("S borrowed T from R .",),
    "asked": ("S asked R where T was .",),
    "said_place": ("S said it was L .",),
    "not_know": ("S did not know .",),
    "helped": ("S helped R .",),
    "thanked": ("S thanked R .",),
    "smiled": ("S smiled .",),
    "laughed": ("S laughed .",),
    "cheered": ("S cheered .",),
    "sighed": ("S sighed .",),
    "cried": ("S cried .",),
    "frowned": ("S frowned .",),
    "ending": ("In the end F and G .",),
}


def article(word: str) -> str:
    """The indefinite article that a word takes, by its first sound.

    Example:
        >>> article("orange"), article("kite"), article("hourglass"), article("unicorn")
        ('an', 'a', 'an', 'a')
    """
    if re.match(r"(hour|honest|heir)", word):
        return "an"
    return "an" if re.match(r"[aeiou]", word) and not re.match(r"(uni(?!m)|use|eu|one)", word) else "a"


class English(Grammar):
    """The grammar of English stories."""

    language = "en"
    lines = LINES

    def word(self, word: str) -> str:
        """A space before a word, none before punctuation."""
        return word if word in (".", ",", "?", "'s") else " " + word

    def split(self, text: str) -> list[str]:
        """English words with their leading space; the possessive 's and punctuation stand alone."""
        return re.findall(r"<\|\w+\|>|'s\b| ?[^\W\d_]+| ?[^\w\s]|\s?\S+?|\s", text)

    def S(self, event: tuple[Any, ...], state: State) -> Forms:
        """The subject: name, pronoun where it is clear, or job where it was told."""
        who = event[0]
        pronoun, job = self.clear(who, state), state.job.get(who)
        key = ("S", who, pronoun, job)
        if key not in self.memo:
            she = PRONOUNS[self.world.pronoun(who)][0]
            self.memo[key] = self.forms((6, who), (3 if pronoun else 0, she), (1 if job else 0, f"The {job}"))
        return self.memo[key]

    def T(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """The thing with its colour, or "it" where it has just been named."""
        return None if len(event) < 4 else self.thing(event[2], state, self.just_named(event[2], state))

    def TX(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """The thing where "it" cannot stand: picked up it, gave Tom it."""
        return None if len(event) < 4 else self.thing(event[2], state, False)

    def thing(self, thing: str, state: State, it: bool) -> Forms:
        """The forms of a thing, made once for each context."""
        key = ("T", thing, state.colour[thing], it)
        if key not in self.memo:
            self.memo[key] = self.forms((3, f"the {state.colour[thing]} {thing}"), (1 if it else 0, "it"))
        return self.memo[key]

    def A(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """Something new: a red kite, an orange kite."""
        if len(event) < 6:
            return None
        key = ("A", event[2], event[5])
        if key not in self.memo:
            self.memo[key] = self.forms((1, f"{article(event[5])} {event[5]} {event[2]}"))
        return self.memo[key]

    def J(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """A job: a baker, an artist."""
        return self.fixed("J", event, 5, lambda job: f"{article(job)} {job}")

    def R(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """The other person's name."""
        return self.fixed("R", event, 3, str)

    def L(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """Where: in the park."""
        return self.fixed("L", event, 4, self.where)

    def D(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """Where to: the park."""
        return self.fixed("D", event, 4, lambda place: f"the {place}")

    def O(self, event: tuple[Any, ...], state: State) -> Forms | None:  # noqa: E743
        """Where from: the place that the subject leaves."""
        return self.fixed("D", (state.at[event[0]],), 0, lambda place: f"the {place}")

    def U(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """What one does with the thing: flew, played."""
        return self.fixed("U", event, 2, lambda thing: self.world.thing(thing).use)

    def F(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """What became of the first thing."""
        return None if len(event) < 3 else self.forms((1, " was ".join(self.fate(event[2], state))))

    def G(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """What became of the second thing: short where it is the same."""
        if len(event) < 4:
            return None
        (_, first), (thing, second) = self.fate(event[2], state), self.fate(event[3], state)
        return self.forms((1, f"so was {thing}" if first == second else f"{thing} was {second}"))

    def fate(self, thing: str, state: State) -> tuple[str, str]:
        """A thing, and where it is at the end of a story or who has it."""
        name, lies = f"the {state.colour[thing]} {thing}", state.lies[thing]
        if lies is None:
            return name, f"with {state.holder[thing] or state.owner[thing]}"
        return name, "still lost" if thing in state.lost else self.where(lies)

    def name(self, entry: str) -> str:
        """The English name: the entry itself."""
        return entry

    def where(self, place: str) -> str:
        """In the park, at the beach, on the hill."""
        return f"{self.world.place(place).preposition} the {place}"

    def story_words(self) -> set[str]:
        """Every word of the stories; names also without a space, as they open a story."""
        names = [e.name for e in self.world.entries.values()] + [t.use for t in self.world.things]
        other = self.words("the The a an was with still lost so it in at on")
        pronouns = [forms[0] for forms in PRONOUNS.values()]
        return (
            self.literals() | {self.word(w) for w in (*names, *pronouns)} | set(other) | set(self.world.names)
        )
