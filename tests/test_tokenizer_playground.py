"""The playground without a browser: its words, its static form, its refusals."""

import numpy as np
import pytest

from llmasos_edu.tokenizer import GPT2_PATTERN, GPT4_PATTERN, Tokenizer
from llmasos_edu.widgets.tokenizer_playground import TokenizerPlayground, javascript_pattern


@pytest.fixture(scope="module")
def tok():
    return Tokenizer.train("a red kite, a red kite, 风筝 风筝", 270)


def test_words_tell_what_is_shown(tok):
    play = TokenizerPlayground(tok, "a red kite 风", shown=0)
    assert play.summary == "12 characters make 14 bytes and 14 tokens after 0 of 14 merges."
    play.shown = 14
    first, tokens = play.text().splitlines()
    assert (
        first
        == f"12 characters make 14 bytes and {len(tok.encode(play.typed))} tokens after 14 of 14 merges."
    )
    assert tokens.startswith(f"a 97 | ·red {tok.vocab[b' red']} | ·kite {tok.vocab[b' kite']} | ")
    assert play.tokens() == tok.tokens(play.typed)


def test_half_a_character_shows_its_bytes():
    play = TokenizerPlayground(Tokenizer.train("", None), "风")
    assert play.text().endswith("‹E9› 233 | ‹A3› 163 | ‹8E› 142")


def test_text_stays_text(tok):
    play = TokenizerPlayground(tok, "<script>&")
    html = play._repr_mimebundle_()[0]["text/html"]
    assert "<script" not in html
    assert "&lt;" in html


def test_merges_travel_as_integers(tok):
    play = TokenizerPlayground(tok)
    joins = np.frombuffer(play.joins, dtype="<i4").reshape(-1, 3)
    assert [(tok.token_bytes(a), tok.token_bytes(b)) for a, b, _ in joins] == tok.merges
    assert len(play.byte_ids) == 4 * 256


def test_refusals(tok):
    with pytest.raises(ValueError, match="shown must be from 0 to the 14 merges of the tokenizer; got 15"):
        TokenizerPlayground(tok, shown=15)
    with pytest.raises(ValueError, match=r"pattern must be one that browsers can run; '\+\+'"):
        javascript_pattern(r"\p{L}++")
    assert javascript_pattern(None) is None
    assert javascript_pattern(GPT2_PATTERN).count("White_Space") == 4
    assert "(?i" not in javascript_pattern(GPT4_PATTERN)
