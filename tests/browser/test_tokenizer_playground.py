"""The playground's JavaScript against the Python tokenizer, and the widget in JupyterLab."""

import random

import pytest

from llmasos_edu.tokenizer import DIGITS_PATTERN, GPT2_PATTERN, GPT4_PATTERN, Tokenizer, pattern_of_words
from llmasos_edu.widgets.tokenizer_playground import javascript_pattern

WORDS = [" kite", " red", "Mia", " Mia", "风", "风筝", "红色的", ".", " a+b", " c/d", " e-f"]
PATTERNS = [None, GPT2_PATTERN, GPT4_PATTERN, DIGITS_PATTERN, pattern_of_words(WORDS)]
PROSE = "Mia's red kite flew. Tom didn't see it; IT'S 1234 m high!\n\n  风筝飞得很高。红色的风筝 🪁" * 2
ALPHABET = [*"aeksM1 \n\t.'风筝é🪁\u00a0\u0085\ufeff²", "'ll", "'RE", " kite", " a+b", "  ", "\r\n"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_javascript_gives_the_same_ids(js, pattern):
    tok = Tokenizer.train(PROSE, 285, pattern=pattern)
    byte_ids = [tok.vocab[bytes([b])] for b in range(256)]
    joins = [i for a, b in tok.merges for i in (tok.vocab[a], tok.vocab[b], tok.vocab[a + b])]
    rng = random.Random(0)
    for text in [PROSE, "", *("".join(rng.choices(ALPHABET, k=25)) for _ in range(60))]:
        for limit in (0, 20, len(tok.merges)):
            some = Tokenizer.from_parts(tok.vocab, tok.merges[:limit], pattern=pattern)
            ids = js("bpe", "encodePlain", text, javascript_pattern(pattern), byte_ids, joins, limit)
            assert ids == some.encode(text)


CELLS = {
    "set-up": """
from llmasos_edu.tokenizer import Tokenizer
from llmasos_edu.widgets.tokenizer_playground import TokenizerPlayground
tok = Tokenizer.train("a red kite, a red kite, a drum 风筝 风筝", None)
play = TokenizerPlayground(tok, "a red kite 风", shown=0)
""",
    "play": "play",
}


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(CELLS) as opened:
        opened.run(*CELLS)
        yield opened


def settled(notebook):
    """What Python knows once the browser's last change has arrived."""
    notebook.page.wait_for_timeout(400)
    return notebook.python("print(play.summary, '|', *play.tokens())").split(" | ")


def test_opens_on_bytes_and_the_slider_joins_them(notebook):
    host = notebook.widget("play")
    assert host.get_by_role("option").count() == 14
    slider = host.get_by_role("slider", name="merges applied")
    rev = notebook.rev(host)
    slider.press("End")
    notebook.wait_rev(host, rev)
    assert notebook.until(lambda: "b' kite'" in settled(notebook)[1])
    assert settled(notebook)[0] == notebook.python("print(play.text().splitlines()[0])")
    assert host.get_by_role("option").first.inner_text().split() == ["a", "97"]


def test_next_change_stops_where_the_text_changes(notebook):
    host = notebook.widget("play")
    host.get_by_role("slider", name="merges applied").press("Home")
    forth = host.get_by_role("button", name="next change")
    counts = [14]
    for _ in range(4):
        rev = notebook.rev(host)
        forth.click()
        notebook.wait_rev(host, rev)
        counts.append(host.get_by_role("option").count())
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 5  # every click joins something
    host.get_by_role("button", name="previous change").click()
    assert notebook.until(lambda: host.get_by_role("option").count() == counts[-2])


def test_typing_and_choosing_a_token(notebook):
    host = notebook.widget("play")
    host.get_by_role("slider", name="merges applied").press("End")
    host.get_by_role("textbox").fill("<b>kite</b> 风 kite")
    assert notebook.until(lambda: settled(notebook)[0].startswith("18 characters make 20 bytes"))
    assert host.locator("b").count() == 0  # text stays text
    kite = host.get_by_role("option", name="·kite")
    kite.click()
    assert notebook.until(lambda: host.get_by_text("made it from").count() == 1)
    kite.press("ArrowLeft")
    picked = "print(tok.vocab[play.tokens()[play.picked]])"
    focused = "host => host.shadowRoot.activeElement.querySelector('small').textContent"
    assert notebook.until(
        lambda: notebook.python(picked) == notebook.page.evaluate(focused, host.element_handle())
    )
    host.get_by_role("checkbox", name="bytes instead of ids").check()
    kite = host.get_by_role("option", name="·kite")
    assert notebook.until(lambda: "20 6B 69 74 65" in kite.inner_text())


def test_no_key_leaks(notebook):
    host = notebook.widget("play")
    for control in (
        host.get_by_role("textbox"), host.get_by_role("slider"), host.get_by_role("option").first,
        host.get_by_role("button", name="next change"), host.get_by_role("checkbox"),
    ):  # fmt: skip
        assert notebook.leaks(control) == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(notebook, theme):
    notebook.theme(theme)
    assert notebook.violations(notebook.widget("play")) == []
