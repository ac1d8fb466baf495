import re

import pytest

from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.specials import CUT, cut, cut_probes
from llmasos_edu.tokenizer import Tokenizer
from tests.bank_contract import hold


def by_scanning(text, specials):
    parts, start, i = [], 0, 0
    while i < len(text):
        here = [s for s in specials if text.startswith(s, i)]
        if here:
            mark = max(here, key=len)
            parts += [text[start:i], mark]
            start = i = i + len(mark)
        else:
            i += 1
    return [part for part in [*parts, text[start:]] if part]


def by_finditer(text, specials):
    pattern = "|".join(re.escape(s) for s in sorted(specials, key=lambda s: -len(s))) or r"(?!)"
    parts, end = [], 0
    for hit in re.finditer(pattern, text):
        parts += [text[end : hit.start()], hit.group()]
        end = hit.end()
    return tuple(filter(None, [*parts, text[end:]]))


def by_first_mark(text, specials):
    at = [(text.index(s), -len(s), s) for s in specials if s in text]
    if not at:
        return [text] if text else []
    i, _, mark = min(at)
    rest = by_first_mark(text[i + len(mark) :], specials)
    return [*([text[:i]] if i else []), mark, *rest]


PAIRS = {
    ("the special tokens get lost", "the first in the list wins, not the longest"): lambda text, specials: [
        part for part in re.split("|".join(map(re.escape, specials)) or "(?!)", text) if part
    ],
    ("empty parts stay", "the first in the list wins, not the longest"): lambda text, specials: (
        re.split("(" + "|".join(map(re.escape, specials)) + ")", text) if specials else [text]
    ),
}


def test_bank():
    hold(CUT, [by_scanning, by_finditer, by_first_mark], PAIRS)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda text, specials: text.split(),
        lambda text, specials: list(text),
        lambda text, specials: [s for s in specials if s in text],
        lambda text, specials: cut(text.lower(), specials)[::-1],
        lambda text, specials: [part for part in cut(text, specials) if part not in specials[:1]],
    ],
)
def test_unseen_mistakes_get_no_wrong_name(wrong):
    result = diagnose(wrong, CUT)
    assert result.status == "not yet"
    assert result.symptom
    assert not result.mistakes


def test_the_parts_are_what_the_packages_encoder_makes_of_special_tokens():
    for probe in cut_probes():
        text, specials = probe.args
        tokenizer = Tokenizer.train("", 256 + len(specials), special_tokens=specials)
        ids = tokenizer.encode(text, special="allow")
        known = {i: s for s, i in tokenizer.special_tokens.items()}
        assert [known[i] for i in ids if i in known] == [p for p in cut(text, specials) if p in specials]
