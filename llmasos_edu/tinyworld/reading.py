"""Understanding a text: the walk through the tree of choices that agrees with its words.

Teaches: parsing is generation run backwards. The same choices that tell a story are walked here, and a
branch is left as soon as its words disagree with the text; what is left says which event was told, what
it cost, and which words could follow. Leaves out: nothing is guessed, every probability is exact.
Lesson 02 explains it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from .grammar import Grammar, Match, Template
from .rules import options
from .state import Event, State
from .story import END, Derivation, Step, TinyWorldError

__all__ = ["broken", "following", "sentences"]

Way = tuple[float, Template, Match]  # P(template), the template, how far it agrees with the text
Found = tuple[tuple[Any, ...], float, Match]  # event (decided as far as the text does), P, match


def search(
    grammar: Grammar, state: State, words: Sequence[str], start: int,
    partial: tuple[Any, ...] = (), p: float = 1.0, ways: Sequence[Way] = (),
) -> Iterator[Found]:  # fmt: skip
    """Every branch of the next event's choices that agrees with the words from `start` on.

    Args:
        grammar: Its language and world.
        state: What is true before the sentence.
        words: The whole text.
        start: Where the sentence begins.
        partial: The fields decided so far; the walk calls itself with one more.
        p: Probability of the choices so far.
        ways: The templates that still agree.

    Yields:
        (event, probability, match), where the match is a whole sentence or ends with the text.
    """
    choices = options(grammar.world, state, partial)
    total = sum(weight for weight, _ in choices)
    for weight, fields in choices:
        event, chance = partial + fields, p * weight / total
        if len(event) == 1:
            if start == len(words) or grammar.opens(event[0], state, words[start]):
                yield from search(grammar, state, words, start, event, chance)
            continue
        alive = []
        for share, template, at in ways or grammar.ways(event[1], event[0], state, start):
            match = grammar.match(template, event, state, words, at)
            if match is None:
                continue
            if match.next or (match.whole and len(event) == 6):
                yield event, chance * share * match.share, match
            else:
                alive.append((share, template, match))
        if alive:
            yield from search(grammar, state, words, start, event, chance, alive)


def sentences(grammar: Grammar, words: Sequence[str]) -> tuple[list[Step], State, int]:
    """Read whole sentences from the start, as far as they go: (steps, state after them, next index)."""
    state, steps, i = State(), [], 0
    while i < len(words) and not state.over:
        found = next((f for f in search(grammar, state, words, i) if f[2].whole), None)
        if found is None:
            break
        event, p, match = found
        steps.append(Step(Event(*event), tuple(words[i : match.end]), -math.log(p)))
        state.apply(steps[-1].event)
        i = match.end
    return steps, state, i


def following(grammar: Grammar, words: Sequence[str], start: int, state: State) -> dict[str, float]:
    """The distribution of the word after a text that ends inside the sentence from `start` on.

    Returns:
        word → probability, likeliest first; empty where no sentence begins with these words.
    """
    if state.over:
        return {END: 1.0} if start == len(words) else {}
    found: dict[str, float] = {}
    for _, p, match in search(grammar, state, words, start):
        for word, share in (match.next or {}).items():
            found[word] = found.get(word, 0.0) + p * share
    total = math.fsum(found.values())
    return {w: found[w] / total for w in sorted(found, key=lambda w: (-found[w], w))}


def broken(
    grammar: Grammar, words: Sequence[str], start: int, steps: Sequence[Step], state: State
) -> TinyWorldError:
    """What is wrong with the sentence from `start` on: its first word that cannot stand where it stands."""
    end = start
    expected = following(grammar, words[:end], start, state)
    while end < len(words) and words[end] in expected:
        end += 1
        expected = following(grammar, words[:end], start, state)
    word = words[end] if end < len(words) else END
    stop = next((j + 1 for j in range(start, len(words)) if words[j] in (".", "。")), len(words))
    text = "".join(words[start:stop]).strip()
    before, begun = Derivation(tuple(steps), state), words[start:end]
    kept_apart = _held_out(grammar, words[: end + 1], start, state) if end < len(words) else None
    return TinyWorldError(before, begun, word, tuple(expected), text, kept_apart)


def _held_out(
    grammar: Grammar, words: Sequence[str], start: int, state: State
) -> tuple[str, str, str] | None:
    """The (person, thing, place) that keeps the last word out, where the full world would allow it."""
    world = grammar.world
    if not world.held_out:
        return None
    full = type(grammar)(replace(world, held_out=False))
    for event, _, _ in search(full, state, words, start):
        who, _, thing, other, place, _ = (*event, *[None] * 6)[:6]
        for person in filter(None, (who, other)):
            for one in filter(None, (thing, *(t for t in state.owner if state.has(person, t)))):
                for where in filter(None, (place, state.at.get(str(who)), state.lies.get(one))):
                    if world.is_held_out(person, one, where):
                        return person, one, where
    return None
