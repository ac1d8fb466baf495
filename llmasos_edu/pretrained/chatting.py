"""From messages to the one text that a chat model was trained on, by the template in its folder.

Teaches: a chat is text with marks between the turns; which marks is a small program (a Jinja template) that
comes with the weights. It runs in Jinja's sandbox, as everywhere. Leaves out tools, documents, and pictures.
Source: the transformers documentation, "Chat templates". Explained in lesson 14.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmasos_edu.pretrained.reading import read_json

__all__ = ["chat", "chat_template"]

MARKS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


def chat(
    folder: str | Path,
    messages: Sequence[Mapping[str, str]],
    *,
    add_generation_prompt: bool = True,
    **settings: Any,
) -> str:
    """The text of a chat, as the folder's template writes it.

    Args:
        folder: A Hugging Face folder.
        messages: ``{"role": "system" | "user" | "assistant", "content": text}``, in order.
        add_generation_prompt: End with the mark after which the assistant speaks.
        settings: What else the template reads, such as Qwen3's ``enable_thinking``.

    Returns:
        One text, to be encoded with ``special="allow"``. Marks that stand in a message's own content become
        marks too: do not pass on what you do not trust.

    Raises:
        ValueError: If the folder has no template, a message lacks role or content, or the template refuses.
    """
    for i, message in enumerate(messages):
        if not isinstance(message, Mapping) or not {"role", "content"} <= set(message):
            raise ValueError(f"message {i} must have a role and a content; got {message!r}")
    template, marks = chat_template(folder)
    try:
        return _environment().from_string(template).render(
            messages=[dict(message) for message in messages], tools=None, documents=None,
            add_generation_prompt=add_generation_prompt, **(marks | settings),
        )  # fmt: skip
    except TemplateError as e:
        raise ValueError(f"the chat template refuses these messages: {e}") from e


def chat_template(folder: str | Path) -> tuple[str, dict[str, str]]:
    """The template of a folder, and the special tokens that it may name.

    Args:
        folder: A Hugging Face folder.

    Returns:
        The Jinja template, and the text of ``"eos_token"`` and the like, those that the folder has.

    Raises:
        ValueError: If the folder has no template.
    """
    folder = Path(folder)
    settings = read_json(folder / "tokenizer_config.json")
    path = folder / "chat_template.jinja"
    template = path.read_text(encoding="utf-8") if path.is_file() else settings.get("chat_template")
    if isinstance(template, list):  # several by name
        template = {entry["name"]: entry["template"] for entry in template}.get("default")
    if not isinstance(template, str):
        raise ValueError(f"{folder} has no chat template: its model has not been taught to chat")
    marks = {mark: settings[mark] for mark in MARKS if settings.get(mark) is not None}
    return template, {k: v["content"] if isinstance(v, dict) else v for k, v in marks.items()}


def _environment() -> ImmutableSandboxedEnvironment:
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    env.filters["tojson"] = lambda x, **how: json.dumps(x, **({"ensure_ascii": False} | how))
    env.globals["raise_exception"] = _refuse
    env.globals["strftime_now"] = lambda pattern: datetime.datetime.now().strftime(pattern)
    return env


def _refuse(message: str) -> None:
    raise TemplateError(message)
