"""Where documents come from, and the tokenizer of TinyWorld's models."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from llmasos_edu.tinyworld import SPECIALS, World
from llmasos_edu.tokenizer import Tokenizer, pattern_of_words

from .text_files import open_text

__all__ = ["NAMES", "corpus", "files_of", "library_files", "tinyworld_tokenizer"]

#: The corpora that have a name; anything else is a path.
NAMES = ("tinyworld", "tinyworld-zh", "python")
#: Folders of the standard library that hold no library code.
NOT_LIBRARY = frozenset(("site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test"))


def corpus(
    name: str | Path, *, seed: int = 0, limit: int | None = None, encoding: str = "utf-8"
) -> Iterator[str]:
    """The documents of a corpus, one after the other, in flat memory.

    Args:
        name: ``"tinyworld"`` or ``"tinyworld-zh"`` (stories, endless), ``"python"`` (each file of the
            standard library), or the path of a text file (paragraphs between blank lines) or of a folder
            of ``.txt`` files.
        seed: Where to begin: TinyWorld's first story, or the first document of the others, counted in a
            circle.
        limit: The most documents to give; None gives all.
        encoding: How your own files are written, such as ``"gb18030"`` (GBK is part of it).

    Returns:
        Documents as text, none empty.

    Raises:
        ValueError: If there is no such corpus or file, `seed` or `limit` is negative, or, while reading, a
            file is in another encoding; says in which it may be.

    Example:
        >>> [text[:12] for text in corpus("tinyworld", seed=1, limit=1)]
        ['Rosa was a n']
    """
    if seed < 0 or (limit is not None and limit < 0):
        raise ValueError(f"seed and limit must not be negative; got seed={seed}, limit={limit}")
    if name in ("tinyworld", "tinyworld-zh"):
        world = World("en" if name == "tinyworld" else "zh")
        documents: Iterator[str] = (world.story(i).text for i in count(seed))
    elif name == "python":
        files = library_files()
        documents = _whole(files[seed % len(files) :] + files[: seed % len(files)])
    else:
        documents = _own(Path(name), seed, encoding)
    return islice(documents, limit)


def library_files() -> list[Path]:
    """The source files of Python's standard library, in a fixed order, without its tests."""
    root = Path(os.__file__).parent
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in NOT_LIBRARY)
        found += [Path(folder, n) for n in sorted(names) if n.endswith(".py")]
    if not found:
        raise ValueError(f"Python's standard library must have source files; none in {root}. Name a file.")
    return found


def _whole(files: list[Path]) -> Iterator[str]:
    """Each file of the library as one document; what is no UTF-8 is left out."""
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if text.strip():
            yield text


def _own(path: Path, seed: int, encoding: str) -> Iterator[str]:
    files = files_of(path)
    if not path.is_dir():
        return _from(path, seed, encoding)
    files = files[seed % len(files) :] + files[: seed % len(files)]
    return (text for file in files if (text := _text(file, encoding)).strip())


def _text(file: Path, encoding: str) -> str:
    with open_text(file, encoding) as f:
        return f.read()


def files_of(path: Path) -> list[Path]:
    """The text files that a path names: itself, or the ``.txt`` files of a folder in order.

    Raises:
        ValueError: If there is none, or a file is empty.
    """
    if path.is_dir():
        files = sorted(path.glob("*.txt"))
        if not files:
            raise ValueError(f"a folder given as a corpus must hold .txt files; {path} has none")
        return files
    if not path.is_file():
        raise ValueError(f"corpus must be one of {', '.join(NAMES)} or a file or folder; got {str(path)!r}")
    if not path.stat().st_size:
        raise ValueError(f"a file given as a corpus must not be empty; {path} is")
    return [path]


def _from(path: Path, seed: int, encoding: str) -> Iterator[str]:
    """The file's paragraphs, from number `seed` on, then those before it."""
    total = sum(1 for _ in _paragraphs(path, encoding)) if seed else 1
    first = seed % max(total, 1)
    yield from islice(_paragraphs(path, encoding), first, None)
    yield from islice(_paragraphs(path, encoding), first)


def _paragraphs(path: Path, encoding: str) -> Iterator[str]:
    lines: list[str] = []
    with open_text(path, encoding) as file:
        for line in file:
            if line.strip():
                lines.append(line)
            elif lines:
                yield "".join(lines).strip()
                lines = []
    if lines:
        yield "".join(lines).strip()


def tinyworld_tokenizer(*worlds: World) -> Tokenizer:
    """The tokenizer of TinyWorld's models: one token for each word of the lexicon, bytes for all else.

    Args:
        *worlds: One world, or several (English and 中文) for a model of both.

    Returns:
        A tokenizer whose pattern is the lexicon, with `SPECIALS` as its special tokens.

    Raises:
        ValueError: If no world is given.

    Example:
        >>> tinyworld_tokenizer(World("en")).tokens("Mia had a red kite.")
        [b'Mia', b' had', b' a', b' red', b' kite', b'.']
    """
    if not worlds:
        raise ValueError('tinyworld_tokenizer needs at least one world, such as World("en"); got none')
    words = sorted({word for world in worlds for word in world.lexicon})
    return Tokenizer.train(words, None, pattern=pattern_of_words(words), special_tokens=SPECIALS)
