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
