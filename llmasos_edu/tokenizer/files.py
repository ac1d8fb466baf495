r"""One human-readable file that holds a whole tokenizer.

    llmasos-edu tokenizer 1
    # what the lines mean
    pattern " ?\\p{L}+| ?[^\\p{L}]+"
    token 97 "a"
    token 228 x"e4"
    merge 256 "a" "b"
    special 257 "<|end|>"
    end 257 tokens, 1 merges, 1 special

A token is a JSON string where its bytes are printable UTF-8, else hexadecimal. A merge's id is that of the
joined token. The last line tells a whole file from a torn one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from llmasos_edu.files import atomic_write
from llmasos_edu.tokenizer.parts import Parts, check_parts

__all__ = ["read", "write"]

TITLE = "llmasos-edu tokenizer 1"
LEGEND = """\
# pattern: the regular expression that cuts text into pre-tokens (null: no cut)
# token:   id, bytes (a string, or x"hexadecimal") of a token that no merge makes
# merge:   id of the joined token, left part, right part; in the order of application
# special: id, text
"""
_STRING = r'x?"(?:[^"\\]|\\.)*"'
_LINES = {
    "token": re.compile(rf"token (\d+) ({_STRING})"),
    "merge": re.compile(rf"merge (\d+) ({_STRING}) ({_STRING})"),
    "special": re.compile(rf"special (\d+) ({_STRING})"),
}


def write(path: str | Path, parts: Parts) -> None:
    """Write `parts` to `path`, atomically."""
    made = {a + b for a, b in parts.merges}
    lines = [f"pattern {json.dumps(parts.pattern, ensure_ascii=False)}"]
    lines += [f"normalization {json.dumps(parts.normalization)}"] if parts.normalization else []
    lines += [f"token {i} {_quoted(token)}" for token, i in parts.vocab.items() if token not in made]
    lines += [f"merge {parts.vocab[a + b]} {_quoted(a)} {_quoted(b)}" for a, b in parts.merges]
    lines += [f"special {i} {_quoted(text.encode())}" for text, i in parts.special_tokens.items()]
    with atomic_write(path) as f:
        f.write(f"{TITLE}\n{LEGEND}" + "\n".join(lines) + f"\n{_end(parts)}\n")


def read(path: str | Path) -> Parts:
    """Read what `write` wrote.

    Raises:
        ValueError: If the file is damaged; says in which line and why.
    """
    lines = Path(path).read_bytes().decode("utf-8", "replace").split("\n")
    if lines[0].strip() != TITLE:
        raise _damaged(path, 1, f"must be {TITLE!r}; got {lines[0][:60]!r}")
    parts = Parts({}, [], {}, None)
    for number, line in enumerate(lines[1:], start=2):
        line = line.removesuffix("\r")
        if line.startswith("end "):
            if line != _end(parts):
                raise _damaged(
                    path, number, f"must be {_end(parts)!r}; got {line!r}: lines are missing or added"
                )
            break
        if line and not line.startswith("#"):
            try:
                parts = _read_line(line, parts)
            except ValueError as e:
                raise _damaged(path, number, str(e)) from e
    else:
        raise _damaged(path, len(lines), "must be the end line; the file is cut off")
    try:
        check_parts(parts)
    except ValueError as e:
        raise ValueError(f"{Path(path).name}: {e}") from e
    return parts


def _read_line(line: str, parts: Parts) -> Parts:
    """`parts` with what one line says."""
    kind = line.split(" ", 1)[0]
    if kind == "pattern":
        pattern = json.loads(line.removeprefix("pattern "))
        if pattern is not None and not isinstance(pattern, str):
            raise ValueError(f"pattern must be a string or null; got {pattern!r}")
        return parts._replace(pattern=pattern)
    if kind == "normalization":
        return parts._replace(normalization=json.loads(line.removeprefix("normalization ")))
    if kind not in _LINES:
        raise ValueError(
            f"must begin with pattern, normalization, token, merge, special or end; got {line[:40]!r}"
        )
    found = _LINES[kind].fullmatch(line)
    if not found:
        raise ValueError(f"must be {kind}, an id and {2 if kind == 'merge' else 1} quoted; got {line[:60]!r}")
    i, texts = int(found[1]), [_unquoted(t) for t in found.groups()[1:]]
    if kind == "special":
        parts.special_tokens[texts[0].decode()] = i
        return parts
    token = b"".join(texts)
    if parts.vocab.setdefault(token, i) != i:
        raise ValueError(f"token {token!r} must have one id; got {parts.vocab[token]} and {i}")
    if kind == "merge":
        parts.merges.append((texts[0], texts[1]))
    return parts


def _quoted(token: bytes) -> str:
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return f'x"{token.hex()}"'
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else f'x"{token.hex()}"'


def _unquoted(text: str) -> bytes:
    return bytes.fromhex(text[2:-1]) if text.startswith("x") else json.loads(text).encode()


def _end(parts: Parts) -> str:
    return f"end {len(parts.vocab)} tokens, {len(parts.merges)} merges, {len(parts.special_tokens)} special"


def _damaged(path: str | Path, line: int, why: str) -> ValueError:
    return ValueError(f"{Path(path).name}, line {line} {why}")
