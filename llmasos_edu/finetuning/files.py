"""Conversations from a file of one's own: JSON lines, as chat data is commonly kept.

Teaches: data is checked before it is learned from, and what is wrong is named by its line. Leaves out: tools,
pictures, and cleaning. Explained in lessons 09 and 14.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..tinyworld import Turn

__all__ = ["read_conversations"]


def read_conversations(path: str | Path) -> list[list[Turn]]:
    """The conversations of a file: one JSON object a line, ``{"messages": [{"role": …, "content": …}, …]}``.

    Args:
        path: The file, UTF-8; empty lines are passed over. A message from "system" must be the first.

    Returns:
        The turns of each; user and assistant take turns, and the last one is the assistant's.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not such an object, a role is unknown, two turns of one side follow each
            other, nothing is answered, or the file holds none; says which line and what was expected.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no file {path}; each line of it should be a JSON object with messages"
        )
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if line.strip():
            try:
                found.append(_turns(json.loads(line)))
            except ValueError as e:
                raise ValueError(f"{path}, line {number}: {e}") from e
    if not found:
        raise ValueError(f"{path} holds no conversation; each line should be a JSON object with messages")
    return found


def _turns(line: Any) -> list[Turn]:
    messages = line.get("messages") if isinstance(line, dict) else None
    if not messages or not all(isinstance(m, dict) and _is_text(m, "role", "content") for m in messages):
        raise ValueError('expected {"messages": [{"role": text, "content": text}, …]}')
    system = messages[0]["role"] == "system"
    for i, message in enumerate(messages[system:]):
        expected = ("user", "assistant")[i % 2]
        if message["role"] != expected:
            raise ValueError(
                f"expected a message from {expected}; message {i + system} is from {message['role']!r}"
            )
    if messages[-1]["role"] != "assistant":
        raise ValueError("the last message must be the assistant's: there is nothing else to learn")
    return [Turn(m["role"], m["content"]) for m in messages]


def _is_text(message: dict[str, Any], *fields: str) -> bool:
    return all(isinstance(message.get(field), str) for field in fields)
