"""Batches follow from (seed, step) alone; processes divide them; packed rows cost what single ones cost."""

import math
import re
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from llmasos_edu.batches import (
    IGNORE,
    STRIDE,
    Documents,
    Windows,
    consecutive_windows,
    document_mask,
    document_positions,
    pack_documents,
)  # fmt: skip
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.tinyworld import World
from llmasos_edu.token_files import open_tokens, write_tokens

DOCUMENTS = [[10 * i + j for j in range(1 + i % 4)] for i in range(1, 24)]


def windows(seed=3, batch_size=12, tokens=None):
    return Windows(
        np.arange(500) if tokens is None else tokens, batch_size=batch_size, context_length=7, seed=seed
    )


def documents(seed=3, batch_size=12, source=None, **how):
    source = DOCUMENTS if source is None else source
    return Documents(source, end_id=0, batch_size=batch_size, context_length=9, seed=seed, **how)


@pytest.mark.parametrize("make", [windows, documents])
@given(seed=st.integers(0, 2**40), step=st.integers(0, 2**40), ranks=st.sampled_from([1, 2, 3, 4, 6, 12]))
@settings(max_examples=30, deadline=None)
def test_a_batch_is_a_function_of_seed_and_step_and_ranks_divide_it(make, seed, step, ranks):
    whole = make(seed).batch(step)
    used = make(seed)
    used.batch(step + 1)  # what was asked before changes nothing
    for mine, again in zip(whole, used.batch(step), strict=True):
        assert torch.equal(mine, again)
    parts = [make(seed).batch(step, rank, ranks) for rank in range(ranks)]
    for kind in (0, 1):
        assert torch.equal(torch.cat([part[kind] for part in parts]), whole[kind])


def test_windows_are_slices_of_the_stream_from_everywhere():
    tokens = np.random.default_rng(0).integers(0, 1000, 40)
    data = windows(tokens=tokens)
    slices = {tuple(tokens[i : i + 8].tolist()) for i in range(33)}  # by hand: all there are
    seen = set()
    for step in range(40):
        inputs, targets = data.batch(step)
        assert inputs.dtype == targets.dtype == torch.int64
        assert torch.equal(inputs[:, 1:], targets[:, :-1])
        rows = torch.cat([inputs, targets[:, -1:]], dim=1)
        assert {tuple(row) for row in rows.tolist()} <= slices
        seen |= {tuple(row) for row in rows.tolist()}
    assert seen == slices  # 480 draws of 33: the chance to miss one is 33 · (32/33)^480 ≈ 1e-5, and fixed


def test_another_seed_or_step_gives_another_batch():
    first = [windows(seed).batch(step)[0] for seed, step in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert len({tuple(batch.flatten().tolist()) for batch in first}) == 4


def test_a_stream_may_be_a_token_file_a_tensor_or_a_list(tmp_path):
    write_tokens(tmp_path / "a", range(500), 500)
    kinds = [
        np.arange(500),
        open_tokens(tmp_path / "a").tokens,
        torch.arange(500),
        list(range(500)),
        range(500),
    ]
    first, *others = [windows(tokens=tokens).batch(9) for tokens in kinds]
    for other in others:
        assert torch.equal(first[0], other[0])
        assert torch.equal(first[1], other[1])


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux says what a process has mapped")
def test_a_long_file_never_stands_in_memory(tmp_path):
    write_tokens(tmp_path / "a", (np.full(65_536, i) for i in range(160)), 200)  # 21 MB, 320 kB a number
    tokens = open_tokens(tmp_path / "a").tokens

    def mapped():
        maps = Path("/proc/self/smaps").read_text().split(str(tmp_path / "a"))[1]
        return int(re.search(r"Rss: +(\d+) kB", maps)[1])

    assert int(tokens.sum()) == 65_536 * sum(range(160))
    assert mapped() > 20_000  # what has been read stands there
    for stream in (tokens, tokens[1000:]):
        data = windows(tokens=stream, batch_size=4)
        seen = {int(i) for step in range(100) for i in data.batch(step)[0].flatten()}
        assert len(seen) > 100
        assert mapped() < 2_000


@pytest.mark.parametrize("batch_size", [5, 12, 50])
def test_every_document_once_an_epoch_in_an_order_of_its_own(batch_size):
    data = documents(batch_size=batch_size)
    rows = [tuple(row) for step in range(46) for row in data.batch(step)[0].tolist()]
    starts = [row[1] for row in rows]  # each document's first token is its own
    expected = Counter(d[0] for d in DOCUMENTS)
    n = len(DOCUMENTS)
    epochs = [starts[i : i + n] for i in range(0, 5 * n, n)]
    assert all(Counter(epoch) == expected for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 5


def test_documents_are_padded_rows_between_end_tokens():
    inputs, targets = documents(batch_size=23).batch(0)
    assert inputs.shape[1] == max(map(len, DOCUMENTS)) + 1
    by_hand = {(0, *d): [*d, 0] for d in DOCUMENTS}
    for row, wanted in zip(inputs.tolist(), targets.tolist(), strict=True):
        n = next((i for i, t in enumerate(wanted) if t == IGNORE), len(wanted))
        assert by_hand[tuple(row[:n])] == wanted[:n]
        assert set(row[n:]) <= {0}
        assert set(wanted[n:]) <= {IGNORE}
    assert documents(width="context").batch(0)[0].shape == (12, 9)


def test_endless_documents_are_asked_for_by_number():
    asked = []

    def story(i):
        asked.append(i)
        return np.array([i % 7 + 1] * (i % 5))

    data = documents(seed=0, batch_size=4, source=story)
    data.batch(0), data.batch(1)
    assert asked == list(range(8))
    parts = [data.batch(1, rank, 4)[0] for rank in range(4)]
    assert torch.equal(torch.cat(parts), data.batch(1)[0])
    assert asked == list(range(8))  # nor twice for the parts of one batch
    asked.clear()
    documents(seed=2, batch_size=4, source=story).batch(5)
    assert asked == [2 * STRIDE + 20 + i for i in range(4)]


def test_generated_stories_train_without_being_stored():
    world = World("en")
    ids = {word: i for i, word in enumerate(("<|end|>", *world.lexicon))}
    data = Documents(
        lambda i: [ids[w] for w in world.story(i).words], end_id=0, batch_size=3, context_length=256, seed=0
    )
    inputs, targets = data.batch(2)
    words = ("<|end|>", *world.lexicon)
    for row, seed in enumerate((6, 7, 8)):
        n = int((targets[row] != IGNORE).sum())
        assert "".join(words[i] for i in inputs[row, 1:n]) == world.story(seed).text
        assert targets[row, n - 1] == 0


def test_documents_of_like_length_share_a_batch():
    """Five batches together hold the documents that five in turn hold, and are filled up less."""
    rng = np.random.default_rng(0)
    source = [[i] * int(rng.integers(1, 9)) for i in range(1, 61)]
    plain, shared = (documents(source=source, alike=alike) for alike in (1, 5))
    rows = [[data.batch(step)[0][:, 1].tolist() for step in range(5)] for data in (plain, shared)]
    assert sorted(chain(*rows[0])) == sorted(chain(*rows[1])) == list(range(1, 61))
    widths = [[data.batch(step)[0].shape[1] for step in range(5)] for data in (plain, shared)]
    assert sum(widths[1]) < sum(widths[0])
    assert widths[1] != sorted(widths[1])  # short ones do not always come first
    parts = [documents(source=source, alike=5).batch(3, rank, 4) for rank in range(4)]
    assert torch.equal(torch.cat([part[0] for part in parts]), shared.batch(3)[0])
    with pytest.raises(ValueError, match="alike must be at least 1"):
        documents(alike=0)


def test_a_long_document_is_refused_or_cut():
    source = [list(range(1, 20))]
    with pytest.raises(ValueError, match="at most context_length - 1 = 8 tokens; one has 19"):
        documents(source=source).batch(0)
    inputs, targets = documents(source=source, too_long="cut", batch_size=1).batch(0)
    assert inputs.tolist() == [[0, 1, 2, 3, 4, 5, 6, 7, 8]]
    assert targets.tolist() == [[1, 2, 3, 4, 5, 6, 7, 8, 9]]
    exact = documents(source=[list(range(1, 9))], batch_size=1).batch(0)
    assert exact[1].tolist() == [[1, 2, 3, 4, 5, 6, 7, 8, 0]]


@given(n=st.integers(9, 80), context=st.integers(1, 8), batch_size=st.integers(1, 5))
def test_validation_windows_show_every_token_once(n, context, batch_size):
    tokens = np.random.default_rng(n).integers(0, 50, n)
    pairs = []
    for inputs, targets in consecutive_windows(tokens, context, batch_size):
        assert inputs.shape[1] == context
        assert len(inputs) <= batch_size
        counts = targets != IGNORE
        pairs += zip(inputs[counts].tolist(), targets[counts].tolist(), strict=True)
    assert pairs == list(zip(tokens[:-1].tolist(), tokens[1:].tolist(), strict=True))


def test_tiny_shakespeare_has_the_windows_that_arithmetic_says():
    batches = list(consecutive_windows(np.zeros(111_540, dtype=np.uint16), 64, 100))
    assert sum(len(inputs) for inputs, _ in batches) == math.ceil(111_539 / 64)
    assert sum(int((targets != IGNORE).sum()) for _, targets in batches) == 111_539


class OneLayer(torch.nn.Module):
    """One causal attention layer with positions, written with torch alone: the judge of packing."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.table = torch.randn(40, 8, generator=generator, dtype=torch.float64)
        self.places = torch.randn(12, 8, generator=generator, dtype=torch.float64)

    def nats(self, ids, targets, mask, positions):
        x = (self.table[ids] + self.places[positions])[:, None]
        x = x + F.scaled_dot_product_attention(x, x, x, attn_mask=mask)
        return F.cross_entropy(
            (x[:, 0] @ self.table.T).transpose(1, 2), targets, ignore_index=IGNORE, reduction="none"
        )


@given(st.lists(st.lists(st.integers(1, 39), max_size=10), min_size=1, max_size=8))
@settings(deadline=None)
def test_packed_rows_give_the_losses_of_single_ones(docs):
    packed = pack_documents(docs, end_id=0, context_length=12)
    model = OneLayer()
    got = model.nats(
        packed.inputs, packed.targets, document_mask(packed.numbers), document_positions(packed.numbers)
    )
    costs = []
    for row, numbers in zip(got, packed.numbers, strict=True):
        costs += [row[numbers == n].sum().item() for n in range(1, int(numbers.max()) + 1)]
    alone = []
    for doc in docs:
        ids, targets = torch.tensor([[0, *doc]]), torch.tensor([[*doc, 0]])
        n = len(doc) + 1
        mask = torch.ones(n, n, dtype=torch.bool).tril()
        alone.append(model.nats(ids, targets, mask, torch.arange(n)[None]).sum().item())
    assert sorted(costs) == pytest.approx(sorted(alone), rel=1e-12)  # float64, other order of sums


def test_our_model_with_the_mask_gives_packed_rows_the_nats_of_padded_ones():
    config = LlamaConfig(
        vocab_size=40, context_length=12, d_model=16, n_heads=2, n_kv_heads=1, n_layers=2, d_head=8, d_ff=16,
        init_std=0.5,
    )  # fmt: skip
    model = Llama(config, generator=torch.Generator().manual_seed(0)).double()
    docs = [[i, 2 * i, 3 * i][: 1 + i % 3] for i in range(1, 13)]
    inputs, targets = Documents(docs, end_id=0, batch_size=12, context_length=12, seed=0).batch(0)
    packed = pack_documents(docs, end_id=0, context_length=12)
    assert len(packed.inputs) < 12 / 3

    def total(ids, targets):
        return F.cross_entropy(
            model(ids).transpose(1, 2), targets, ignore_index=IGNORE, reduction="sum"
        ).item()

    alone, crossing = total(inputs, targets), total(packed.inputs, packed.targets)
    mask = document_mask(packed.numbers)
    with model.attention_by(lambda q, k, v, _: F.scaled_dot_product_attention(q, k, v, attn_mask=mask)):
        apart = total(packed.inputs, packed.targets)
    assert apart == pytest.approx(alone, rel=1e-6)  # RoPE's tables are float32, at other positions
    assert abs(crossing - alone) > 0.01  # without the mask documents see each other


@given(st.lists(st.lists(st.integers(1, 39), max_size=10), min_size=1, max_size=30))
def test_packing_loses_nothing_and_wastes_little(docs):
    packed = pack_documents(docs, end_id=0, context_length=12)
    found = []
    for ids, numbers in zip(packed.inputs.tolist(), packed.numbers.tolist(), strict=True):
        for n in range(1, max(numbers) + 1):
            found.append([i for i, m in zip(ids, numbers, strict=True) if m == n][1:])
    assert sorted(found) == sorted(docs)
    fewest = math.ceil(sum(len(d) + 1 for d in docs) / 12)
    assert len(packed.inputs) <= 2 * fewest  # any first-fit keeps all rows but one more than half full


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: windows(tokens=np.arange(7)), "shorter than one context: 7 tokens.*needs at least 8"),
        (lambda: list(consecutive_windows([1], 4, 2)), "shorter than one context: 1 tokens"),
        (lambda: windows(tokens=[]), "shorter than one context: 0 tokens"),
        (lambda: windows(tokens=np.zeros((3, 9), int)), r"one row of whole numbers; got int64 \(3, 9\)"),
        (lambda: windows(tokens=np.zeros(99)), r"one row of whole numbers; got float64 \(99,\)"),
        (lambda: windows(batch_size=0), "must be at least 1"),
        (lambda: windows(seed=-1), "seed at least 0; got 12, 7, -1"),
        (lambda: windows().batch(-1), "step must be at least 0"),
        (lambda: windows().batch(0, 2, 2), "rank from 0 to 1; got 0 and 2"),
        (lambda: documents().batch(0, 0, 5), "batch_size 12 must be a multiple of the 5 processes"),
        (lambda: documents(source=[[]][:0]), "at least one document"),
        (lambda: documents(width="wide"), 'width must be "longest", "context" or "packed"'),
        (lambda: pack_documents([], end_id=0, context_length=4), "at least one document"),
        (
            lambda: pack_documents([[1] * 4], end_id=0, context_length=4),
            "context_length - 1 = 3 tokens; got 4",
        ),
    ],
)
def test_bad_requests_are_refused(call, said):
    with pytest.raises(ValueError, match=re.compile(said)):
        call()
