"""Conversations in another model's own marks, as the template in its folder writes them.

Teaches: a chat model has seen one way to write a chat, and only that one works well; what counts is the same
under every template: each answer, and the mark that ends it. Leaves out: what the template is
(`pretrained.chat`). Explained in lessons 09 and 14.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..batches import Example
from ..tinyworld import Turn
from ..tokenizer import Tokenizer

__all__ = ["Template", "by_template"]

#: From turns, and whether the assistant speaks next, to the text.
Template = Callable[[Sequence[Turn], bool], str]


def by_template(turns: Sequence[Turn], tokenizer: Tokenizer, template: Template) -> Example:
    """The tokens of a conversation in a template's marks, and which of them count.

    Args:
        turns: What is given and what is answered, in turns; an answer is the speaker "assistant"'s.
        tokenizer: The model's; the template's marks are special tokens of it.
        template: Writes the text, such as `pretrained.chat` of the model's folder does.

    Returns:
        An example for `batches.Documents`: each answer counts up to its first special token, and that too.

    Raises:
        ValueError: If there is no answer to learn from, or the template writes a turn otherwise once another
            has followed it (then nobody can say where an answer stands).

    Example:
        >>> marks = ("<|im_start|>", "<|im_end|>")
        >>> def template(turns, asks):
        ...     said = "".join(f"<|im_start|>{t.speaker}:{t.text}<|im_end|>" for t in turns)
        ...     return said + ("<|im_start|>assistant:" if asks else "")
        >>> tokenizer = Tokenizer.train("", 258, special_tokens=marks)
        >>> talk = by_template([Turn("user", "Hi"), Turn("assistant", "Yes")], tokenizer, template)
        >>> [tokenizer.decode([i]) for i, counts in zip(talk.ids, talk.counts) if counts]
        ['Y', 'e', 's', '<|im_end|>']
    """
    places = [i for i, turn in enumerate(turns) if turn.speaker == "assistant"]
    if not places:
        raise ValueError(
            f"a conversation to learn from must have an answer; got {len(turns)} turns without one"
        )
    ids: list[int] = []
    counts: list[bool] = []
    written = ""
    for i in places:
        asked, answered = template(turns[:i], True), template(turns[: i + 1], False)
        if not (asked.startswith(written) and answered.startswith(asked)):
            raise ValueError(f"the template writes what is before turn {i} otherwise once it is answered")
        given = tokenizer.encode(asked[len(written) :], special="allow")
        said = tokenizer.encode(answered[len(asked) :], special="allow")
        marks = set(tokenizer.special_tokens.values())
        last = next((n for n, id in enumerate(said) if id in marks), len(said))
        ids += [*given, *said]
        counts += [False] * len(given) + [n <= last for n in range(len(said))]
        written = answered
    return Example(ids, [*counts, False])
