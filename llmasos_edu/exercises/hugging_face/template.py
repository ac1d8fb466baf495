"""A chat as one text: lesson 10's reference, SmolLM2's template written in Python.

Its truth is the template in SmolLM2's folder (ChatML's marks, with a system turn of its own where the chat
has none); a test holds the two equal. Leaves out tools and pictures. Source: the transformers documentation,
"Chat templates".
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ASK", "SYSTEM", "Messages", "render", "say", "text", "with_system"]

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
ASK = "<|im_start|>assistant\n"  # opens the turn that is asked for

Messages = list[dict[str, str]]


def render(messages: Messages, add_generation_prompt: bool) -> str:
    """The text of a chat, as SmolLM2 knows it."""
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM}, *messages]
    text = ""
    for turn in messages:
        text += f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n"
    return text + ("<|im_start|>assistant\n" if add_generation_prompt else "")


def say(*turns: tuple[str, str]) -> Messages:
    """Messages from pairs of role and content."""
    return [{"role": role, "content": content} for role, content in turns]


def with_system(messages: Messages, system: str = SYSTEM) -> Messages:
    """The chat, begun by a system turn of the model's own where it brings none."""
    return messages if messages[0]["role"] == "system" else [*say(("system", system)), *messages]


def text(turns: Sequence[dict[str, str]]) -> str:
    """Turns between their marks, one after the other."""
    return "".join(f"<|im_start|>{t['role']}\n{t['content']}<|im_end|>\n" for t in turns)
