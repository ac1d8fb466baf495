"""Token files: what numpy reads by hand from the bytes, flat memory, and every kind of damage told apart."""

import itertools
import struct
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmasos_edu.token_files import HEADER, open_tokens, write_tokens


@pytest.mark.parametrize(
    ("vocab_size", "kind"), [(1, "<u2"), (65_536, "<u2"), (65_537, "<u4"), (1 << 32, "<u4")]
)
def test_the_bytes_are_a_header_and_the_ids(tmp_path, vocab_size, kind):
    ids = [0, vocab_size - 1, vocab_size // 2]
    path = tmp_path / "a.tokens"
    assert write_tokens(path, iter(ids), vocab_size) == 3
    assert np.fromfile(path, dtype=kind, offset=64).tolist() == ids  # read by hand
    head = path.read_bytes()[:64]
    assert head[:8] == b"LLMTOKEN"
    assert struct.unpack("<HHQQ", head[8:28]) == (1, np.dtype(kind).itemsize, vocab_size, 3)
    file = open_tokens(path, verify=True)
    assert file.tokens.tolist() == ids
    assert (file.vocab_size, file.count, file.path) == (vocab_size, 3, path)
    with pytest.raises(ValueError, match="read-only"):
        file.tokens[0] = 1


@given(st.lists(st.lists(st.integers(0, 99), max_size=5), min_size=1).filter(any))
def test_ids_and_arrays_give_the_same_file(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("same")
    one, other = folder / "one", folder / "other"
    write_tokens(one, itertools.chain.from_iterable(parts), 100)
    write_tokens(other, (np.array(part, dtype=np.int32) for part in parts), 100)
    assert one.read_bytes() == other.read_bytes()


def test_long_streams_are_written_whole_and_in_flat_memory(tmp_path):
    path = tmp_path / "long.tokens"
    tracemalloc.start()
    n = 500_000  # several chunks, the last one incomplete
    assert write_tokens(path, (i % 1000 for i in range(n)), 1000) == n
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_500_000  # a chunk of 65,536 ids in int64 is 0.5 MB, with its copies; all would be 4 MB
    assert np.array_equal(open_tokens(path).tokens, np.arange(n) % 1000)
    whole = (np.arange(n) % 1000).astype(np.uint16)
    write_tokens(tmp_path / "array.tokens", whole, 1000)
    assert (tmp_path / "array.tokens").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("ids", "vocab_size", "error", "said"),
    [
        ([1, 2, 10], 10, ValueError, "an id must be from 0 to 9; got 10 at place 2"),
        ([1, -1], 10, ValueError, "got -1 at place 1"),
        ([], 10, ValueError, "at least one token"),
        ([1, 2.0], 10, TypeError, "integer"),
        ([np.array([1.0])], 10, TypeError, "one-dimensional whole numbers; got float64"),
        ([np.zeros((2, 2), int)], 10, TypeError, r"got int64 \(2, 2\)"),
        ([1], 0, ValueError, r"vocab_size must be from 1 to 2\*\*32 tokens; got 0"),
    ],
)
def test_bad_ids_leave_the_old_file(tmp_path, ids, vocab_size, error, said):
    path = tmp_path / "a.tokens"
    write_tokens(path, [5], 10)
    before = path.read_bytes()
    with pytest.raises(error, match=said):
        write_tokens(path, ids, vocab_size)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tokens"]


def test_each_damage_is_told(tmp_path):
    path = tmp_path / "a.tokens"
    write_tokens(path, range(100), 100)
    good = path.read_bytes()

    def told(raw, said, **how):
        path.write_bytes(raw)
        with pytest.raises(ValueError, match=said):
            open_tokens(path, **how)

    told(good[:-1], "truncated: 100 tokens take 264 bytes; it has 263")
    told(good + b"\0", "too long: 100 tokens take 264 bytes; it has 265")
    told(good[:30], "damaged: its header")
    told(b"", "no token file")
    told(b"PK\x03\x04" + good[4:], "no token file: it must begin with b'LLMTOKEN'; it begins b'PK")
    for at in range(8, 64):  # any byte of the header
        told(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :], "damaged: its header")
    flipped = good[:100] + bytes([good[100] ^ 1]) + good[101:]
    told(flipped, "damaged: its ids do not fit", verify=True)
    assert open_tokens(path).count == 100  # unread, so not seen
    with pytest.raises(FileNotFoundError):
        open_tokens(tmp_path / "none")


def test_another_version_is_told(tmp_path, monkeypatch):
    path = tmp_path / "a.tokens"
    monkeypatch.setattr("llmasos_edu.token_files.VERSION", 2)
    write_tokens(path, [1], 2)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="must be of version 1; got 2"):
        open_tokens(path)
    assert HEADER.size == 64


def test_it_works_without_torch(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from llmasos_edu.token_files import open_tokens, write_tokens\n"
        "write_tokens(sys.argv[1], [1, 2], 3); print(open_tokens(sys.argv[1]).tokens.sum())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "3\n"
