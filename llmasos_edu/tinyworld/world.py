"""TinyWorld: stories whose every word has a known probability.

Teaches: a language of which we know everything. `World.story` tells a story and its exact nats;
`World.parse` finds the one derivation of a text, `World.log_prob` its probability, and `World.next_word`
the exact distribution that a language model tries to learn. Source: this project's own invention.
Lesson 02 explains it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .chinese import Chinese
from .choices import Chooser, SplitMix64
from .english import English
from .grammar import Grammar
from .reading import broken, following, sentences
from .rules import options
from .setting import Setting
from .state import Event, State
from .story import END, Derivation, Story, TinyWorldError

__all__ = [
    "BLANK",
    "END",
    "RESERVED",
    "SPECIALS",
    "TWIN",
    "VERSION",
    "Derivation",
    "Story",
    "TinyWorldError",
    "World",
]

VERSION = 1
SPECIALS = (END, "<|user|>", "<|assistant|>", "<|en|>", "<|zh|>", *(f"<|reserved_{i}|>" for i in range(16)))
#: Seeds from here on are kept for validation; `World.story` refuses them.
RESERVED = 10**12
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
        people, places, things, colours, jobs: The words of the world; `adding` adds to them.

    Raises:
        ValueError: If an argument is not one of the above.

    Example:
        >>> World("en").story(1).words[:6]
        ('Max', ' was', ' a', ' singer', '.', ' Max')
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

    def validation(self, n: int = 1000) -> list[Story]:
        """The first `n` stories of the reserved seeds, which no training corpus contains."""
        return [self._tell(RESERVED + i) for i in range(n)]

    def _tell(self, seed: int) -> Story:
        happen = Chooser(SplitMix64(2 * seed))  # what happens, and how it is told, are drawn apart
        tell = Chooser(SplitMix64(2 * seed + 1))
        state, events, sentences = State(), [], []
        while not state.over:
            partial: tuple[Any, ...] = ()
            while len(partial) < 6:
                partial += happen.choose(options(self, state, partial))
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
