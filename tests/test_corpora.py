"""The corpora stream documents, and TinyWorld's tokenizer sees the world's own words."""

import os
import tracemalloc
from itertools import islice
from pathlib import Path

import pytest

from llmasos_edu.corpora import corpus, library_files, tinyworld_tokenizer
from llmasos_edu.tinyworld import SPECIALS, World


@pytest.mark.parametrize(("name", "language"), [("tinyworld", "en"), ("tinyworld-zh", "zh")])
def test_tinyworld_is_the_stories_from_a_seed_on(name, language):
    world = World(language)
    assert list(corpus(name, seed=7, limit=3)) == [world.story(i).text for i in (7, 8, 9)]


def test_python_is_the_library_without_its_tests():
    files = library_files()
    assert Path(os.__file__) in files
    assert not any("site-packages" in f.parts or "test" in f.parts for f in files)
    first, second = corpus("python", limit=2)
    assert first == files[0].read_text(encoding="utf-8")
    assert next(corpus("python", seed=1)) == second


def test_a_file_gives_its_paragraphs_in_a_circle(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("one\nand more\n\n\ntwo\n\nthree", encoding="utf-8")
    assert list(corpus(path)) == ["one\nand more", "two", "three"]
    assert list(corpus(str(path), seed=4)) == ["two", "three", "one\nand more"]
    assert list(corpus(path, limit=1)) == ["one\nand more"]
    assert list(corpus(tmp_path)) == [path.read_text(encoding="utf-8")]


def test_a_long_file_streams_in_flat_memory(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("a line of text\n\n" * 200_000, encoding="utf-8")
    tracemalloc.start()
    assert sum(1 for _ in corpus(path)) == 200_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000  # the file has 3.2 MB


def test_bad_names_and_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="one of tinyworld, tinyworld-zh, python or a file"):
        corpus("tinywrld")
    with pytest.raises(ValueError, match=r"must hold \.txt files"):
        corpus(tmp_path)
    (tmp_path / "empty.txt").touch()
    with pytest.raises(ValueError, match="must not be empty"):
        corpus(tmp_path / "empty.txt")
    with pytest.raises(ValueError, match="must not be negative"):
        corpus("tinyworld", limit=-1)
    with pytest.raises(ValueError, match="at least one world"):
        tinyworld_tokenizer()


@pytest.mark.parametrize("languages", [("en",), ("zh",), ("en", "zh")])
def test_every_word_is_one_token_and_all_else_bytes(languages):
    worlds = [World(language) for language in languages]
    tokenizer = tinyworld_tokenizer(*worlds)
    assert set(SPECIALS) == set(tokenizer.special_tokens)
    for world in worlds:
        for word in world.lexicon:
            assert len(tokenizer.encode(word)) == 1, word
        for seed in range(20):
            story = world.story(seed)
            tokens = tokenizer.tokens(story.text)
            assert [t.decode() for t in tokens] == list(story.words)
    for text in ("Mia met a dragon 🐉 at 7.", "米娅 saw 一条龙。"):
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_views_are_words_too():
    world = World("en")
    tokenizer = tinyworld_tokenizer(world)
    for question in islice(world.questions(world.story(2)), 12):
        assert [t.decode() for t in tokenizer.tokens(question.text)] == world.words(question.text)


CHINESE = "米娅有一只红色的风筝。\n\n她把它放在树下。\n"


@pytest.mark.parametrize(
    ("encoding", "line", "said"),
    [
        ("gbk", 3, "encoding='gb18030' reads '米娅有一只红色的风筝。'"),
        ("big5", 3, "encoding='big5' reads '米婭有一隻紅色的風箏。'"),
        ("utf-16", 1, "encoding='utf-16' reads '米娅有一只红色的风筝。'"),
        ("cp1252", 3, "encoding='cp1252' reads 'ïvé café'"),
    ],
)
@pytest.mark.parametrize("as_folder", [False, True])
def test_a_file_in_another_encoding_is_told_with_its_readings(tmp_path, encoding, line, said, as_folder):
    text = {"big5": "米婭有一隻紅色的風箏。\n", "cp1252": "naïvé café\n"}.get(encoding, CHINESE)
    text = text if encoding == "utf-16" else "one\n\n" + text
    path = tmp_path / "own.txt"
    path.write_bytes(text.encode(encoding))
    source = tmp_path if as_folder else path
    with pytest.raises(
        ValueError, match=rf"own\.txt must be UTF-8 text; line {line} is not: .*encoding="
    ) as e:
        list(corpus(source))
    assert said in str(e.value)
    assert " ".join(corpus(source, encoding=encoding)).split() == text.split()


def test_no_such_encoding_and_bytes_of_none(tmp_path):
    path = tmp_path / "own.txt"
    path.write_bytes(b"one\n\xff\xff\xff\x81\n")  # no UTF-8, GB18030, Big5, or code page 1252
    with pytest.raises(ValueError, match=r"line 2 is not\. Say which is right"):
        list(corpus(path))
    with pytest.raises(ValueError, match=r"encoding must be one that Python knows, such as .*; got 'gbkk'"):
        list(corpus(path, encoding="gbkk"))
    with pytest.raises(ValueError, match="must be big5 text; line 2 is not"):
        list(corpus(path, encoding="big5"))


def test_a_file_that_ends_within_a_character(tmp_path):
    path = tmp_path / "own.txt"
    path.write_bytes("one\n\n米娅".encode()[:-1])
    with pytest.raises(ValueError, match="line 3 is not"):
        list(corpus(path))


def test_a_characters_bytes_cut_by_the_look_are_no_mistake(tmp_path, monkeypatch):
    monkeypatch.setattr("llmasos_edu.corpora.text_files.LOOKED_AT", 5)  # in the middle of the third character
    path = tmp_path / "own.txt"
    path.write_bytes("米娅有一只".encode("gbk"))
    with pytest.raises(ValueError, match="gb18030' reads '米娅'"):
        list(corpus(path))
