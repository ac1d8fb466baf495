"""From an event to words, and back: templates whose slots are filled in a few ways each.

Teaches: how a sentence is made. A kind of event has one or two templates; a template is a row of words and
slots; a slot (``S`` the subject, ``T`` the thing, ``L`` in the park …) offers forms with weights, such as
a name or a pronoun, as far as the state allows. `Grammar.say` chooses, `Grammar.match` walks a given text.
Leaves out: the tables of each language (`english`, `chinese`). Lesson 02 explains it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .choices import Chooser
from .phrases import PHRASES
from .setting import Setting
from .state import Event, State

__all__ = ["Form", "Forms", "Grammar", "Match", "Template"]

Form = tuple[int, tuple[str, ...]]  # weight, words
Forms = tuple[int, tuple[Form, ...]]  # the sum of the weights, the forms
Slot = Callable[[tuple[Any, ...], State], Forms | None]  # None: not decided yet


class Template(NamedTuple):
    """One way to tell a kind of event."""

    weight: int
    slots: tuple[str | Slot, ...]
    placed: bool = False  # only where it is known where the subject is


class Match(NamedTuple):
    """How far a template goes along a text.

    `slot` is the slot to go on from and `end` the index of the word it starts at; `share` is the
    probability of the forms that matched. `next` holds word → probability where the text ends inside the
    sentence; `whole` says that the sentence is complete. With neither, the slot is not decided yet.
    """

    slot: int
    end: int
    share: float
    next: dict[str, float] | None = None
    whole: bool = False


#: No form of any slot has more words: what is further from the text's end need not be looked at twice.
LONGEST_FORM = 16


class Grammar:
    """One language: templates for every kind of event, and the slots that they use.

    Args:
        world: Its vocabulary.
    """

    language: str
    #: kind → one or two lines "weight | words and SLOTS"; "weight placed | …" needs the subject's place
    lines: dict[str, tuple[str, ...]]

    def __init__(self, world: Setting) -> None:
        self.world = world
        self.memo: dict[Any, Forms] = {}  # the forms of slots, made once
        self.templates = {kind: tuple(map(self.read, lines)) for kind, lines in self.lines.items()}

    def read(self, line: str) -> Template:
        """A template from its line: capital letters name slots, all else is words."""
        head, _, body = line.rpartition("|")
        weight, _, needs = head.strip().partition(" ")
        slots = [getattr(self, w) if w.isupper() and w.isascii() else self.word(w) for w in body.split()]
        return Template(int(weight or 1), tuple(slots), needs == "placed")

    def word(self, word: str) -> str:
        """A word as the text holds it; English puts a space before it."""
        raise NotImplementedError

    def split(self, text: str) -> list[str]:
        """The words of a text, those outside the lexicon included."""
        raise NotImplementedError

    def words(self, text: str) -> tuple[str, ...]:
        """Words that stand in a row, divided by spaces in a template or a form."""
        return tuple(map(self.word, text.split()))

    def forms(self, *forms: tuple[int, str]) -> Forms:
        """The forms of a slot from (weight, words) pairs; a weight of 0 leaves a form out."""
        kept = tuple((weight, self.words(text)) for weight, text in forms if weight)
        return sum(weight for weight, _ in kept), kept

    def fixed(
        self, slot: str, event: tuple[Any, ...], field: int, tell: Callable[[str], str]
    ) -> Forms | None:
        """The one form of a slot that depends on one field of the event alone."""
        if len(event) <= field:
            return None
        key = (slot, event[field])
        if key not in self.memo:
            self.memo[key] = self.forms((1, tell(event[field])))
        return self.memo[key]

    def clear(self, who: str, state: State) -> bool:
        """Whether a pronoun can only mean `who`: the last subject, and nobody else was named with it."""
        last = state.last
        return last is not None and last.who == who and last.other is None

    def just_named(self, thing: str, state: State) -> bool:
        """Whether "it" can only mean this thing: the last sentence named it."""
        return state.last is not None and state.last.thing == thing

    def literals(self) -> set[str]:
        """The words that stand in the templates themselves."""
        return {w for ways in self.templates.values() for t in ways for w in t.slots if isinstance(w, str)}

    def name(self, entry: str) -> str:
        """A person, place, thing, colour or job in this language, by its English name."""
        raise NotImplementedError

    def where(self, place: str) -> str:
        """In the park: words divided by spaces."""
        raise NotImplementedError

    def story_words(self) -> set[str]:
        """Every word that stories are made of."""
        raise NotImplementedError

    def lexicon(self) -> set[str]:
        """Every word of the stories and of all views; a phrase's first word also as it opens a text."""
        found = self.story_words()
        for phrase in PHRASES[self.language].values():
            text = [w for w in phrase.split() if "{" not in w]
            found.update(self.words(" ".join(text)))
            found.add(text[0] if text[0][0].isalpha() else self.word(text[0]))
        return found

    def available(self, kind: str, who: str | None, state: State) -> list[tuple[int, Template]]:
        """The templates that the state allows for an event of this kind."""
        ways = self.templates[kind]
        if len(ways) > 1 and (who is None or state.at.get(who) is None):
            return [(t.weight, t) for t in ways if not t.placed]
        return [(t.weight, t) for t in ways]

    def ways(
        self, kind: str, who: str | None, state: State, start: int
    ) -> list[tuple[float, Template, Match]]:
        """(probability, template, where its match starts) of each way to tell such an event."""
        found = self.available(kind, who, state)
        total = sum(weight for weight, _ in found)
        return [(weight / total, template, Match(0, start, 1.0)) for weight, template in found]

    def say(self, event: tuple[Any, ...], state: State, chooser: Chooser) -> list[str]:
        """Tell an event: choose a template, then a form for each slot.

        Args:
            event: All six fields.
            state: What is true just before it.
            chooser: Draws, and counts the nats.

        Returns:
            The words of the sentence, each with its space in English.
        """
        words: list[str] = []
        for slot in chooser.choose(self.available(event[1], event[0], state)).slots:
            if isinstance(slot, str):
                words.append(slot)
                continue
            forms = slot(event, state)
            assert forms is not None, "every slot of a decided event has forms"
            words += chooser.choose(forms[1])
        return words

    def plain(self, event: Event, state: State) -> list[str]:
        """Tell an event in its first way, with a name and a colour."""
        words: list[str] = []
        for slot in self.available(event.kind, event.who, state)[0][1].slots:
            forms = None if isinstance(slot, str) else slot(event, state)
            words += [slot] if isinstance(slot, str) else forms[1][0][1] if forms else []
        return words

    def opens(self, who: str | None, state: State, word: str) -> bool:
        """Whether a sentence about `who` (None: the ending) may begin with this word."""
        if who is None:
            return any(t.slots[0] == word for t in self.templates["ending"])
        forms = self.S((who,), state)
        return any(form[0] == word for _, form in forms[1])

    def S(self, event: tuple[Any, ...], state: State) -> Forms:
        """The subject; in every language it is the first slot."""
        raise NotImplementedError

    def match(
        self, template: Template, event: tuple[Any, ...], state: State, words: Sequence[str], at: Match
    ) -> Match | None:
        """Walk `words` on from `at` along a template whose event may be half decided.

        Returns:
            How far it goes, or None where a word cannot stand there.
        """
        _, i, share, *_ = at
        slots, n = template.slots, len(words)
        for k in range(at.slot, len(slots)):
            slot = slots[k]
            if isinstance(slot, str):
                if i == n:
                    return Match(k, i, share, {slot: 1.0})
                if words[i] != slot:
                    return None
                i += 1
                continue
            forms = slot(event, state)
            if forms is None:
                return Match(k, i, share)
            found = _form(forms, words, i)
            if found is None:
                return _inside(k, forms, words, i, share) if n - i < LONGEST_FORM else None
            share *= found[0]
            i += found[1]
        return Match(len(slots), i, share, None, True)


def _form(forms: Forms, words: Sequence[str], i: int) -> tuple[float, int] | None:
    """(probability, length) of the form that stands at `i`; no form begins another, so at most one does."""
    if i < len(words):
        for weight, form in forms[1]:
            if words[i] == form[0]:
                n = len(form)
                if n == 1 or tuple(words[i : i + n]) == form:
                    return weight / forms[0], n
    return None


def _inside(k: int, forms: Forms, words: Sequence[str], i: int, share: float) -> Match | None:
    """The text ends inside a slot: what may follow, if anything."""
    rest = tuple(words[i:])
    following: dict[str, float] = {}
    for weight, form in forms[1]:
        if len(form) > len(rest) and form[: len(rest)] == rest:
            word = form[len(rest)]
            following[word] = following.get(word, 0.0) + weight / forms[0]
    return Match(k, i, share, following) if following else None
