"""Reading and writing Hugging Face's `tokenizer.json`, byte-level BPE only.

The file writes each byte as a printable character (GPT-2's table: a space is Ġ). What the file asks for and
this project would do differently is refused by name, never ignored: a normalizer but NFC, another model
(SentencePiece), words taken whole (Llama 3), word-end suffixes, a token that strips its neighbours' spaces.
Source: the `tokenizers` library's file format; `bytes_to_unicode` in GPT-2's `encoder.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llmasos_edu.files import atomic_write
from llmasos_edu.tokenizer.merging import Pair
from llmasos_edu.tokenizer.parts import Parts
from llmasos_edu.tokenizer.patterns import DIGITS_PATTERN, GPT2_PATTERN

__all__ = ["HF_BYTE_ORDER", "byte_characters", "read", "write"]


def byte_characters() -> list[str]:
    """The 256 characters that stand for the bytes: printable ones for themselves, the rest from U+0100 on.

    Example:
        >>> byte_characters()[ord(" ")], byte_characters()[ord("a")]
        ('Ġ', 'a')
    """
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    moved = [b for b in range(256) if b not in plain]
    table = {b: chr(b) for b in plain} | {b: chr(256 + n) for n, b in enumerate(moved)}
    return [table[b] for b in range(256)]


_CHARACTERS = byte_characters()
_BYTES = {c: b for b, c in enumerate(_CHARACTERS)}

HF_BYTE_ORDER = tuple(sorted(range(256), key=lambda b: _CHARACTERS[b]))
"""Bytes in the order of ids that Hugging Face's trainer (and GPT-2) gives them."""

_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
_DIGITS = {"type": "Digits", "individual_digits": True}
_OF = {  # who has what is refused
    "model.type": "Unigram: SentencePiece, as T5 has it; WordPiece: BERT",
    "model.byte_fallback": "SentencePiece, as Llama 1 and 2, Mistral and Gemma have it",
    "model.ignore_merges": "as Llama 3 has it: a word that is a token is taken whole, without merges",
}


def write(path: str | Path, parts: Parts) -> None:
    """Write `tokenizer.json`; `path` is the file or its folder."""
    added = [
        {"id": i, "content": text, "special": True, "normalized": False}
        | {"single_word": False, "lstrip": False, "rstrip": False}
        for text, i in sorted(parts.special_tokens.items(), key=lambda item: item[1])
    ]
    model = {
        "type": "BPE",
        "vocab": {
            _characters(token): i for token, i in sorted(parts.vocab.items(), key=lambda item: item[1])
        },
        "merges": [[_characters(a), _characters(b)] for a, b in parts.merges],
    }
    whole = {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": {"type": parts.normalization} if parts.normalization else None,
        "pre_tokenizer": _pre_tokenizer(parts.pattern),
        "post_processor": None,
        "decoder": _BYTE_LEVEL | {"use_regex": True},
        "model": model,
    }
    with atomic_write(_file(path)) as f:
        json.dump(whole, f, ensure_ascii=False, indent=1)


def read(path: str | Path) -> Parts:
    """Read `tokenizer.json`; `path` is the file or its folder.

    Raises:
        ValueError: If it is no JSON, or asks for something that would be done differently here; names it.
    """
    try:
        whole = json.loads(_file(path).read_text(encoding="utf-8"))
        model, added = whole["model"], whole.get("added_tokens") or []
        _refuse_differences(whole, model, added)
        specials = {token["content"]: token["id"] for token in added}
        vocab = {_token(c): i for c, i in model["vocab"].items() if specials.get(c) != i}
        merges = [_merge(m) for m in model["merges"]]
        return Parts(
            vocab, merges, specials, _pattern(whole.get("pre_tokenizer")), _type(whole.get("normalizer"))
        )
    except json.JSONDecodeError as e:
        raise ValueError(f"{_file(path).name}, line {e.lineno} must be JSON: {e.msg}") from e
    except (KeyError, TypeError, AttributeError) as e:
        raise ValueError(
            f"{_file(path).name} must be a tokenizer.json of a BPE model; trouble with {e}"
        ) from e


def _refuse_differences(whole: dict[str, Any], model: dict[str, Any], added: list[dict[str, Any]]) -> None:
    wanted = [
        ("model.type", model.get("type", "BPE"), ("BPE",)),
        ("model.byte_fallback", model.get("byte_fallback", False), (False,)),
        ("model.dropout", model.get("dropout"), (None, 0, 0.0)),
        ("model.continuing_subword_prefix", model.get("continuing_subword_prefix"), (None, "")),
        ("model.end_of_word_suffix", model.get("end_of_word_suffix"), (None, "")),
        ("model.ignore_merges", model.get("ignore_merges", False), (False,)),
        ("normalizer", whole.get("normalizer"), (None, {"type": "NFC"})),
        ("post_processor", _adds(whole.get("post_processor")), (None, "ByteLevel")),
        ("decoder", _type(whole.get("decoder")), ("ByteLevel",)),
    ]
    wanted += [
        (f"{flag} of {token['content']!r}", token.get(flag, False), (False,))
        for token in added
        for flag in ("lstrip", "rstrip", "single_word")
    ]
    for name, got, allowed in wanted:
        if got not in allowed:
            known = f" ({_OF[name]})" if name in _OF else ""
            wanted_here = " or ".join(map(repr, allowed))
            raise ValueError(f"{name} must be {wanted_here} to be read here; got {got!r}{known}")


def _adds(processor: dict[str, Any] | None) -> str | None:
    """The kind of a post-processor; None for one that adds nothing (transformers 5 writes it so)."""
    nothing = {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}]}
    return None if processor and nothing.items() <= processor.items() else _type(processor)


def _type(part: dict[str, Any] | None) -> str | None:
    return part["type"] if part else None


def _pattern(pre_tokenizer: dict[str, Any] | None) -> str | None:
    """The one regular expression that does what the pre-tokenizers of the file do one after the other."""
    steps: list[dict[str, Any] | None] = (pre_tokenizer or {}).get("pretokenizers", [pre_tokenizer])
    match [_step(s) for s in steps]:
        case ["gpt2"]:
            return GPT2_PATTERN
        case ["bytes"]:
            return None
        case ["digits", "gpt2"]:
            return DIGITS_PATTERN
        case [("split", str(pattern)), "bytes"]:
            return pattern
    raise ValueError(
        f"pre_tokenizer must be ByteLevel, after Digits or one Split if any; got {pre_tokenizer}"
    )


def _step(step: dict[str, Any] | None) -> Any:
    match step:
        case {"type": "ByteLevel", "add_prefix_space": False, **rest}:
            return "gpt2" if rest.get("use_regex", True) else "bytes"
        case {"type": "Digits", "individual_digits": True}:
            return "digits"
        case {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}:
            return ("split", pattern)
    return step


def _pre_tokenizer(pattern: str | None) -> dict[str, Any]:
    if pattern is None:
        return _BYTE_LEVEL | {"use_regex": False}
    if pattern == GPT2_PATTERN:
        return _BYTE_LEVEL | {"use_regex": True}
    first: dict[str, Any] = {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": "Isolated",
        "invert": False,
    }
    if pattern == DIGITS_PATTERN:
        first = _DIGITS
    return {
        "type": "Sequence",
        "pretokenizers": [first, _BYTE_LEVEL | {"use_regex": pattern == DIGITS_PATTERN}],
    }


def _merge(merge: str | list[str]) -> Pair:
    a, b = merge.split(" ") if isinstance(merge, str) else merge
    return _token(a), _token(b)


def _characters(token: bytes) -> str:
    return "".join(_CHARACTERS[b] for b in token)


def _token(characters: str) -> bytes:
    if foreign := [c for c in characters if c not in _BYTES]:
        raise ValueError(f"a token must be written in byte characters; {characters!r} holds {foreign[0]!r}")
    return bytes(_BYTES[c] for c in characters)


def _file(path: str | Path) -> Path:
    return Path(path) if Path(path).suffix == ".json" else Path(path) / "tokenizer.json"
