"""TinyWorld is frozen: the same bytes on every Python version, and the data sets are what the world tells."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from llmasos_edu.files import data_dir, sha256_of
from llmasos_edu.tinyworld import SPECIALS, VERSION, World
from tests.tinyworld_plain import run

STORIES = data_dir() / "stories"
#: SHA-256 over 2,000 stories and their nats: a change of these is a new VERSION of the world.
FROZEN = {
    "en": "8e3028f348afa205113565f760f3011bb670debdb8f73defd45831f436701f77",
    "zh": "c4d024c405ef3be3af078423c7968c08fff6809429bbd143e1b18be2ec404134",
}


def pythons() -> list[str]:
    """One interpreter of each version that this machine has and the package supports."""
    beside = sorted(Path(sys.base_prefix).parent.glob("3.*/bin/python"))
    named = [shutil.which(f"python3.{minor}") for minor in (11, 12, 13)]
    found = {sys.version_info[:2]: sys.executable}
    for python in [*map(str, beside), *filter(None, named)]:
        done = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True
        )
        if done.returncode == 0 and (3, 11) <= (version := tuple(map(int, done.stdout.split()))) < (3, 14):
            found.setdefault(version, python)
    return list(found.values())


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("python", pythons())
def test_the_same_bytes_on_every_python(python, language):
    assert run("frozen", language, python)["sha256"] == FROZEN[language]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_validation_stories_are_what_the_world_tells(language):
    assert run("validation", language) == {"stories": 1000, "equal": True}


def test_the_card_tells_the_checksums_and_the_version():
    text = (STORIES / "README.md").read_text(encoding="utf-8")
    assert f"version {VERSION}:" in text
    for language in ("en", "zh"):
        (line,) = re.findall(rf"\| `{language}\.jsonl` \| ([\d,]+) \| `(\w+)` \|", text)
        file = STORIES / f"{language}.jsonl"
        assert line == (f"{file.stat().st_size:,}", sha256_of(file))


def test_the_card_tells_the_floor_of_the_files():
    lines = json.loads((STORIES / "lines.json").read_text(encoding="utf-8"))
    for language in ("en", "zh"):
        rows = [
            json.loads(x) for x in (STORIES / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
        ]
        assert lines[language]["floor"] == pytest.approx(sum(r["nats"] for r in rows) / len(rows), abs=1e-8)
        order = [lines[language][n] for n in ("floor", "5-gram", "trigram", "bigram", "unigram", "uniform")]
        assert order == sorted(order)


def test_special_tokens_are_frozen_in_number_and_order():
    assert SPECIALS[:5] == ("<|end|>", "<|user|>", "<|assistant|>", "<|en|>", "<|zh|>")
    assert len(SPECIALS) == len(set(SPECIALS)) == 21


def test_a_reserved_seed_is_refused():
    with pytest.raises(ValueError, match="seed must be from 0"):
        World("en").story(World("en").validation(1)[0].seed)
