"""The Attention Explorer without a browser: what it computes, says, sends and refuses."""

import dataclasses
import json
import re
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llmasos_edu import probing
from llmasos_edu.attention import attention_weights, causal_mask
from llmasos_edu.widgets import explorer_pieces as pieces
from llmasos_edu.widgets.attention_data import Layer, Reading, softmax_rows
from llmasos_edu.widgets.attention_explorer import AttentionExplorer
from llmasos_edu.widgets.attention_picture import CIVIDIS, percent, visible

RNG = np.random.default_rng(4)
TOKENS = ["the", "cat", "sat", "on", "it"]
Q, K = RNG.normal(size=(2, 2, 5, 4)) * 2


@pytest.mark.parametrize("mask", ["causal", "none"])
@pytest.mark.parametrize(("scale", "temperature"), [(None, 1.0), (2.0, 0.25), (0.1, 3.0)])
def test_weights_are_torchs(mask, scale, temperature):
    shown = AttentionExplorer(Q, K, TOKENS, mask=mask, scale=scale, temperature=temperature)
    q, k = torch.tensor(Q), torch.tensor(K)
    values = torch.eye(5, dtype=q.dtype).expand(2, 5, 5)  # so that the output is the weights
    expected = torch.nn.functional.scaled_dot_product_attention(
        q, k, values, is_causal=mask == "causal", scale=(scale or 0.5) / temperature
    )
    for head in range(2):
        np.testing.assert_allclose(shown.weights(head=head), expected[head], atol=1e-12)


def test_softmax_rows_is_the_packages_own():
    mask = causal_mask(5) & (np.arange(5) > 0)  # row 0 may look at nothing
    np.testing.assert_allclose(
        softmax_rows(Q[0] @ K[0].T * 0.5, mask), attention_weights(Q[0], K[0], mask), atol=1e-12
    )


def test_hiding_token_0_renormalises_the_rest():
    shown = AttentionExplorer(Q, K, TOKENS, mask="none")
    before = shown.weights()
    shown.hide_first = True
    rest = before[:, 1:] / before[:, 1:].sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(shown.weights(), np.pad(rest, ((0, 0), (1, 0))), atol=1e-12)


def test_given_weights_are_shown_as_they_are():
    wrong = np.array([[0.2, 0.6], [0.9, 0.4]])  # a softmax over queries: rows that do not sum to one
    shown = AttentionExplorer(weights=wrong, tokens=["a", "b"])
    np.testing.assert_allclose(shown.weights(), wrong, atol=1e-12)
    shown.temperature = 1e-3
    np.testing.assert_allclose(shown.weights(), [[0, 0.8], [1.3, 0]], atol=1e-6)


def test_it_opens_where_a_token_looks_decidedly_at_another():
    weights = np.tile(np.tri(4) / np.arange(1, 5)[:, None], (3, 1, 1))
    weights[1, 3] = [0.1, 0.1, 0.8, 0.0]
    weights[2, 2] = [0.0, 0.0, 1.0, 0.0]  # itself: says nothing
    shown = AttentionExplorer(weights=weights, tokens=["<s>", "the", "mat", "it"])
    assert (shown.head, shown.row) == (1, 3)
    assert shown.summary == "'it' attends most to 'mat', 80 %."
    assert "head 1 of 3" in shown.text()


def test_a_sink_is_named():
    weights = np.array([[1, 0, 0], [0.7, 0.3, 0], [0.6, 0.2, 0.2]])
    shown = AttentionExplorer(weights=weights, tokens=["<s>", "a", "b"])
    assert shown.text().endswith("Token 0, '<s>', is a sink: it takes 65 % of this head.")
    shown.hide_first = True
    assert "sink" not in shown.text()


def test_equal_and_empty_rows_have_their_words():
    shown = AttentionExplorer(np.zeros((4, 2)), np.zeros((4, 2)), list("abcd"), row=3)
    assert shown.summary == "'d' attends equally to 4 tokens, 25 % each."
    shown = AttentionExplorer(np.ones((1, 1)), np.ones((1, 1)), ["a"])
    assert shown.summary == "'a' attends most to itself, 100 %."
    shown.hide_first = True
    assert shown.text().startswith("'a' attends to nothing.")


def test_the_static_form_is_the_same_every_time_and_small():
    first, second = (AttentionExplorer(Q, K, TOKENS)._repr_mimebundle_()[0]["text/html"] for _ in range(2))
    assert first == second
    cells = re.findall(r'<td style="background-color:(#\w+);color:(#\w+)">(\d+)</td>', first)
    assert len(cells) == 15  # the causal half of 5 × 5
    assert {paper for paper, _, _ in cells} <= set(CIVIDIS)
    diagonal = AttentionExplorer(weights=np.eye(2), tokens=["a", "b"])._repr_mimebundle_()[0]["text/html"]
    assert '#fee838;color:#000">100<' in diagonal
    assert '#00224e;color:#fff">0<' in diagonal
    assert "<svg" not in first  # an untrusted notebook would lose it
    long = AttentionExplorer(RNG.normal(size=(64, 8)), RNG.normal(size=(64, 8)), [f"t{i}" for i in range(64)])
    assert len(long._repr_mimebundle_()[0]["text/html"]) < 30_000


def test_last_bits_change_no_byte():
    q = np.zeros((8, 2))  # even rows: weights of 1/2, 1/4, 1/8 lie on the edges of rounding
    noisy = q + RNG.normal(size=q.shape) * 1e-6
    one, other = (
        AttentionExplorer(x, K[0][:1, :2].repeat(8, 0), list("abcdefgh"), row=7) for x in (q, noisy)
    )
    assert one._repr_mimebundle_()[0]["text/html"] == other._repr_mimebundle_()[0]["text/html"]


def test_tokens_show_as_text():
    nasty = ["<script>alert(1)</script>", "a\nb", "\u200b\u202e", "x" * 500, ""]
    html = AttentionExplorer(Q, K, nasty, row=4)._repr_mimebundle_()[0]["text/html"]
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "a⏎b" in html
    assert "‹200B›‹202E›" in html
    assert "x" * 41 not in html
    assert "∅" in html


@given(st.text())
def test_every_token_is_visible_and_short(text):
    assert 0 < len(visible(text)) <= 40


@given(st.floats(0, 1))
def test_percent_is_within_half_of_its_last_digit(weight):
    words = percent(weight)
    if words == "< 0.1 %":
        assert weight < 0.0005
    else:
        allowed = 0.0501 if "." in words else 0.501
        assert abs(float(words.removesuffix(" %")) - 100 * weight) <= allowed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"q": Q, "k": K[:1]}, r"one number of heads and one d_head; got q \(2, 5, 4\) and k \(1, 5, 4\)"),
        ({"q": Q, "k": K[..., :2]}, r"one d_head; got q \(2, 5, 4\) and k \(2, 5, 2\)"),
        ({"q": Q[0, 0], "k": K}, r"q must have shape \(T, D\), \(H, T, D\) or \(L, H, T, D\); got \(4,\)"),
        ({"q": Q[None], "k": K[None].repeat(2, 0)}, "one number of layers; got {'q': 1, 'k': 2}"),
        ({"q": Q, "k": K, "v": K[:, :4]}, r"v must have a row .* of 2 heads and 5 keys; got \(2, 4, 4\)"),
        ({"q": Q, "k": K, "tokens": ["a"]}, "one of tokens for each of the 5 positions; got 1"),
        ({"q": Q, "k": K, "keys": ["a"]}, "one of keys for each of the 5 positions; got 1"),
        ({"q": Q, "k": K[:, :4]}, "one of keys for each of the 4 positions; got 5"),
        ({"weights": np.array([[1, -0.5], [0, 1]])}, "≥ 0; got -0.5 at head 0, row 0, column 1"),
        ({"weights": np.full((2, 2), np.nan)}, "finite; got nan at head 0, row 0, column 0"),
        ({"q": Q}, "give q and k, or weights alone"),
        ({}, "give q and k, or weights alone"),
        ({"q": Q, "k": K, "weights": np.eye(5)}, "give q and k, or weights alone"),
        ({"q": Q, "k": K, "mask": "future"}, "mask must be 'causal' or 'none'; got 'future'"),
        ({"q": Q, "k": K, "scale": 0.0}, "scale must be above 0; got 0.0"),
        ({"q": Q, "k": K, "temperature": -1.0}, "temperature must be above 0; got -1.0"),
        ({"q": Q, "k": K, "views": ["maps"]}, r"views must be some of .*; got \['maps'\]"),
        ({"q": Q, "k": K, "next_words": [[("a", 1.0)]]}, "a list for each of the 5 positions; got 1"),
        ({"q": Q, "k": K, "roles": {"self": [[0.5]]}}, r"must have shape .*\(1, 2\); got \(1, 1\)"),
        ({"q": Q, "k": K, "roles": {"self": [[0.5, 2]]}}, r"must lie in \[0, 1\]; got 0.5 to 2"),
        ({"weights": np.eye(5), "scale": 1.0}, "scale needs q and k"),
        ({"q": Q, "k": K, "head": 2}, "head must be from 0 to 1; got 2"),
        ({"q": Q, "k": K, "layer": 1}, "layer must be from 0 to 0; got 1"),
        ({"q": Q, "k": K, "row": -1}, "row must be from 0 to 4; got -1"),
        ({"weights": np.eye(1025), "tokens": ["a"] * 1025}, "at most 1,024 tokens; got 1,025"),
    ],
)  # fmt: skip
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        AttentionExplorer(**{"tokens": TOKENS, **arguments})


def test_update_keeps_the_controls():
    shown = AttentionExplorer(Q, K, TOKENS, mask="none", temperature=2.0)
    shown.update(Q[:1, :3], K[:1, :3], TOKENS[:3])
    assert (shown.meta["heads"], shown.head, shown.row < 3) == (1, 0, True)
    assert shown.temperature == 2.0
    seq = shown.seq
    shown.update(Q[:1, :3], K[:1, :3])  # equal bytes are drawn too
    assert shown.seq > seq


def read(text, off=frozenset()):
    """A model of two layers and three heads whose numbers depend on the text's length and on what is off."""
    words = text.split()
    if not words:
        raise ValueError("type a sentence")
    if text == "crash":
        raise RuntimeError("out of memory")
    rng = np.random.default_rng([len(words), *(10 * layer + head for layer, head in sorted(off))])
    layers = [Layer(*rng.normal(size=(3, 3, len(words), 4))) for _ in range(2)]
    following = [[("kite" if not off else "drum", 0.75), ("red", 0.25)] for _ in words]
    return Reading(words, layers, following, text=text)


@pytest.fixture
def live():
    roles = {"induction": [[0.1, 0.9, 0.2], [0, 0, 0]], "self": [[0.2, 0.3, 0.6], [0.1, 0, 0.4]]}
    return AttentionExplorer(reading=read("Mia has a red kite"), answer=read, roles=roles, layer=0, head=1)


def test_a_new_sentence_is_asked_of_the_model(live):
    live.edits = [[0, 1, "q", 0, 0, 9.0]]
    live.typed = "the cat sat"
    assert (live.tokens, live.edits, live.error) == (["the", "cat", "sat"], [], "")
    np.testing.assert_array_equal(live.weights(1, 2), read("the cat sat").weights(1)[2])
    assert live.meta["answered"] == ["the cat sat", []]


@pytest.mark.parametrize(
    ("typed", "told"), [(" ", "type a sentence"), ("crash", "RuntimeError: out of memory")]
)
def test_what_the_model_refuses_is_told_and_the_picture_stays(live, typed, told):
    before = live.weights()
    live.typed = typed
    assert live.error == told
    assert f"Refused: {told}" in live.text()
    np.testing.assert_array_equal(live.weights(), before)
    live.typed = "the cat sat"
    assert live.error == ""


def test_heads_that_are_off_change_the_next_word(live):
    live.off = [[0, 1]]
    assert (live.next_words[0][0][0], live.next_before[0][0][0]) == ("drum", "kite")
    assert f"After '{live.tokens[live.row]}' the model expects 'drum' 75 %" in live.text()
    assert live.text().endswith("Off (layer.head): 0.1; with all on: 'kite' 75 %.")
    live.off = []
    assert live.next_before == []
    assert live.next_words[0][0][0] == "kite"


def test_a_head_is_named_by_the_probe_alone(live):
    assert "of the kind 'induction', 0.90 of 1" in live.text()
    live.layer = 1
    assert "no role of its own" in live.text()
    assert live.meta["labels"] == [
        ["mixed", 0.2], ["induction", 0.9], ["self", 0.6], ["mixed", 0.1], ["mixed", 0.0], ["mixed", 0.4],
    ]  # fmt: skip
    live.typed = "Mia Mia Mia"  # whatever is typed
    assert live.meta["labels"][1] == ["induction", 0.9]


def test_labels_are_the_probes_own():
    roles = {name: RNG.uniform(size=(6, 8)) * 0.7 for name in ("self", "induction", "uniform")}
    for layer, head in np.ndindex(6, 8):
        role, score = probing.label(roles, layer, head)
        assert pieces.label(roles, layer, head) == [role, round(score, 4)]
    edge = {"self": np.array([[0.5, 0.4999]])}
    assert [pieces.label(edge, 0, head)[0] for head in (0, 1)] == ["self", "mixed"]
    assert [probing.label(edge, 0, head)[0] for head in (0, 1)] == ["self", "mixed"]


def test_a_state_is_plain_and_brings_everything_back(live):
    live.typed, live.off = "the cat sat on it", [[1, 2]]
    live.layer, live.head, live.row, live.column = 1, 0, 3, 1
    live.scale, live.temperature, live.mask, live.window, live.hide_first = 2.0, 0.5, "window", 2, True
    live.edits = [[1, 0, "k", 1, 3, -2.5]]
    live.views, live.difference, live.palette = ["why", "glance"], True, "grey"
    state = json.loads(json.dumps(live.state()))
    weights, text = live.weights(), live.text()
    other = AttentionExplorer(reading=read("a"), answer=read, roles=None)
    other.restore(state)
    assert other.state() == state
    np.testing.assert_array_equal(other.weights(), weights)
    assert other.text().splitlines()[:2] == text.splitlines()[:2]
    with pytest.raises(ValueError, match=r"a state has typed, off, .*; got colour"):
        live.restore({"colour": 1})
    with pytest.raises(ValueError, match="type a sentence"):
        live.restore({"typed": ""})


def test_an_edited_number_moves_its_row_alone():
    shown = AttentionExplorer(Q, K, TOKENS, head=1)
    before = shown.weights()
    shown.edits = [[0, 1, "q", 3, 2, 5.0], [0, 0, "q", 4, 0, 9.0], [0, 1, "q", 77, 0, 1.0]]
    q = Q[1].copy()
    q[3, 2] = 5.0
    expected = attention_weights(q, K[1], causal_mask(5))
    np.testing.assert_allclose(shown.weights(), expected, atol=1e-12)
    assert (np.abs(shown.weights() - before).max(axis=-1) > 0).tolist() == [False, False, False, True, False]


def test_a_window_hides_what_lies_further_back():
    shown = AttentionExplorer(Q, K, TOKENS, head=0)
    shown.mask, shown.window = "window", 2
    np.testing.assert_array_equal(shown.weights() > 0, np.tri(5) - np.tri(5, k=-2))


def test_tokens_that_look_at_others():
    weights = [[0.2, 0.8, 0], [0, 0.1, 0.9]]
    shown = AttentionExplorer(weights=weights, tokens=["猫", "坐"], keys=["the", "cat", "sat"], row=1)
    assert shown.summary == "'坐' attends most to 'sat', 90 %."
    assert "2 tokens that look at 3 others" in shown.text()
    html = shown._repr_mimebundle_()[0]["text/html"]
    assert "<th>2 sat</th>" in html


def test_pictures_are_8_bits_of_every_layer_and_the_exact_numbers_follow_the_head():
    T, D = 70, 64  # q, k and v of twelve heads have 645 kB: more than travels at once
    q, k, v = RNG.normal(size=(3, 3, 12, T, D)) * 3
    shown = AttentionExplorer(q, k, [f"t{i}" for i in range(T)], v=v, layer=1, head=5)
    assert (shown.meta["first"], shown.meta["count"], shown.meta["pool"]) == (0, 3, 1)
    pictures = np.frombuffer(shown.pictures, np.uint8).reshape(3, 12, T, T)
    assert np.abs(pictures[2, 7] / 255 - shown.weights(2, 7)).max() <= 0.5 / 255 + 1e-12
    assert (shown.meta["exact_layer"], shown.meta["exact_heads"]) == (1, [5])
    exact = np.frombuffer(shown.exact, "<f4").reshape(3, T, D)
    np.testing.assert_array_equal(exact, np.stack([q[1, 5], k[1, 5], v[1, 5]]).astype("f4"))
    shown.layer, shown.head = 2, 0
    assert (shown.meta["exact_layer"], shown.meta["exact_heads"]) == (2, [0])


def test_a_long_text_opens_and_says_what_it_leaves_out():
    T, heads = 1024, 9
    made = []

    class Lazy(Sequence):
        def __len__(self):
            return 30

        def __getitem__(self, layer):
            made.append(layer)
            rng = np.random.default_rng(layer)
            return Layer(*rng.normal(size=(2, heads, T, 8)).astype("f4"))

    shown = AttentionExplorer(reading=Reading([f"t{i}" for i in range(T)], Lazy()))
    assert len(set(made)) < 10  # the first, the one that is shown, and those that the checker of types draws
    assert (shown.meta["first"], shown.meta["count"], shown.meta["pool"]) == (15, 1, 2)
    assert len(shown.pictures) <= 4_000_000
    assert shown.text().endswith(
        "1,024 tokens: other layers are fetched when they are chosen, and their entropies are not computed;"
        " thumbnails show the largest of 2 × 2 weights."
    )
    assert len(shown._repr_mimebundle_()[0]["text/html"]) < 50_000
    shown.layer = 3
    assert (shown.meta["first"], shown.meta["exact_layer"]) == (3, 3)


def two_readings():
    """One text read by two models: of the second head the last token looks elsewhere."""
    before = np.array([np.eye(3)] * 2)
    now = before.copy()
    now[1, 2] = [0.25, 0.75, 0]
    words = [[("drum", 0.5)]] * 3, [[("kite", 0.75)]] * 3
    return [
        Reading(["Mia", "red", "kite"], [Layer(weights=weights)], found)
        for weights, found in zip((before, now), words, strict=True)
    ]


def test_another_models_reading_of_the_same_text_stands_beside_it():
    before, now = two_readings()
    shown = AttentionExplorer(reading=now, before=before, head=1, row=2)
    assert shown.text().splitlines()[0] == "'kite' attends most to 'red', 75 %."
    told = "Before: 'kite' attends most to itself, 100 %. After 'kite' the model expects 'drum' 50 %."
    assert told in shown.text().splitlines()
    assert (shown.next_words, shown.next_before) == (now.next_words, before.next_words)
    sent = np.frombuffer(shown.exact, "<f4").reshape(2, 2, 3, 3)  # head, now and before, query, key
    np.testing.assert_array_equal(sent[1], [now.layers[0].weights[1], before.layers[0].weights[1]])
    assert "Before" not in AttentionExplorer(reading=now, head=1, row=2).text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": ["Mia", "red", "hat"]}, "before must have the tokens of the reading"),
        ({"layers": [Layer(weights=np.eye(3)[None])]}, "layer 0 of before must be shaped like"),
        ({"layers": [Layer(weights=np.ones((2, 3, 3)))] * 2}, "number of layers"),
        ({"next_words": []}, "next words where it has them"),
        ({"causal": False}, "mask and scale"),
    ],
)
def test_a_reading_that_cannot_be_compared_is_refused(change, message):
    before, now = two_readings()
    with pytest.raises(ValueError, match=message):
        AttentionExplorer(reading=now, before=dataclasses.replace(before, **change))
    with pytest.raises(ValueError, match="not both"):
        AttentionExplorer(reading=now, before=before, answer=lambda text, off: now)


def test_the_notebook_grows_little():
    q, k = RNG.normal(size=(2, 12, 12, 128, 8))
    shown = AttentionExplorer(q, k, [f"token {i}" for i in range(128)])
    assert (
        sum(len(form.encode()) for form in shown._repr_mimebundle_()[0].values() if isinstance(form, str))
        < 150_000
    )


def test_the_page_is_small_and_whole(tmp_path):
    q, k, v = RNG.normal(size=(3, 1, 12, 32, 64))
    tokens = ["</script><b>", *(f"t{i}" for i in range(31))]
    path = AttentionExplorer(q, k, tokens, v=v).to_html(tmp_path / "a" / "page.html")
    page = path.read_text(encoding="utf-8")
    assert len(page.encode()) <= 150_000
    assert page.count("</script") == 3
    assert "<b>" not in page
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)
