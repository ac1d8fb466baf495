"""What the world hands out: stories, derivations, and the error that says where a text breaks.

Lesson 02 explains it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .state import Event, State

__all__ = ["END", "Derivation", "Step", "Story", "TinyWorldError"]

END = "<|end|>"


class TinyWorldError(ValueError):
    """A text that is no story of this world.

    Attributes:
        sentence: Number of the sentence in which it breaks, from 1.
        word: The first word that cannot stand where it stands (`END` where the text stops too early).
        expected: The words that could stand there, likeliest first.
        before: The derivation of the whole sentences before it, with the state after them.
        begun: The sentence's words before that word.
        held_out: (person, thing, place) where only the hold-out rule of the training world forbids the
            word; else None.
    """

    def __init__(
        self, before: Derivation, begun: Sequence[str], word: str, expected: Sequence[str], text: str,
        held_out: tuple[str, str, str] | None = None,
    ) -> None:  # fmt: skip
        self.before, self.begun = before, tuple(begun)
        self.sentence, self.word, self.expected = len(before.steps) + 1, word, tuple(expected)
        self.held_out = held_out
        shown = ", ".join(repr(w.strip()) for w in self.expected[:12])
        more = f" and {len(self.expected) - 12} more" if len(self.expected) > 12 else ""
        person, thing, place = held_out or ("", "", "")
        why = f": the training world holds out the {place} from {person} with the {thing}" if held_out else ""
        super().__init__(
            f"sentence {self.sentence}, {text!r}: {word.strip()!r} cannot stand here{why}; "
            f"expected {shown}{more}"
        )


@dataclass(frozen=True)
class Step:
    """One sentence of a derivation: what happened, in which words, at what cost in nats."""

    event: Event
    words: tuple[str, ...]
    nats: float


@dataclass(frozen=True)
class Derivation:
    """How a text was made: its sentences, and the state of the world after the last one."""

    steps: tuple[Step, ...]
    state: State

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that the text tells."""
        return tuple(step.event for step in self.steps)

    @property
    def nats(self) -> float:
        """The cost of all choices, in nats: -ln P(text)."""
        return math.fsum(step.nats for step in self.steps)


@dataclass(frozen=True)
class Story:
    """A story: its text and words, its events, and what its choices cost in nats."""

    text: str
    nats: float
    language: str
    events: tuple[Event, ...]
    words: tuple[str, ...]
    sentences: tuple[str, ...]
    seed: int | None = None
