"""Conversations from a file: what is read, and each mistake named by its line."""

import json
import re

import pytest

from llmasos_edu.finetuning import read_conversations
from llmasos_edu.tinyworld import Turn

GOOD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "你好"}]}
TOLD = {"messages": [{"role": "system", "content": "Be short."}, *GOOD["messages"] * 2]}


def said(*roles):
    return json.dumps({"messages": [{"role": role, "content": "x"} for role in roles]})


def test_each_line_is_a_conversation(tmp_path):
    path = tmp_path / "talks.jsonl"
    path.write_text(f"{json.dumps(GOOD, ensure_ascii=False)}\n\n{json.dumps(TOLD)}\n", encoding="utf-8")
    short = [Turn("user", "Hi"), Turn("assistant", "你好")]
    assert read_conversations(path) == [short, [Turn("system", "Be short."), *short, *short]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: Expecting"),
        ("[]", 'line 2: expected {"messages": '),
        ('{"messages": []}', 'line 2: expected {"messages": '),
        ('{"messages": [{"role": "user"}]}', 'line 2: expected {"messages": '),
        ('{"messages": [{"role": "user", "content": 3}]}', 'line 2: expected {"messages": '),
        (said("user", "user"), "expected a message from assistant; message 1 is from 'user'"),
        (said("narrator"), "expected a message from user; message 0 is from 'narrator'"),
        (said("user", "assistant", "system"), "expected a message from user; message 2 is from 'system'"),
        (said("user"), "the last message must be the assistant's"),
        (said("system"), "the last message must be the assistant's"),
    ],
)
def test_a_mistake_is_named_by_its_line(tmp_path, line, message):
    path = tmp_path / "talks.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(message)):
        read_conversations(path)


def test_no_file_and_an_empty_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_conversations(tmp_path / "talks.jsonl")
    (tmp_path / "talks.jsonl").write_text("\n")
    with pytest.raises(ValueError, match="holds no conversation"):
        read_conversations(tmp_path / "talks.jsonl")
