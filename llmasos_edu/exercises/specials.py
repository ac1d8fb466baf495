"""The exercise on special tokens beside lesson 01: cutting a text so that each of them stands whole.

Mistakes that people make on the way: a mark that is split, one that begins like another, a bar that a regular
expression takes for "or", marks that get lost. What an encoder then does with each part is in `tokens`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.tokenizer import GPT2_PATTERN, split

CHAT = ("<|user|>", "<|end|>")


def cut(text: str, specials: Sequence[str]) -> list[str]:
    """The parts of a text: each special token by itself, and what stands between them as it is.

    Args:
        text: Any text.
        specials: The special tokens; where one begins with another, the longer wins.

    Returns:
        The parts in order, none of them empty; joined, they are the text.

    Example:
        >>> cut("<|user|>Where is it?<|end|>", ["<|user|>", "<|end|>"])
        ['<|user|>', 'Where is it?', '<|end|>']
    """
    longest_first = sorted(specials, key=len, reverse=True)
    pattern = "|".join(re.escape(special) for special in longest_first)
    parts = re.split(f"({pattern})", text) if specials else [text]
    return [part for part in parts if part]


def cut_probes() -> list[Probe]:
    """Marks at both ends, side by side, one inside another, none known; spaces around; half a mark."""
    return [
        Probe("a turn of a chat", ("<|user|> Where is the red kite?<|end|>", list(CHAT))),
        Probe("a mark twice, side by side", ("a<|end|><|end|>b<|end|>", ["<|end|>"])),
        Probe("one mark begins with another", ("a##b#c", ["#", "##"])),
        Probe("spaces and lines around a mark", ("kite \n<|end|>  drum ", ["<|end|>"])),
        Probe("half a mark", ("<|user a|>b", list(CHAT))),
        Probe("a mark with a dot", ("a.b axb", ["a.b"])),
        Probe("no special token known", ("<|end|> is text", [])),
        Probe("no text", ("", list(CHAT))),
    ]


def _nothing_lost(call: Probe, got: Sequence[str], expected: Sequence[str]) -> str | None:
    if "".join(got) != call.args[0]:
        return f"the parts joined are {''.join(got)!r}, but the text is {call.args[0]!r}"
    return None


def _marks_stand_whole(call: Probe, got: Sequence[str], expected: Sequence[str]) -> str | None:
    for special in call.args[1]:
        wanted, found = list(expected).count(special), list(got).count(special)
        if found < wanted:
            return f"{special!r} stands by itself {found} times, expected {wanted}; the parts are {list(got)}"
    return None


def _no_empty_part(call: Probe, got: Sequence[str], expected: Sequence[str]) -> str | None:
    return None if all(got) else f"part {list(got).index('')} is empty; the parts are {list(got)}"


def _split_by(
    pattern: Callable[[Sequence[str]], str], keep: bool = True
) -> Callable[[str, Sequence[str]], list[str]]:
    """`cut`, with the pattern or the keeping of the marks replaced."""

    def wrong(text: str, specials: Sequence[str]) -> list[str]:
        parts = (
            re.split(f"({pattern(specials)})" if keep else pattern(specials), text) if specials else [text]
        )
        return [part for part in parts if part]

    return wrong


def _longest_first(specials: Sequence[str]) -> list[str]:
    return sorted(specials, key=len, reverse=True)


def _one_after_the_other(text: str, specials: Sequence[str]) -> list[str]:
    """Each mark cuts the parts that the marks before it left, and cuts longer marks as well."""
    parts = [text]
    for special in specials:
        parts = [x for part in parts for x in re.split(f"({re.escape(special)})", part)]
    return [part for part in parts if part]


def _first_only(text: str, specials: Sequence[str]) -> list[str]:
    parts = [text]
    for special in _longest_first(specials):
        parts = [x for part in parts for x in (part.partition(special) if part != special else [part])]
    return [part for part in parts if part]


CUT = Exercise(
    key="specials.cut",
    task="Write cut(text, specials): the parts of the text as a list, each special token "
    "by itself, what stands between them unchanged, no part empty. Where one special token begins with "
    "another, the longer wins.",
    reference=cut,
    probes=cut_probes,
    properties=(
        Property("joined, the parts are the text", _nothing_lost),
        Property("no part is empty", _no_empty_part),
        Property("each special token stands by itself", _marks_stand_whole),
    ),
    mistakes=(
        Mistake(
            "special tokens are split",
            why="Cut like other text, <|end|> is several pieces of punctuation and letters, not one mark.",
            where="The special tokens are looked for first; only what stands between them is text.",
            wrong=(
                lambda text, specials: split(text, GPT2_PATTERN),
                lambda text, specials: [text] if text else [],
            ),
        ),
        Mistake(
            "the first in the list wins, not the longest",
            why="# is found inside ## and cuts it in two.",
            where="The order of the special tokens: by length, the longest first.",
            wrong=(_split_by(lambda specials: "|".join(map(re.escape, specials))), _one_after_the_other),
        ),
        Mistake(
            "a special token is read as a regular expression",
            why="In a pattern | means “or” and . any character: <|end|> then matches <, end or >.",
            where="re.escape, for each special token.",
            wrong=(
                _split_by(lambda specials: "|".join(_longest_first(specials))),
                _split_by("|".join),
            ),
        ),
        Mistake(
            "the special tokens get lost",
            why="split gives what stands between the marks; the marks themselves carry meaning, too.",
            where="re.split keeps what stands in parentheses: f'({pattern})'.",
            wrong=_split_by(lambda s: "|".join(map(re.escape, _longest_first(s))), keep=False),
        ),
        Mistake(
            "empty parts stay",
            why="re.split puts an empty text before a mark at the beginning and between two marks.",
            where="The last line: keep a part only if there is something in it.",
            wrong=lambda text, specials: (
                re.split(f"({'|'.join(map(re.escape, _longest_first(specials)))})", text)
                if specials
                else [text]
            ),
        ),
        Mistake(
            "spaces around a special token are lost",
            why="What is stripped cannot be had back; a space and a line break are tokens like others.",
            where="strip().",
            wrong=(
                lambda text, specials: [s for part in cut(text, specials) if (s := part.strip())],
                lambda text, specials: [part.strip() for part in cut(text, specials)],
            ),
        ),
        Mistake(
            "only the first place is cut",
            why="A mark may stand in a text many times.",
            where="str.partition and str.find see the first place only; a loop or re.split sees all.",
            wrong=_first_only,
        ),
    ),
    hints=(
        "What must be found first, the words or the marks? And where ## and # both fit?",
        "One pattern for all marks: joined with |, the longest first, each through re.escape.",
        "parts = re.split(f'({pattern})', text): the parentheses keep the marks; then drop the empty parts.",
    ),
)

EXERCISES = [CUT]
