"""What a chat teaches: targets for the answers and for the mark that ends each, nothing for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property

__all__ = ["CHAT_TARGETS", "chat_targets"]

IGNORE = -100  # a target that counts for nothing
USER, ASSISTANT, END = 91, 92, 99

Counts = Callable[[list[int], int, int, int, int], bool]


def chat_targets(ids: Sequence[int], user: int, assistant: int, end: int) -> list[int]:
    """The next token where the assistant is speaking, the mark that ends its answer included; else −100."""
    targets, answering = [], False
    for token, following in pairwise(ids):
        if token in (user, assistant, end):
            answering = token == assistant
        targets.append(following if answering else IGNORE)
    return targets


def _probes() -> list[Probe]:
    marks = (USER, ASSISTANT, END)
    two = [END, USER, 5, 6, ASSISTANT, 7, 0, USER, 6, 8, ASSISTANT, 7, 5, 6, END]
    return [
        Probe("two questions, two answers", (two, *marks)),
        Probe(
            "one question, padded with the end token",
            ([END, USER, 3, ASSISTANT, 4, 3, END, END, END], *marks),
        ),
        Probe(
            "an answer without a word, then one",
            ([END, USER, 3, ASSISTANT, USER, 3, ASSISTANT, 0, END], *marks),
        ),
        Probe("cut off in the middle of an answer", ([END, USER, 3, 4, ASSISTANT, 5, 6], *marks)),
    ]


def _as_long(probe: Probe, got: list[int], expected: list[int]) -> str | None:
    if len(got) != len(expected):
        return f"got {len(got)} targets for {len(expected)} inputs (all ids but the last)"
    return None


def _next_or_ignored(probe: Probe, got: list[int], expected: list[int]) -> str | None:
    ids = probe.args[0]
    for i, target in enumerate(got):
        if target not in (IGNORE, ids[i + 1]):
            return (
                f"the input at place {i} got the target {target}; the token after it is {ids[i + 1]}, "
                f"and what does not count is {IGNORE}"
            )
    return None


def _given_is_ignored(probe: Probe, got: list[int], expected: list[int]) -> str | None:
    ids = probe.args[0]
    extra = [i for i, (a, b) in enumerate(zip(got, expected, strict=True)) if a != IGNORE and b == IGNORE]
    if extra:
        i = extra[0]
        return (
            f"{len(extra)} {'target counts' if len(extra) == 1 else 'targets count'} outside the answers, "
            f"the first at place {i}: after {ids[i]} comes {ids[i + 1]}"
        )
    return None


def _ends(probe: Probe, got: list[int], expected: list[int]) -> str | None:
    ends = [i for i, target in enumerate(expected) if target in (USER, END)]
    learnt = sum(got[i] == expected[i] for i in ends)
    if learnt < len(ends):
        return (
            f"of the {len(ends)} marks that end an answer, {learnt} {'is' if learnt == 1 else 'are'} a target"
        )
    return None


def _speaker(ids: list[int], place: int) -> int:
    """The mark before this place under which it stands; END before the first."""
    return next((t for t in reversed(ids[:place]) if t in (USER, ASSISTANT, END)), END)


def _where(counts: Counts) -> Callable[..., list[int]]:
    """Targets where ``counts(ids, i, …)`` says that ids[i], as a target, counts."""

    def targets(ids: list[int], user: int, assistant: int, end: int) -> list[int]:
        return [ids[i] if counts(ids, i, user, assistant, end) else IGNORE for i in range(1, len(ids))]

    return targets


def _right(ids: list[int], i: int, user: int, assistant: int, end: int) -> bool:
    return _speaker(ids, i) == assistant


def _answers(ids: list[int], wanted: Callable[[int, int], bool]) -> list[int]:
    """Targets of the answers for which ``wanted(number, how many there are)`` holds."""
    right, n = chat_targets(ids, USER, ASSISTANT, END), ids.count(ASSISTANT)
    return [t if wanted(ids[: i + 1].count(ASSISTANT), n) else IGNORE for i, t in enumerate(right)]


def _unshifted(ids, user, assistant, end):  # type: ignore[no-untyped-def]
    return [t if i and _right(ids, i, user, assistant, end) else IGNORE for i, t in enumerate(ids)][:-1]


def _pads_count(ids, user, assistant, end):  # type: ignore[no-untyped-def]
    answering, targets = False, []
    for token, following in pairwise(ids):
        if token in (user, assistant):
            answering = token == assistant
        targets.append(following if answering else IGNORE)
    return targets


CHAT_TARGETS = Exercise(
    key="finetuning.chat_targets",
    task=(
        "A chat as ids: end, then user or assistant marks, each followed by what that speaker says, and end "
        "again (more of them pad it). Write chat_targets(ids, user, assistant, end): for each id but the "
        "last a target: the id after it where that belongs to an answer or is the mark that ends one, -100 "
        "elsewhere."
    ),
    reference=chat_targets,
    probes=_probes,
    properties=(
        Property("each input but the last has a target", _as_long),
        Property("a target is the next token, or -100", _next_or_ignored),
        Property("what is given does not count", _given_is_ignored),
        Property("the end of each answer counts", _ends),
    ),
    mistakes=(
        Mistake(
            "everything counts",
            why="The model also learns to ask: after an answer it may put a question of its own.",
            where="-100 wherever the assistant is not speaking.",
            wrong=(
                lambda ids, u, a, e: list(ids[1:]),
                lambda ids, u, a, e: [IGNORE if (x, y) == (e, e) else y for x, y in pairwise(ids)],
            ),
        ),
        Mistake(
            "not shifted",
            why="Each input is its own target: the model learns to repeat what it sees; the loss nears 0.",
            where="The target of place i is ids[i + 1].",
            wrong=_unshifted,
        ),
        Mistake(
            "the mask is one place late",
            why="It asks whether the input is an answer's, not the target: each answer's first word is lost.",
            where="Is the mask taken at i, or at i + 1 with the target?",
            wrong=_where(lambda ids, i, u, a, e: i > 1 and _right(ids, i - 1, u, a, e)),
        ),
        Mistake(
            "the mark that ends an answer does not count",
            why="The model never learns to stop; it answers, and talks on.",
            where="The target after an answer's last word.",
            wrong=_where(lambda ids, i, u, a, e: _right(ids, i, u, a, e) and ids[i] not in (u, a, e)),
        ),
        Mistake(
            "the end token never counts, since it also pads",
            why="Masking all pads masks the true end with them: the last answer never learns to stop.",
            where="Only the ends after the first one after the last answer are pads.",
            wrong=_where(lambda ids, i, u, a, e: _right(ids, i, u, a, e) and ids[i] != e),
        ),
        Mistake(
            "only the end token ends an answer",
            why="Within a chat an answer ends at the next user mark; so only last answers learn to stop.",
            where="The target after the last word of an answer that is not the last.",
            wrong=_where(lambda ids, i, u, a, e: _right(ids, i, u, a, e) and ids[i] != u),
        ),
        Mistake(
            "pads count",
            why="The loss is then mostly about end tokens after the end, which are easy and teach nothing.",
            where="An end token ends the answer, as a user mark does.",
            wrong=_pads_count,
        ),
        Mistake(
            "the assistant's mark counts",
            why="That mark is put there by the program, not chosen by the model.",
            where="The place before the assistant mark: it is still the user's turn.",
            wrong=_where(lambda ids, i, u, a, e: _right(ids, i, u, a, e) or ids[i] == a),
        ),
        Mistake(
            "all that follows the first answer's mark counts",
            why="Only the first question is masked; in a longer chat the later questions are learned.",
            where="A user mark must switch counting off again.",
            wrong=(
                _where(lambda ids, i, u, a, e: a in ids[:i]),
                _where(lambda ids, i, u, a, e: a in ids[:i] and (ids[i - 1], ids[i]) != (e, e)),
            ),
        ),
        Mistake(
            "only one of the answers counts",
            why="The others are good examples, too, and the model reads them anyway.",
            where="Do you look for the first or the last assistant mark, or for each?",
            wrong=(
                lambda ids, u, a, e: _answers(ids, lambda number, n: number == n),
                lambda ids, u, a, e: _answers(ids, lambda number, n: number == 1),
            ),
        ),
        Mistake(
            "roles exchanged",
            why="The model learns to play the user.",
            where="Which mark switches counting on?",
            wrong=_where(lambda ids, i, u, a, e: _speaker(ids, i) == u),
        ),
        Mistake(
            "0 for -100",
            why="0 is a token: the model learns to say it after every word that should not count.",
            where="The loss passes over -100 (ignore_index).",
            wrong=lambda ids, u, a, e: [0 if t == IGNORE else t for t in chat_targets(ids, u, a, e)],
        ),
    ),
    hints=(
        "Go through the ids once, from left to right. When does the assistant begin to speak, and end?",
        "Each mark says who speaks from here on. While the assistant does, the target is the next id.",
        "if token in (user, assistant, end): answering = token == assistant; then following, or -100",
    ),
)
