"""Asking a finetuned model: many conversations at once, the likeliest answer to each.

Teaches: an answer ends where the model gives the word back. Leaves out: judging the answers (`evaluation`).
Explained in lesson 09.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..generation import Decoding, generate
from ..tinyworld import Turn
from ..tinyworld.tasks import Item
from ..tokenizer import Tokenizer
from .conversations import prompt
from .templates import Template

if TYPE_CHECKING:
    from ..generation import LanguageModel

__all__ = ["answers", "answers_to", "last_answers", "replies"]


def answers(
    model: LanguageModel,
    tokenizer: Tokenizer,
    given: Sequence[Sequence[Turn]],
    *,
    answerer: str = "assistant",
    template: Template | None = None,
    max_new_tokens: int = 160,
    batch_size: int = 64,
    when_full: str = "refuse",
) -> list[str]:
    """What the model answers to the last turn of each conversation, greedily.

    Args:
        model: A finetuned model.
        tokenizer: Its tokenizer.
        given: The turns before each answer, an odd number of them.
        answerer: Who speaks next.
        template: Writes the conversation in the model's own marks; None: as `prompt` does.
        max_new_tokens: The longest answer; less where the model's context ends before.
        batch_size: Conversations at once. They share the room that the longest of them leaves, so one that
            the context's end cuts may be cut sooner in company; all others stay (near ties aside).
        when_full: Where a conversation alone fills the context: "refuse", or "empty" for an empty answer.

    Returns:
        The answers as text, without marks. One that has not ended by then is cut there.

    Raises:
        ValueError: If a conversation is not one to answer, or fills the context by itself.
    """
    prompts = [
        tokenizer.encode(template(turns, True), special="allow")
        if template
        else prompt(turns, tokenizer, answerer=answerer)
        for turns in given
    ]
    stops = [id for mark, id in tokenizer.special_tokens.items() if "reserved" not in mark]
    room = model.config.context_length
    if when_full == "refuse" and (longest := max(map(len, prompts), default=0)) > room:
        raise ValueError(
            f"a conversation of {longest} tokens leaves no room for an answer in a context of {room}: "
            "leave out its oldest turns"
        )
    found = [""] * len(prompts)
    order = [i for i in range(len(prompts)) if len(prompts[i]) <= room]
    order.sort(key=lambda i: len(prompts[i]))  # alike in length, little padding
    for at in range(0, len(order), batch_size):
        rows = order[at : at + batch_size]
        written = generate(
            model, [prompts[i] for i in rows],
            max_new_tokens=min(max_new_tokens, room + 1 - len(prompts[rows[-1]])),
            decoding=Decoding(greedy=True), stop_tokens=stops, tokenizer=tokenizer,
        )  # fmt: skip
        for i, row in zip(rows, written, strict=True):
            found[i] = row.text
    return found


def last_answers(
    model: LanguageModel, tokenizer: Tokenizer, talks: Sequence[Sequence[Turn]], **settings: Any
) -> list[str]:
    """What the model says in place of each conversation's last turn, all turns before it as they are.

    Args:
        model: A finetuned model.
        tokenizer: Its tokenizer.
        talks: Whole conversations, such as a test set's; all of one answerer.
        **settings: As for `answers`.

    Returns:
        The model's own last turns.

    Raises:
        ValueError: If conversations end with different speakers, and as `answers`.
    """
    answerers = {turns[-1].speaker for turns in talks}
    if len(answerers) != 1:
        raise ValueError(f"all conversations must end with the same speaker; got {sorted(answerers)}")
    return answers(model, tokenizer, [t[:-1] for t in talks], answerer=answerers.pop(), **settings)


def replies(
    model: LanguageModel, tokenizer: Tokenizer, talks: Sequence[Sequence[Turn]], **settings: Any
) -> list[list[str]]:
    """Every answer of each conversation, where what the model itself has answered stands in the talk.

    Args:
        model: A finetuned model.
        tokenizer: Its tokenizer.
        talks: Whole conversations; what is given is taken from them, the answers are not.
        **settings: As for `answers`.

    Returns:
        The model's answers, one for each of a conversation's; empty where the context leaves no room for one.

    Raises:
        ValueError: If a conversation does not end with an answer, or different speakers answer.
    """
    answerers = {turn.speaker for turns in talks for turn in turns[1::2]}
    if len(answerers) != 1 or any(len(turns) % 2 for turns in talks):
        raise ValueError(
            f"all talks must end with an answer, of the same speaker; got answers of {answerers}"
        )
    (answerer,) = answerers
    said: list[list[str]] = [[] for _ in talks]
    for k in range(0, max(map(len, talks)), 2):
        rows = [i for i, turns in enumerate(talks) if k < len(turns)]
        asked = [_so_far(talks[i][: k + 1], said[i]) for i in rows]
        found = answers(model, tokenizer, asked, answerer=answerer, when_full="empty", **settings)
        for i, answer in zip(rows, found, strict=True):
            said[i].append(answer)
    return said


def answers_to(
    model: LanguageModel, tokenizer: Tokenizer, items: Sequence[Item], **settings: Any
) -> list[str | list[str]]:
    """What the model answers to the items of a task, as `evaluation.scores` and `truth` take it.

    Args:
        model: A finetuned model.
        tokenizer: Its tokenizer.
        items: Of one task and language, such as `tinyworld.tasks.test_items`.
        **settings: As for `answers`.

    Returns:
        A text an item; for a dialogue all of the model's answers.
    """
    said = replies(model, tokenizer, [item.turns for item in items], **settings)
    return [each if item.task == "dialogue" else each[0] for item, each in zip(items, said, strict=True)]


def _so_far(turns: Sequence[Turn], own: Sequence[str]) -> list[Turn]:
    """The turns, with the model's own answers in the places of the answers."""
    return [Turn(turn.speaker, own[n // 2]) if n % 2 else turn for n, turn in enumerate(turns)]
