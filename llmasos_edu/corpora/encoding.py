"""A corpus as a token file: encoded as a stream, so that neither text nor ids need fit in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from ..token_files import TokenFile, open_tokens, write_tokens
from ..tokenizer import Tokenizer
from .sources import NAMES, corpus, files_of
from .text_files import open_text

__all__ = ["encode_stream"]

CHUNK = 1 << 16  # characters read from a file at a time


def encode_stream(
    source: str | Path | Sequence[str | Path],
    tokenizer: Tokenizer,
    path: str | Path,
    *,
    end_id: int | None = None,
    seed: int = 0,
    limit: int | None = None,
    encoding: str = "utf-8",
) -> TokenFile:
    """Encode a corpus into a token file, in flat memory.

    Args:
        source: A name that `corpus` knows, where every text is a document; or a text file, a folder of
            ``.txt`` files, or a list of files, where every file is a document and is taken as it stands.
        tokenizer: Turns text into ids; special tokens that stand in the text are taken as ordinary text.
        path: The token file to write; an older one is replaced.
        end_id: The token before each document and after the last; None puts nothing between them.
        seed: The first document, counted in a circle.
        limit: The most documents to take; needed for TinyWorld, which has no end.
        encoding: How the files are written, such as ``"gb18030"`` (GBK is part of it).

    Returns:
        The token file, open.

    Raises:
        ValueError: If there is no such corpus or file, a file is in another encoding (says in
            which it may be), or nothing says where to end.

    Example:
        >>> import tempfile; path = Path(tempfile.mkdtemp(), "a.tokens")
        >>> tokenizer = Tokenizer.train("", 257, special_tokens=("<|end|>",))
        >>> encode_stream("tinyworld", tokenizer, path, end_id=256, limit=2).tokens.tolist().count(256)
        3
    """
    if end_id is not None and not 0 <= end_id < tokenizer.vocab_size:
        raise ValueError(f"end_id must be below the vocabulary's {tokenizer.vocab_size}; got {end_id}")
    documents = _documents(source, seed, limit, encoding)
    write_tokens(path, _ids(documents, tokenizer, end_id), tokenizer.vocab_size)
    return open_tokens(path)


def _documents(
    source: str | Path | Sequence[str | Path], seed: int, limit: int | None, encoding: str
) -> Iterator[Iterable[str]]:
    """Each document as the pieces of its text."""
    if source in NAMES:
        if limit is None and source != "python":
            raise ValueError(f"{source} has no end; say with limit= how many documents to take")
        return ((text,) for text in corpus(str(source), seed=seed, limit=limit))
    listed = [source] if isinstance(source, str | Path) else source
    files = [file for given in listed for file in files_of(Path(given))]
    if not files or seed < 0 or (limit is not None and limit < 0):
        raise ValueError(
            f"at least one file is needed, seed and limit not negative; got {len(files)}, {seed}, {limit}"
        )
    first = seed % len(files)
    return (_pieces(file, encoding) for file in islice(files[first:] + files[:first], limit))


def _pieces(file: Path, encoding: str) -> Iterator[str]:
    with open_text(file, encoding) as f:
        yield from iter(lambda: f.read(CHUNK), "")


def _ids(documents: Iterable[Iterable[str]], tokenizer: Tokenizer, end_id: int | None) -> Iterator[int]:
    ends = () if end_id is None else (end_id,)
    for pieces in documents:
        yield from ends
        yield from tokenizer.encode_iterable(pieces, special="text")
    yield from ends
