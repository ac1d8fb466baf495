"""A corpus as a token file: the ids of encoding it whole, in flat memory however many new words come."""

import itertools
import subprocess
import sys
import tracemalloc

import pytest

from llmasos_edu.corpora import corpus, encode_stream, library_files, tinyworld_tokenizer
from llmasos_edu.tinyworld import World
from llmasos_edu.tokenizer import Tokenizer

TEXT = "the cat sat. naïve 面包 <|end|> on\r\nthe mat  \n\n 🐉 the end"


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(TEXT * 3, 280, special_tokens=("<|end|>",))


def test_a_file_gives_the_ids_of_its_text_as_it_stands(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr("llmasos_edu.corpora.encoding.CHUNK", 7)  # many pieces, cut anywhere
    path = tmp_path / "own.txt"
    path.write_bytes(TEXT.encode() * 50)
    stream = encode_stream(path, tokenizer, tmp_path / "a.tokens")
    assert stream.tokens.tolist() == tokenizer.encode(path.read_text(encoding="utf-8"), special="text")
    assert stream.vocab_size == tokenizer.vocab_size
    assert 279 not in stream.tokens  # an end token in somebody's text is text


def test_many_files_are_documents_between_end_tokens(tmp_path, tokenizer):
    texts = ["one", "two cats", "three"]
    for i, text in enumerate(texts):
        (tmp_path / f"{i}.txt").write_text(text, encoding="utf-8")
    first, second, third = map(tokenizer.encode, texts)
    files = [tmp_path / "2.txt", str(tmp_path / "0.txt")]

    def ids(source, **how):
        return encode_stream(source, tokenizer, tmp_path / "a.tokens", **how).tokens.tolist()

    assert ids(tmp_path) == first + second + third
    assert ids(tmp_path, end_id=279) == [279, *first, 279, *second, 279, *third, 279]
    assert ids(tmp_path, end_id=279, seed=4, limit=2) == [279, *second, 279, *third, 279]
    assert ids(files, end_id=0) == [0, *third, 0, *first, 0]


def test_a_file_in_another_encoding_gives_the_same_ids_once_it_is_named(tmp_path, tokenizer):
    text = "the cat 面包\n" * 3
    for name, encoding in (("a.txt", "utf-8"), ("b.txt", "gbk")):
        (tmp_path / name).write_bytes(text.encode(encoding))
    stream = encode_stream(tmp_path / "b.txt", tokenizer, tmp_path / "b", encoding="gb18030")
    expected = encode_stream(tmp_path / "a.txt", tokenizer, tmp_path / "a")
    assert stream.tokens.tolist() == expected.tokens.tolist()


def test_tinyworld_and_the_library_are_corpora_too(tmp_path):
    tokenizer = tinyworld_tokenizer(World("zh"))
    end = tokenizer.special_tokens["<|end|>"]
    stream = encode_stream("tinyworld-zh", tokenizer, tmp_path / "a", end_id=end, seed=5, limit=3)
    groups = itertools.groupby(stream.tokens.tolist(), end.__eq__)
    rows = [list(group) for is_end, group in groups if not is_end]
    assert [tokenizer.decode(row) for row in rows] == list(corpus("tinyworld-zh", seed=5, limit=3))
    two = encode_stream("python", Tokenizer.train("", 256), tmp_path / "b", limit=2)
    assert bytes(two.tokens.tolist()) == b"".join(f.read_text("utf-8").encode() for f in library_files()[:2])


def test_ever_new_words_do_not_fill_the_memory(tmp_path, monkeypatch):
    path = tmp_path / "new.txt"
    tokenizer = Tokenizer.train("", 256)
    tokenizer._cache.MOST = 400  # pieces small enough that both runs fill every one of them
    for module in ("corpora.encoding.CHUNK", "token_files.CHUNK", "tokenizer.streaming.BUFFER"):
        monkeypatch.setattr(f"llmasos_edu.{module}", 1000)

    def peak(words):
        with open(path, "w", encoding="ascii") as f:
            f.writelines(f"w{i:x} " for i in range(words))
        tracemalloc.start()
        encode_stream(path, tokenizer, tmp_path / "a.tokens")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)  # what is made once
    assert peak(8_000) < 1.5 * peak(2_000)  # all words kept would make it four times as much


@pytest.mark.parametrize(
    ("source", "how", "said"),
    [
        ("tinyworld", {}, "tinyworld has no end; say with limit="),
        ("nowhere", {}, "must be one of tinyworld, tinyworld-zh, python or a file or folder; got 'nowhere'"),
        ([], {}, "at least one file is needed"),
        ("latin.txt", {}, r"latin\.txt must be UTF-8 text"),
        ("good.txt", {"limit": -1}, "not negative; got 1, 0, -1"),
        ("good.txt", {"end_id": 300}, "end_id must be below the vocabulary's 280; got 300"),
        ("good.txt", {"limit": 0}, "at least one token"),
    ],
)
def test_bad_sources_are_refused_and_leave_nothing(tmp_path, tokenizer, monkeypatch, source, how, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.txt").write_bytes("naïve".encode("latin-1"))
    (tmp_path / "good.txt").write_text("good")
    with pytest.raises(ValueError, match=said):
        encode_stream(source, tokenizer, tmp_path / "out" / "a.tokens", **how)
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_it_works_without_torch(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from llmasos_edu.corpora import encode_stream; from llmasos_edu.tokenizer import Tokenizer\n"
        "print(encode_stream('tinyworld', Tokenizer.train('', 256), sys.argv[1], limit=1).count > 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
