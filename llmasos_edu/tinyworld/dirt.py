"""Dirt of known kinds: what is wrong with a raw corpus, put there on purpose.

Teaches: cleaning can be measured. Every document says which dirt it got, so a filter has a precision and a
recall. Leaves out: how to find the dirt (the lesson on data processing). A document gets one kind of dirt
at most. Addresses are on example.org and the telephone numbers are fictitious ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property

from .choices import SplitMix64

__all__ = ["KINDS", "Dirt", "Document"]


@dataclass(frozen=True)
class Dirt:
    """How often each kind of dirt is met: shares of all documents, which sum to at most 1.

    Args:
        duplicate: An earlier document again, exactly.
        near_duplicate: An earlier document with one word replaced.
        wrong_language: The story told in the other language.
        markup: HTML around and inside the text.
        boilerplate: A menu and a cookie notice before the story.
        mojibake: UTF-8 read as Latin-1.
        shuffled: The words in random order.
        truncated: Cut off in the middle.
        repeated: One sentence again and again.
        contact: An e-mail address and a telephone number.
        contamination: One of the 1,000 frozen validation stories: who trains on it has seen the test.
        canaries: Copies of each canary, such as (1, 2, 4, 8, 16): `World.canary` 0, 1, … with a secret of
            its own, at the end of so many stories. What a model remembers of them it has memorised.
        canaries_among: The first so many documents, over which all copies are spread.

    Raises:
        ValueError: If a share is negative, all sum to more than 1, or the canaries do not fit.
    """

    duplicate: float = 0.05
    near_duplicate: float = 0.05
    wrong_language: float = 0.03
    markup: float = 0.03
    boilerplate: float = 0.03
    mojibake: float = 0.03
    shuffled: float = 0.03
    truncated: float = 0.03
    repeated: float = 0.03
    contact: float = 0.03
    contamination: float = 0.0
    canaries: tuple[int, ...] = ()
    canaries_among: int = 10_000

    def __post_init__(self) -> None:
        shares = self.shares
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"the share of {name} must be from 0 to 1; got {share!r}")
        if sum(shares.values()) > 1 + 1e-9:
            raise ValueError(f"the shares of dirt must sum to at most 1; got {sum(shares.values()):.3f}")
        if any(copies < 1 for copies in self.canaries) or sum(self.canaries) > self.canaries_among:
            raise ValueError(
                f"canaries must be at least 1 copy each, together at most {self.canaries_among} "
                f"(canaries_among); got {self.canaries}"
            )

    @property
    def shares(self) -> dict[str, float]:
        """Kind of dirt → its share of all documents."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.type == "float"}

    @cached_property
    def planted(self) -> dict[int, int]:
        """Number of a document → number of the canary that stands in it."""
        random, places = SplitMix64(sum(self.canaries)), dict[int, int]()
        for number, copies in enumerate(self.canaries):
            for _ in range(copies):
                at = random.below(self.canaries_among)
                while at in places:
                    at = random.below(self.canaries_among)
                places[at] = number
        return places

    def draw(self, random: SplitMix64) -> str | None:
        """The kind of dirt of the next document, or None where it stays clean."""
        at = random.below(10**6) / 10**6
        for name, share in self.shares.items():
            at -= share
            if at < 0:
                return name
        return None


@dataclass(frozen=True)
class Document:
    """A document of a raw corpus: its text, the story's seed, and which dirt it got (None: clean)."""

    text: str
    seed: int
    dirt: str | None = None


def _markup(words: list[str], random: SplitMix64) -> str:
    at = random.below(len(words))
    inside = f"<b>{words[at]}</b>"
    return f'<div class="post"><p>{"".join([*words[:at], inside, *words[at + 1 :]])}</p><br/></div>'


def _boilerplate(words: list[str], random: SplitMix64) -> str:
    menus = ("Home | About | Log in", "Share | Print | Next page", "Menu | Search | Sign up")
    return f"{menus[random.below(len(menus))]}\nWe use cookies. Accept all\n{''.join(words)}"


def _mojibake(words: list[str], random: SplitMix64) -> str:
    text = "".join(words).replace(". ", ".\u00a0").replace("'s", "\u2019s")
    return text.encode("utf-8").decode("latin-1")


def _shuffled(words: list[str], random: SplitMix64) -> str:
    order = list(words)
    for i in range(len(order) - 1, 0, -1):
        j = random.below(i + 1)
        order[i], order[j] = order[j], order[i]
    return "".join(order).strip()


def _truncated(words: list[str], random: SplitMix64) -> str:
    text = "".join(words)
    return text[: len(text) // 4 + random.below(len(text) // 2)].rstrip(" .。")


def _repeated(words: list[str], random: SplitMix64) -> str:
    end = max(i for i, w in enumerate(words[: len(words) // 2]) if w in (".", "。")) + 1
    start = max((i for i, w in enumerate(words[: end - 1]) if w in (".", "。")), default=-1) + 1
    return "".join([*words[:end], *words[start:end] * (5 + random.below(10))])


def _contact(words: list[str], random: SplitMix64) -> str:
    number = f"555-01{random.below(100):02d}"
    return f"{''.join(words)} Write to {words[0].lower()}{random.below(1000)}@example.org or call {number}."


#: Kinds of dirt that are made from one story's words alone.
KINDS: dict[str, Callable[[list[str], SplitMix64], str]] = {
    "markup": _markup, "boilerplate": _boilerplate, "mojibake": _mojibake, "shuffled": _shuffled,
    "truncated": _truncated, "repeated": _repeated, "contact": _contact,
}  # fmt: skip
