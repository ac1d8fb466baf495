"""The exercise of lesson 10: a chat as the one text that a chat model was trained on.

Its truth is the template in SmolLM2's folder (ChatML's marks, with a system turn of its own where the chat
has none); a test holds the two equal. Leaves out tools and pictures. Source: the transformers documentation,
"Chat templates".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property

__all__ = ["EXERCISES", "SYSTEM", "render"]

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

Messages = list[dict[str, str]]


def render(messages: Messages, add_generation_prompt: bool) -> str:
    """The text of a chat, as SmolLM2 knows it."""
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM}, *messages]
    text = ""
    for turn in messages:
        text += f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n"
    return text + ("<|im_start|>assistant\n" if add_generation_prompt else "")


def _say(*turns: tuple[str, str]) -> Messages:
    return [{"role": role, "content": content} for role, content in turns]


def _probes() -> list[Probe]:
    """With and without a system turn, one turn and several, to be answered and to be learned from."""
    system, ask = ("system", "You answer in one word."), ("user", "What is red?")
    answer, again = ("assistant", "The kite."), ("user", "And blue?")
    return [
        Probe("one question", (_say(ask), True)),
        Probe("a system turn and a question", (_say(system, ask), True)),
        Probe("question, answer, question", (_say(ask, answer, again), True)),
        Probe("a chat to learn from: no answer is asked for", (_say(ask, answer), False)),
        Probe("all four, to learn from", (_say(system, ask, answer, again), False)),
        Probe("a text with spaces at its ends", (_say(("user", "  a poem:\n red\n")), True)),
    ]


def _every_turn_is_closed(probe: Probe, got: Any, expected: Any) -> str | None:
    if not isinstance(got, str) or "<|im_start|>" not in got:
        return None
    opened, closed = got.count("<|im_start|>"), got.count("<|im_end|>")
    wanted = expected.count("<|im_start|>") - expected.count("<|im_end|>")
    if opened - closed != wanted:
        return f"{opened} turns are opened and {closed} closed; open at the end should be {wanted}"
    return None


def _everything_said_is_there(probe: Probe, got: Any, expected: Any) -> str | None:
    if not isinstance(got, str):
        return None
    missing = [turn["content"] for turn in probe.args[0] if turn["content"] not in got]
    return f"{missing[0]!r} was said, and the text does not hold it" if missing else None


def _agrees_to_the_end(probe: Probe, got: Any, expected: Any) -> str | None:
    """Where two long texts part: their beginnings are alike, and would be all that is shown."""
    if not isinstance(got, str) or got == expected:
        return None
    pairs = enumerate(zip(got, expected, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(got), len(expected)))
    here, there = (
        repr(text[at : at + 14]) if text[at:] else "the end of the text" for text in (got, expected)
    )
    before = expected[max(0, at - 12) : at]
    return f"right for {at} characters, up to {before!r}; then got {here}, expected {there}"


def _by(
    start: str = "<|im_start|>{role}\n", end: str = "<|im_end|>\n", last: str = "<|im_start|>assistant\n"
) -> Callable[[Messages, bool], str]:
    """The reference with other marks; `last` is what asks for an answer."""

    def wrong(messages: Messages, add_generation_prompt: bool) -> str:
        turns = messages if messages[0]["role"] == "system" else [*_say(("system", SYSTEM)), *messages]
        text = "".join(start.format(role=turn["role"]) + turn["content"] + end for turn in turns)
        return text + (last if add_generation_prompt else "")

    return wrong


def _with(change: Callable[[Messages], Sequence[dict[str, str]]]) -> Callable[[Messages, bool], str]:
    """The reference on messages that were changed, its own system turn among them."""

    def wrong(messages: Messages, add_generation_prompt: bool) -> str:
        turns = messages if messages[0]["role"] == "system" else [*_say(("system", SYSTEM)), *messages]
        text = "".join(f"<|im_start|>{t['role']}\n{t['content']}<|im_end|>\n" for t in change(turns))
        return text + ("<|im_start|>assistant\n" if add_generation_prompt else "")

    return wrong


SWAPPED = {"user": "assistant", "assistant": "user", "system": "system"}

MISTAKES = (
    Mistake(
        "no generation prompt",
        why="The text ends where the user ends: the model may go on in the user's name.",
        where="After the loop: where an answer is asked for, open the assistant's turn.",
        wrong=_by(last=""),
    ),
    Mistake(
        "a generation prompt always",
        why="A chat to learn from ends with an answer; an open turn after it teaches to say nothing.",
        where="After the loop: the second argument decides.",
        wrong=lambda messages, add: render(messages, True),
    ),
    Mistake(
        "the last role decides, not the argument",
        why="A chat to learn from may end with a question, and then nobody is asked to answer.",
        where="After the loop: if add_generation_prompt.",
        wrong=lambda messages, add: render(messages, messages[-1]["role"] == "user"),
    ),
    Mistake(
        "the generation prompt is closed at once",
        why="The model sees that the assistant has already spoken, and said nothing.",
        where="After the loop: <|im_start|>assistant and a line end, no <|im_end|>.",
        wrong=(
            _by(last="<|im_start|>assistant\n<|im_end|>\n"),
            _by(last="<|im_start|>assistant<|im_end|>\n"),
        ),
    ),
    Mistake(
        "the model's own system turn is missing",
        why="It was trained with one before every chat; without it the text is one that it has never seen.",
        where="Before the loop: what if the first turn is not the system's?",
        wrong=lambda messages, add: (
            "".join(f"<|im_start|>{t['role']}\n{t['content']}<|im_end|>\n" for t in messages)
            + ("<|im_start|>assistant\n" if add else "")
        ),
    ),
    Mistake(
        "the model's own system turn is always added",
        why="A chat that brings its own system turn then has two, and they may contradict each other.",
        where="Before the loop: only if the first turn is not the system's.",
        wrong=lambda messages, add: render([*_say(("system", SYSTEM)), *messages], add),
    ),
    Mistake(
        "the chat's system turn is dropped",
        why="What the system turn asks for never reaches the model.",
        where="Is the role system skipped in the loop, or its content replaced?",
        wrong=(
            _with(lambda turns: [t for t in turns if t["role"] != "system" or t["content"] == SYSTEM]),
            lambda messages, add: render([t for t in messages if t["role"] != "system"], add),
        ),
    ),
    Mistake(
        "the mark after a turn is forgotten",
        why="The end mark is how the model knows that somebody has finished, and how it finishes itself.",
        where="In the loop, after the content: <|im_end|>.",
        wrong=(_by(end="\n"), _by(end="")),
    ),
    Mistake(
        "the line end after a turn is forgotten",
        why="It is a token like any other, and in training it stood there each time.",
        where="In the loop: <|im_end|> and then \\n.",
        wrong=_by(end="<|im_end|>"),
    ),
    Mistake(
        "a line end before the end mark",
        why="The model would learn to say a line end before it stops, and here it never did.",
        where="In the loop: <|im_end|> stands right behind the content.",
        wrong=_by(end="\n<|im_end|>\n"),
    ),
    Mistake(
        "no line end after the role",
        why="Role and content run together, or are parted by another token than in training.",
        where="In the loop: the role, then \\n, then the content.",
        wrong=(
            _by(start="<|im_start|>{role}"),
            _by(start="<|im_start|>{role} "),
            _by(start="<|im_start|>{role}: "),
        ),
    ),
    Mistake(
        "no line end after the generation prompt",
        why="The model would have to say the line end first, as a part of its answer.",
        where="After the loop: <|im_start|>assistant and then \\n.",
        wrong=_by(last="<|im_start|>assistant"),
    ),
    Mistake(
        "roles swapped",
        why="The model reads its own words as the user's, and is asked to answer itself.",
        where="turn['role'] goes in as it stands.",
        wrong=_with(lambda turns: [{**t, "role": SWAPPED[t["role"]]} for t in turns]),
    ),
    Mistake(
        "everybody is the user",
        why="Who said what is gone.",
        where="In the loop: the role of this turn, not a fixed word.",
        wrong=_with(lambda turns: [{**t, "role": "user"} for t in turns]),
    ),
    Mistake(
        "only the last turn",
        why="The text is a model's only memory: what does not stand in it was never said.",
        where="Is the text begun anew in the loop (text = …), or does it grow (text += …)?",
        wrong=(_with(lambda turns: turns[-1:]), lambda messages, add: render(messages[-1:], add)),
    ),
    Mistake(
        "another model's marks",
        why="To this tokenizer they are ordinary signs, some tokens each, which it has hardly ever seen.",
        where="The marks of this model: <|im_start|> and <|im_end|>.",
        wrong=(
            _by("<|{role}|>", "", "<|assistant|>"),
            _by("<|{role}|>\n", "<|end|>\n", "<|assistant|>\n"),
            _by("{role}: ", "\n", "assistant: "),
            _by("{role}: ", "\n", "assistant:"),
            _by("[INST] ", " [/INST]", ""),
        ),
    ),
    Mistake(
        "the contents are stripped",
        why="Some templates do that; this one does not, and each space is a token or a part of one.",
        where="turn['content'] goes in as it stands, without .strip().",
        wrong=_with(lambda turns: [{**t, "content": t["content"].strip()} for t in turns]),
    ),
)

EXERCISES = [
    Exercise(
        key="hugging_face.render",
        task="Write render(messages, add_generation_prompt): messages is a list of {'role': …, "
        "'content': …}; give the one text that SmolLM2 was trained on. A turn is <|im_start|>, the role, a "
        "line end, the content, <|im_end|>, a line end. Without a system turn the model's own comes first: "
        f"{SYSTEM!r}. Last, if an answer is asked for, the assistant's turn is opened.",
        reference=render,
        probes=_probes,
        properties=(
            Property("every turn is closed, but for the one that is asked for", _every_turn_is_closed),
            Property("everything that was said stands in the text", _everything_said_is_there),
            Property("the text is right to its end", _agrees_to_the_end),
        ),
        mistakes=MISTAKES,
        hints=(
            "Print tokenizer.chat_template: which texts stand in quotes, and what decides whether they come?",
            "Three parts: perhaps a system turn before all others; the loop; perhaps an open turn last.",
            "text += f\"<|im_start|>{turn['role']}\\n{turn['content']}<|im_end|>\\n\" in the loop.",
        ),
    )
]
