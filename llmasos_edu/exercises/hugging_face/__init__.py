"""The exercise of lesson 10: a chat as the one text that a chat model was trained on.

Mistakes that people make on the way: the prompt for an answer forgotten, closed or in the loop; line ends too
few and too many; a system turn dropped, doubled or in words of one's own; another model's marks.
"""

from __future__ import annotations

from typing import Any

from llmasos_edu.exercises.engine import Exercise, Probe, Property
from llmasos_edu.exercises.hugging_face.mistakes import MISTAKES, SWAPPED
from llmasos_edu.exercises.hugging_face.template import SYSTEM, render, say

__all__ = ["EXERCISES", "SWAPPED", "SYSTEM", "render"]


def _probes() -> list[Probe]:
    """With and without a system turn, one turn and several, to be answered and to be learned from."""
    system, ask = ("system", "You answer in one word."), ("user", "What is red?")
    answer, again = ("assistant", "The kite."), ("user", "And blue?")
    return [
        Probe("one question", (say(ask), True)),
        Probe("a system turn and a question", (say(system, ask), True)),
        Probe("question, answer, question", (say(ask, answer, again), True)),
        Probe("a chat to learn from: no answer is asked for", (say(ask, answer), False)),
        Probe("all four, to learn from", (say(system, ask, answer, again), False)),
        Probe("after an answer, one more is asked for", (say(ask, answer), True)),
        Probe("a text with spaces at its ends", (say(("user", "  a poem:\n red\n")), True)),
    ]


def _no_program_in_it(probe: Probe, got: Any, expected: Any) -> str | None:
    """Braces that were not filled in, a line end that stayed two signs: program text, not a chat's."""
    if not isinstance(got, str):
        return None
    if "{" in got and ("role" in got or "content" in got):
        at = got.index("{")
        return f"the text holds the braces themselves: {got[at : at + 18]!r}. Is an f missing before it?"
    if "\\n" in got:
        return (
            "the text holds a backslash and an n where a line end belongs: an r before the quotes, or repr?"
        )
    return None


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
            Property("no program stands in the text", _no_program_in_it),
            Property("every turn is closed, but for the one that is asked for", _every_turn_is_closed),
            Property("everything that was said stands in the text", _everything_said_is_there),
            Property("the text is right to its end", _agrees_to_the_end),
        ),
        mistakes=MISTAKES,
        hints=(
            "Print llm_tokenizer.chat_template: which texts stand in quotes, and what decides "
            "whether they come?",
            "Three parts: perhaps a system turn before all others; the loop; perhaps an open turn last.",
            "text += f\"<|im_start|>{turn['role']}\\n{turn['content']}<|im_end|>\\n\" in the loop.",
        ),
    )
]
