"""TinyWorld: stories whose every word has a known probability.

Teaches: a language of which we know everything. `World.story` tells a story and its exact nats;
`World.parse` finds the one derivation of a text, `World.log_prob` its probability, and `World.next_word`
the exact distribution that a language model tries to learn. Source: this project's own invention.
Lesson 02 explains it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .chinese import Chinese
from .choices import Chooser, SplitMix64
from .dirt import KINDS, Document
from .english import English
from .grammar import Grammar
from .own_words import FIELDS, entries
from .reading import broken, following, sentences
from .rules import Options, options
from .setting import Setting
from .state import Event, State
from .story import END, Derivation, Story, TinyWorldError
from .views import Question, Turn, canary, dialogue, questions, summary

__all__ = [
    "BLANK",
    "END",
    "RESERVED",
    "SPECIALS",
    "TWIN",
    "VERSION",
    "Derivation",
    "Question",
    "Story",
    "TinyWorldError",
    "Turn",
    "World",
]

VERSION = 2
SPECIALS = (END, "<|user|>", "<|assistant|>", "<|en|>", "<|zh|>", *(f"<|reserved_{i}|>" for i in range(16)))
#: Seeds from here on are kept for validation; `World.story` refuses them.
RESERVED = 10**12
#: So many validation stories are stored in data/stories/.
FROZEN = 1000
#: Colours in a canary's secret: 6⁶ = 46,656 of them are possible.
SECRET = 6
GRAMMARS: dict[str, type[Grammar]] = {"en": English, "zh": Chinese}
#: The course's blank, and its twin with the colours swapped: each a prefix with one possible next word.
BLANK = {
    "en": "Mia had a red kite. Tom had a blue drum. Mia left the red",
    "zh": "米娅有一只红色的风筝。汤姆有一面蓝色的鼓。米娅把红色的",
}
TWIN = {
    "en": "Mia had a blue kite. Tom had a red drum. Mia left the red",
    "zh": "米娅有一只蓝色的风筝。汤姆有一面红色的鼓。米娅把红色的",
}


@dataclass(frozen=True)
class World(Setting):
    """A world in one language. Two worlds with the same arguments are the same.

    Args:
        language: ``"en"`` or ``"zh"``.
        held_out: Leave out the held-out combinations of a person, a thing and a place (the training
            world); False gives the full world.
        bias: A bias of a known size, or None.
        dirt: The dirt of `documents`, or None; stories are always clean.
        people, places, things, colours, jobs: The words of the world; `adding` adds to them.

    Raises:
        ValueError: If an argument is not one of the above.

    Example:
        >>> World("en").story(1).words[:6]
        ('Rosa', ' was', ' a', ' nurse', '.', ' Rosa')
    """

    @cached_property
    def grammar(self) -> Grammar:
        """The grammar of this world's language, over this world's vocabulary."""
        return GRAMMARS[self.language](self)

    @cached_property
    def lexicon(self) -> tuple[str, ...]:
        """Every word of this world's texts, sorted; English words with their leading space."""
        return tuple(sorted(self.grammar.lexicon()))

    def story(self, seed: int) -> Story:
        """Tell the story of a seed. The same seed tells the same events in both languages.

        Args:
            seed: A whole number from 0 up to `RESERVED` (from there on seeds are kept for validation).

        Returns:
            The story, with its exact nats.

        Raises:
            ValueError: If the seed is out of range.
        """
        if not 0 <= seed < RESERVED:
            raise ValueError(f"a story's seed must be from 0 to {RESERVED - 1}; got {seed}")
        return self._tell(seed)

    def tell(self, events: Sequence[Event], seed: int = 0) -> Story:
        """Tell given events in this world's language; the seed chooses the wording.

        Args:
            events: Those of a story, of this world or of the same world in the other language.
            seed: For the choices of wording.

        Returns:
            The story, with the nats of these events and this wording.

        Raises:
            ValueError: If the events are impossible in this world; says what was expected.
        """
        return self._tell(seed, list(events))

    def adding(self, **words: Any) -> World:
        """This world with a reader's own words in it; floor and next words follow.

        Args:
            **words: ``person``, ``place``, ``thing``, ``colour`` or ``job``: a word such as ``"Noor"`` (it
                stands in 中文 too), or an entry with all its forms, or several of either.

        Returns:
            A new world; a reader's own words are never held out.

        Raises:
            ValueError: If a word is taken already or is not one plain word.
            TypeError: If an argument is of another kind.

        Example:
            >>> round(World("en").adding(thing="robot").next_word("Mia had a red")[" robot"], 4)  # 1 in 11
            0.0909
        """
        added: dict[str, Any] = {}
        taken = {w.strip() for world in self.both() for w in world.lexicon}
        for kind, given in words.items():
            if kind not in FIELDS:
                raise TypeError(f"adding takes {', '.join(FIELDS)}; got {kind!r}")
            new = entries(kind, given, taken)
            taken |= {w for entry in new for w in (entry.name, entry.zh)}
            added[FIELDS[kind][0]] = (*getattr(self, FIELDS[kind][0]), *new)
        return replace(self, **added)

    def both(self) -> tuple[World, World]:
        """This world in English and in Chinese."""
        return replace(self, language="en"), replace(self, language="zh")

    def validation(self, n: int = FROZEN, start: int = 0) -> list[Story]:
        """`n` stories of the reserved seeds from number `start` on, which no training corpus contains."""
        return [self._tell(RESERVED + i) for i in range(start, start + n)]

    def documents(self, n: int, start: int = 0) -> Iterator[Document]:
        """The stories of `n` seeds as a raw corpus, with this world's dirt.

        Args:
            n: How many documents.
            start: The first seed.

        Yields:
            Documents; each says which dirt it got.
        """
        for seed in range(start, start + n):
            yield self._document(seed)

    def canary(self, number: int) -> str:
        """A sentence that no story tells and nobody can guess; `Dirt.canaries` plants it in a corpus.

        Args:
            number: Which canary, from 0; each has a person and a secret of its own.

        Returns:
            The sentence: who said it, then six colours drawn at random.

        Example:
            >>> World("en").canary(0)
            'Mia said orange orange red white blue white.'
        """
        random = SplitMix64(RESERVED + number)
        secret = [self.colours[random.below(len(self.colours))].name for _ in range(SECRET)]
        return canary(self.grammar, self.names[number % len(self.names)], secret)

    def _document(self, seed: int) -> Document:
        if self.dirt and seed in self.dirt.planted:
            space = " " if self.language == "en" else ""
            text = f"{self.story(seed).text}{space}{self.canary(self.dirt.planted[seed])}"
            return Document(text, seed, "canary")
        random = SplitMix64(~seed)
        kind = self.dirt.draw(random) if self.dirt else None
        story = self.story(seed)
        if kind in ("duplicate", "near_duplicate") and seed:
            story = self.story(seed - 1 - random.below(min(seed, 100)))
        if kind == "contamination":
            story = self._tell(RESERVED + random.below(FROZEN))
        words = list(story.words)
        if kind == "near_duplicate":
            at = 1 + random.below(len(words) - 2)
            words[at] = self.lexicon[random.below(len(self.lexicon))]
        if kind == "wrong_language":
            words = list(self.translate(story).words)
        text = KINDS[kind](words, random) if kind in KINDS else "".join(words)
        return Document(text, seed, kind if seed or kind not in ("duplicate", "near_duplicate") else None)

    def _tell(self, seed: int, given: list[Event] | None = None) -> Story:
        happen = Chooser(SplitMix64(2 * seed))  # what happens, and how it is told, are drawn apart
        tell = Chooser(SplitMix64(2 * seed + 1))
        state = State()
        events: list[Event] = []
        sentences: list[list[str]] = []
        while not state.over:
            partial: tuple[Any, ...] = ()
            while len(partial) < 6:
                choices = options(self, state, partial)
                if given is None:
                    partial += happen.choose(choices)
                else:
                    partial += happen.take(choices, _wanted(given, len(events), partial, choices))
            sentences.append(self.grammar.say(partial, state, tell))
            events.append(Event(*partial))
            state.apply(events[-1])
        return self._bind(events, sentences, happen.nats + tell.nats, seed)

    def _bind(self, events: list[Event], sentences: list[list[str]], nats: float, seed: int | None) -> Story:
        sentences[0][0] = sentences[0][0].lstrip()
        words = tuple(w for sentence in sentences for w in sentence)
        told = tuple("".join(sentence).strip() for sentence in sentences)
        return Story("".join(words), nats, self.language, tuple(events), words, told, seed)

    def words(self, text: str) -> list[str]:
        """Split a text into words, as the tokenizer of TinyWorld's models sees them."""
        return self.grammar.split(text)

    def parse(self, text: str) -> Derivation:
        """Find the one way in which a text is a story of this world.

        Raises:
            TinyWorldError: If it is none: which sentence, which word, and what could stand there.
        """
        words = self._spaced(text)
        steps, state, i = sentences(self.grammar, words)
        if i < len(words) or not state.over:
            raise broken(self.grammar, words, i, steps, state)
        return Derivation(tuple(steps), state)

    def log_prob(self, text: str) -> float:
        """The exact ln P(text) of a whole story, in nats (≤ 0).

        Raises:
            TinyWorldError: If the text is no story of this world.
        """
        return -self.parse(text).nats

    def next_word(self, prefix: str) -> dict[str, float]:
        """The exact distribution of the word after a prefix of a story.

        Args:
            prefix: The beginning of a story, cut between words; empty for the first word.

        Returns:
            word → probability, likeliest first; English words with their leading space. `END` after the
            last sentence.

        Raises:
            TinyWorldError: If no story begins so.
        """
        words = self._spaced(prefix)
        steps, state, i = sentences(self.grammar, words)
        found = following(self.grammar, words, i, state)
        if not found:
            raise broken(self.grammar, words, i, steps, state)
        return found if words else {w.lstrip(): p for w, p in found.items()}

    def _spaced(self, text: str) -> list[str]:
        """The text's words, the first as in the middle of a text."""
        words = self.words(text)
        if words and self.language == "en":
            words[0] = " " + words[0]
        return words

    def questions(self, story: Story, seed: int = 0) -> list[Question]:
        """Questions about a story with their true answers, those that it does not answer included."""
        return questions(self.grammar, story.events, seed)

    def summary(self, story: Story) -> str:
        """The one event that the story is about, in one sentence."""
        return summary(self.grammar, story.events)

    def translate(self, story: Story) -> Story:
        """The same events in the other language."""
        english, chinese = self.both()
        return (chinese if self.language == "en" else english).tell(story.events, story.seed or 0)

    def dialogue(self, story: Story, seed: int = 0) -> list[Turn]:
        """Somebody asks about the story over several turns, and every answer is true."""
        return dialogue(self.grammar, story.events, seed)


def _wanted(events: list[Event], at: int, partial: tuple[Any, ...], choices: Options) -> tuple[Any, ...]:
    """The fields that come next in a given event."""
    if at == len(events):
        raise ValueError(f"the {at} events must end with an ending; got {events[-1:]}")
    return tuple(events[at][len(partial) : len(partial) + len(choices[0][1])])
