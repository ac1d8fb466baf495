"""What people write instead of SmolLM2's template: each the reference with one part replaced.

Source: the shapes that a loop over turns takes when one line of it goes wrong (joins, indents, conditions).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmasos_edu.exercises.engine import Mistake
from llmasos_edu.exercises.hugging_face.template import ASK, SYSTEM, Messages, render, say, text, with_system

__all__ = ["MISTAKES", "SWAPPED"]


def _by(
    start: str = "<|im_start|>{role}\n", end: str = "<|im_end|>\n", last: str = ASK
) -> Callable[[Messages, bool], str]:
    """The reference with other marks; `last` is what asks for an answer."""

    def wrong(messages: Messages, add_generation_prompt: bool) -> str:
        turns = "".join(
            start.format(role=turn["role"]) + turn["content"] + end for turn in with_system(messages)
        )
        return turns + (last if add_generation_prompt else "")

    return wrong


def _with(change: Callable[[Messages], Sequence[dict[str, str]]]) -> Callable[[Messages, bool], str]:
    """The reference on messages that were changed, its own system turn among them."""

    def wrong(messages: Messages, add_generation_prompt: bool) -> str:
        return text(change(with_system(messages))) + (ASK if add_generation_prompt else "")

    return wrong


def _first(begin: str) -> Callable[[Messages, bool], str]:
    """The reference with its own system turn written as `begin`."""

    def wrong(messages: Messages, add_generation_prompt: bool) -> str:
        begun = "" if messages[0]["role"] == "system" else begin
        return begun + text(messages) + (ASK if add_generation_prompt else "")

    return wrong


def _joined(last: str) -> Callable[[Messages, bool], str]:
    """Line ends between the turns alone; `last` is what asks for an answer."""

    def wrong(messages: Messages, add_generation_prompt: bool) -> str:
        return text(with_system(messages))[:-1] + (last if add_generation_prompt else "")

    return wrong


def _spaced(last: str) -> Callable[[Messages, bool], str]:
    """Turns that end in a line end, joined by another one; `last` is what asks for an answer."""
    return lambda messages, add: "\n".join(text([t]) for t in with_system(messages)) + last * add


def _asking_in_the_loop(roles: Sequence[str]) -> Callable[[Messages, bool], str]:
    """The generation prompt after every turn of these roles."""

    def wrong(messages: Messages, add_generation_prompt: bool) -> str:
        asked = [ASK if add_generation_prompt and t["role"] in roles else "" for t in with_system(messages)]
        return "".join(text([t]) + ask for t, ask in zip(with_system(messages), asked, strict=True))

    return wrong


OWN = {"role": "system", "content": SYSTEM}
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
        wrong=(
            lambda messages, add: render(messages, messages[-1]["role"] == "user"),
            lambda messages, add: render(messages, add and messages[-1]["role"] == "user"),
        ),
    ),
    Mistake(
        "the argument is turned around",
        why="The open turn comes where nobody is asked, and is missing where an answer is wanted.",
        where="After the loop: if add_generation_prompt, without a not.",
        wrong=lambda messages, add: render(messages, not add),
    ),
    Mistake(
        "the generation prompt stands in the loop",
        why="The assistant's turn is opened after turns that others go on from; one belongs at the end.",
        where="Is the last if indented too far? It comes once, after the loop.",
        wrong=(_asking_in_the_loop(["system", "user", "assistant"]), _asking_in_the_loop(["user"])),
    ),
    Mistake(
        "the generation prompt is closed at once",
        why="The model sees that the assistant has already spoken, and said nothing.",
        where="After the loop: <|im_start|>assistant and a line end, no <|im_end|>.",
        wrong=(
            _by(last="<|im_start|>assistant\n<|im_end|>\n"),
            _by(last="<|im_start|>assistant<|im_end|>\n"),
            _by(last="<|im_start|>assistant\n<|im_end|>"),
        ),
    ),
    Mistake(
        "the model's own system turn is missing",
        why="It was trained with one before every chat; without it the text is one that it has never seen.",
        where="Before the loop: what if the first turn is not the system's?",
        wrong=_first(""),
    ),
    Mistake(
        "the own system turn lacks marks or its line end",
        why="It is a turn like all others: start mark, role, line end, text, end mark, line end.",
        where="Before the loop: or put it into the list, and let the loop write it.",
        wrong=(
            _first(f"<|im_start|>system\n{SYSTEM}<|im_end|>"),
            _first(f"<|im_start|>system\n{SYSTEM}\n"),
            _first(f"<|im_start|>system\n{SYSTEM}"),
            _first(f"<|im_start|>{SYSTEM}<|im_end|>\n"),
            _first(f"{SYSTEM}\n"),
            _first(SYSTEM),
        ),
    ),
    Mistake(
        "the own system turn says something else",
        why="The model saw one sentence before its chats, letter by letter; another one it knows less well.",
        where="Copy the sentence; it ends without a full stop.",
        wrong=(
            lambda messages, add: render(with_system(messages, SYSTEM + "."), add),
            lambda messages, add: render(with_system(messages, "You are a helpful assistant."), add),
            lambda messages, add: render(with_system(messages, "You are a helpful assistant"), add),
            lambda messages, add: render(with_system(messages, ""), add),
        ),
    ),
    Mistake(
        "the model's own system turn is always added",
        why="A chat that brings its own system turn then has two, and they may contradict each other.",
        where="Before the loop: only if the first turn is not the system's.",
        wrong=lambda messages, add: render([*say(("system", SYSTEM)), *messages], add),
    ),
    Mistake(
        "the model's own system turn comes again and again",
        why="The model reads one at the beginning of a chat; here it stands before turn after turn.",
        where="The test for a system turn comes once, before the loop, and looks at the first turn.",
        wrong=(
            _with(lambda turns: [s for t in turns if t["role"] != "system" for s in (OWN, t)]),
            lambda messages, add: (
                text([s for t in messages for s in ([t] if t["role"] == "system" else [OWN, t])]) + ASK * add
            ),
            lambda messages, add: (
                text([s for t in messages for s in ([OWN, t] if t["role"] == "user" else [t])]) + ASK * add
            ),
        ),
    ),
    Mistake(
        "the first turn is dropped",
        why="Without a system turn the first one is the user's: what was asked never reaches the model.",
        where="Does the loop begin at messages[1:] in every case?",
        wrong=(
            lambda messages, add: text([with_system(messages)[0], *messages[1:]]) + ASK * add,
            lambda messages, add: text([OWN, *messages[1:]]) + ASK * add,
        ),
    ),
    Mistake(
        "the assistant's turns are dropped",
        why="Its answers are part of the talk: it goes on from them, and in training learns from them.",
        where="Are there branches for system and user alone? The loop needs no branch.",
        wrong=_with(lambda turns: [t for t in turns if t["role"] != "assistant"]),
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
        wrong=(_by(end="\n"), _by(end=""), _by(end="<|im_start|>\n")),
    ),
    Mistake(
        "the line end after a turn is forgotten",
        why="It is a token like any other, and in training it stood there each time.",
        where="In the loop: <|im_end|> and then \\n.",
        wrong=_by(end="<|im_end|>"),
    ),
    Mistake(
        "no line end after the last turn",
        why="join puts line ends between the turns; the last turn has one too.",
        where="Give each turn its own line end in the loop, and join with nothing between.",
        wrong=(_joined(ASK), _joined("\n" + ASK)),
    ),
    Mistake(
        "a blank line between turns",
        why="A line end too many is another token than the one that stood there in training.",
        where="Does the turn end in \\n, and is a second one put in by join or by print?",
        wrong=(_by(end="<|im_end|>\n\n"), _spaced(ASK), _spaced("\n" + ASK)),
    ),
    Mistake(
        "the whole text is stripped",
        why="The last line end belongs to the text: after it the answer begins.",
        where="Is there a .strip() or .rstrip() in the return?",
        wrong=lambda messages, add: render(messages, add).strip(),
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
        wrong=(
            _with(lambda turns: turns[-1:]),
            lambda messages, add: render(messages[-1:], add),
            lambda messages, add: render([t for t in messages if t["role"] == "user"][-1:], add),
            _with(lambda turns: [turns[0], turns[-1]]),
        ),
    ),
    Mistake(
        "only the first turn: return stands in the loop",
        why="The function ends at the first return that it meets.",
        where="The return is not indented under the for.",
        wrong=(
            _with(lambda turns: turns[:1]),
            lambda messages, add: text(with_system(messages)[:1]),
            lambda messages, add: render(messages[:1], add),
            lambda messages, add: render(messages[:1], False),
        ),
    ),
    Mistake(
        "another model's marks",
        why="To this tokenizer they are ordinary signs, some tokens each, which it has hardly ever seen.",
        where="The marks of this model: <|im_start|> and <|im_end|>.",
        wrong=(
            _by("<|{role}|>", "", "<|assistant|>"),
            _by("<|{role}|>\n", "<|end|>\n", "<|assistant|>\n"),
            _by("<im_start>{role}\n", "<im_end>\n", "<im_start>assistant\n"),
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
