"""A conversation as tokens, and which of them the loss counts.

Teaches: a chat is one text with marks, `<|user|>…<|assistant|>…`, and the model is to learn what the
assistant says, and where it stops, not what it is told. So an answer's tokens count, together with the mark
after it: without that mark the model would never learn to give the word back. A model has no other memory
than the text before it, so `recent` drops what no longer fits. Leaves out: other models' marks, which their
folders bring along as a template (`pretrained.chat`). Explained in lessons 09 and 14.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..batches import Example
from ..tinyworld import Turn
from ..tokenizer import Tokenizer

__all__ = ["CHAT_TEMPLATE", "conversation", "prompt", "recent"]

#: What `prompt` gives (and, with an answer at the end, `conversation`), as a Hugging Face folder says it.
CHAT_TEMPLATE = """{{- eos_token }}
{%- set answers = {"user": "assistant", "en": "zh", "zh": "en"} %}
{%- set asks = messages[0].role %}
{%- for message in messages %}
{%- if asks not in answers or message.role != [asks, answers[asks]][loop.index0 % 2] %}
{{- raise_exception("user and assistant take turns, or en and zh; message "
                    ~ loop.index0 ~ " is from " ~ message.role) }}
{%- endif %}
{{- "<|" ~ message.role ~ "|>" ~ message.content }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|" ~ answers[asks] ~ "|>" }}{% else %}{{- eos_token }}{% endif %}"""


def conversation(turns: Sequence[Turn], tokenizer: Tokenizer, *, learn: str = "answers") -> Example:
    """The tokens of a conversation, and which of them count.

    Args:
        turns: What is given and what is answered, in turns, so an even number of them; the speaker's name is
            the mark: "user" and "assistant", or "en" and "zh" for a translation.
        tokenizer: Has the marks as special tokens, as tinyworld-base's has. What looks like a mark in a text
            stays text.
        learn: "answers": each answer and the mark that ends it (the next speaker's, or the end token);
            "everything": also what is given, which is what forgetting the mask does.

    Returns:
        An example for `batches.Documents`, which adds the end tokens.

    Raises:
        ValueError: If a speaker has no mark, speaks twice in a row, the last turn is not an answer, or
            `learn` is neither.

    Example:
        >>> from llmasos_edu.corpora import tinyworld_tokenizer
        >>> from llmasos_edu.tinyworld import World
        >>> tokenizer = tinyworld_tokenizer(World("en"))
        >>> talk = conversation([Turn("user", "What is my name?"), Turn("assistant", "Mia")], tokenizer)
        >>> [tokenizer.decode([i]) for i, counts in zip(talk.ids, talk.counts) if counts]
        ['Mia']
    """
    if learn not in ("answers", "everything"):
        raise ValueError(f'learn must be "answers" or "everything"; got {learn!r}')
    if not turns or len(turns) % 2:
        raise ValueError(
            f"a conversation to learn from must end with an answer, turns by twos; got {len(turns)} turns"
        )
    ids, counts = _encoded(turns, tokenizer)
    return Example(ids, [True] * len(counts) if learn == "everything" else counts)


def prompt(turns: Sequence[Turn], tokenizer: Tokenizer, *, answerer: str = "assistant") -> list[int]:
    """What a model reads before it answers: the end token, the turns so far, the answerer's mark.

    Args:
        turns: So far; an odd number, since the last of them is to be answered.
        tokenizer: Has the marks and the end token.
        answerer: The speaker who comes next.

    Returns:
        Token ids, for `generation.generate`.

    Raises:
        ValueError: If there is nothing to answer, or a speaker has no mark or speaks twice in a row.
    """
    if len(turns) % 2 == 0:
        raise ValueError(f"the last turn must be one to answer, turns odd in number; got {len(turns)}")
    if turns[-1].speaker == answerer:
        raise ValueError(f"{answerer} has spoken last and cannot answer; the last turn must be another's")
    return [_mark("end", tokenizer), *_encoded(turns, tokenizer)[0], _mark(answerer, tokenizer)]


def recent(turns: Sequence[Turn], tokenizer: Tokenizer, room: int) -> tuple[list[Turn], int]:
    """The latest turns that fit, where a talk has become longer than a model's context.

    Args:
        turns: So far; the last of them is to be answered.
        tokenizer: Has the marks.
        room: What `prompt` may take: the context less the longest answer (tokens).

    Returns:
        The turns that are left, and how many were dropped: the oldest, a question and its answer at a time.

    Raises:
        ValueError: If not even the last turn fits, and as `prompt`.

    Example:
        >>> from llmasos_edu.corpora import tinyworld_tokenizer
        >>> from llmasos_edu.tinyworld import World
        >>> talk = [Turn("user", "Hello"), Turn("assistant", "Hello"), Turn("user", "What is my name?")]
        >>> kept, dropped = recent(talk, tinyworld_tokenizer(World("en")), room=9)
        >>> [turn.text for turn in kept], dropped
        (['What is my name?'], 2)
    """
    for dropped in range(0, len(turns) or 1, 2):
        kept = list(turns[dropped:])
        if (
            taken := len(prompt(kept, tokenizer, answerer=turns[1].speaker if turns[1:] else "assistant"))
        ) <= room:
            return kept, dropped
    raise ValueError(f"the last turn alone takes {taken} tokens; there is room for {room}: shorten it")


def _encoded(turns: Sequence[Turn], tokenizer: Tokenizer) -> tuple[list[int], list[bool]]:
    """Ids, and for each of them and for the end whether it is an answer's."""
    for i, turn in enumerate(turns[2:], start=2):
        if turn.speaker != turns[i - 2].speaker:
            raise ValueError(
                f"speakers must take turns, {turns[0].speaker} and {turns[1].speaker}; "
                f"turn {i} is {turn.speaker}'s"
            )
    if len(turns) > 1 and turns[0].speaker == turns[1].speaker:
        raise ValueError(f"speakers must take turns; {turns[0].speaker} speaks twice in a row, turns 0 and 1")
    ids: list[int] = []
    counts: list[bool] = []
    for i, turn in enumerate(turns):
        spoken = tokenizer.encode(turn.text, special="text")
        ids += [_mark(turn.speaker, tokenizer), *spoken]
        answered = i % 2 == 1
        counts += [i > 0 and not answered, *[answered] * len(spoken)]  # a given turn's mark ends an answer
    return ids, [*counts, len(turns) % 2 == 0]


def _mark(speaker: str, tokenizer: Tokenizer) -> int:
    mark = f"<|{speaker}|>"
    if mark not in tokenizer.special_tokens:
        known = ", ".join(m[2:-2] for m in tokenizer.special_tokens if "reserved" not in m)
        raise ValueError(f"the tokenizer must have the mark {mark}; it has marks for {known or 'nobody'}")
    return tokenizer.special_tokens[mark]
