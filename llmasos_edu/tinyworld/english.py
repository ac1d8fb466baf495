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
    "was": ("S was L .",),
    "went": ("1 | S went to D .", "1 placed | S went from O to D ."),
    "walked": ("S walked to D .",),
    "ran": ("S ran to D .",),
    "hurried": ("S hurried to D .",),
    "took": ("S took T to D .",),
    "carried": ("S carried T to D .",),
    "left": ("S left T L .",),
    "lost": ("S lost T L .",),
    "hid": ("S hid T L .",),
    "picked_up": ("S picked up TX L .",),
    "found": ("S found T L .",),
    "saw": ("S saw T L .",),
    "gave": ("2 | S gave T to R .", "1 | S gave R TX ."),
    "showed": ("2 | S showed T to R .", "1 | S showed R TX ."),
    "borrowed": ("S borrowed T from R .",),
    "used": ("2 | S U T .", "1 placed | S U T L ."),
    "wanted": ("S wanted T .",),
    "looked": ("S looked for T L .",),
    "asked": ("S asked R where T was .",),
    "said_place": ("S said that it was L .",),
    "said_has": ("S said that R had it .",),
    "said_self": ("S said that P had it .",),
    "not_know": ("S did not know .",),
    "met": ("S met R L .",),
    "helped": ("S helped R L .",),
    "thanked": ("S thanked R .",),
    "smiled": ("S smiled .",),
    "laughed": ("S laughed .",),
    "danced": ("S danced .",),
    "cheered": ("S cheered .",),
    "sighed": ("S sighed .",),
    "cried": ("S cried .",),
    "frowned": ("S frowned .",),
    "waited": ("S waited L .",),
    "sang": ("S sang L .",),
    "slept": ("S slept L .",),
    "rested": ("S rested L .",),
    "sat": ("S sat L .",),
    "whistled": ("S whistled L .",),
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
            self.memo[key] = self.forms((5, who), (4 if pronoun else 0, she), (2 if job else 0, f"The {job}"))
        return self.memo[key]

    def T(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """The thing: with its colour, without, as somebody's, or "it" where it has just been named."""
        if len(event) < 4:
            return None
        return self.thing(event, state, state.last is not None and state.last.thing == event[2])

    def TX(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """The thing where "it" cannot stand: picked up it, gave Tom it."""
        return None if len(event) < 4 else self.thing(event, state, False)

    def thing(self, event: tuple[Any, ...], state: State, it: bool) -> Forms:
        """The forms of a thing, made once for each context; nobody gives "Tom's drum" to Tom."""
        who, kind, thing, other = event[:4]
        colour, owner = state.colour[thing], state.owner[thing]
        clear = other != owner and (kind != "asked" or who != owner)  # whose is "her" in: Mia asked Anna …
        key = ("T", thing, colour, who, owner, clear, it)
        if key not in self.memo:
            own = who == owner
            whose = PRONOUNS[self.world.pronoun(who)][1] if own else f"{owner} 's"
            self.memo[key] = self.forms(
                (6, f"the {colour} {thing}"),
                (1, f"the {thing}"),
                (0 if not clear else 2 if own else 1, f"{whose} {colour} {thing}"),
                (4 if it else 0, "it"),
            )
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

    def P(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """The subject again, as a pronoun: Mia said that she had it."""
        return self.fixed("P", event, 0, lambda who: PRONOUNS[self.world.pronoun(who)][0].lower())

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
        return None if len(event) < 3 else self.forms((1, " ".join(self.fate(event[2], state))))

    def G(self, event: tuple[Any, ...], state: State) -> Forms | None:
        """What became of the second thing: short where it is the same."""
        if len(event) < 4:
            return None
        (first, did, what), (second, does, thing) = self.fate(event[2], state), self.fate(event[3], state)
        text = f"{second} {does} {thing}"
        if (did, what) == (does, thing):
            text = f"so {' '.join([does.split()[0], second])}"
        elif first == second:
            text = thing
        return self.forms((1, text))

    def fate(self, thing: str, state: State) -> tuple[str, str, str]:
        """Where a thing is at the end of a story, or who has it: (subject, verb, rest)."""
        name = f"the {state.colour[thing]} {thing}"
        lies = state.lies[thing]
        if lies is None:
            return state.holder[thing] or state.owner[thing], "had", name
        lost = thing in state.missing and state.missing[thing][0] == "lost"
        return name, "was", "still lost" if lost else self.where(lies)

    def name(self, entry: str) -> str:
        """The English name: the entry itself."""
        return entry

    def where(self, place: str) -> str:
        """In the park, at the beach, on the hill."""
        return f"{self.world.place(place).preposition} the {place}"

    def story_words(self) -> set[str]:
        """Every word of the stories; names also without a space, as they open a story."""
        names = [e.name for e in self.world.entries.values()] + [t.use for t in self.world.things]
        other = self.words("the The a an was still lost had so 's it in at on")
        pronouns = [w for forms in PRONOUNS.values() for w in (*forms[:2], forms[0].lower())]
        return (
            self.literals() | {self.word(w) for w in (*names, *pronouns)} | set(other) | set(self.world.names)
        )
