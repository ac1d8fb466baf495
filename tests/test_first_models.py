"""Gradients against finite differences and against p − one-hot by hand; training against counting."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from llmasos_edu import attention as numpy_attention
from llmasos_edu.first_models import (
    IGNORE,
    Bigram,
    FixedWindow,
    OneAttention,
    document_nats,
    make_batches,
    mean_nats,
    next_word,
    pad_documents,
    train_steps,
)  # fmt: skip

V = 7


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def rough(model, seed=1):
    """The model in float64 with every weight drawn anew, zeros included: designed to show every term."""
    g = seeded(seed)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=g, dtype=torch.float64) * 0.7
    return model


MODELS = {
    "bigram": lambda: rough(Bigram(V)),
    "window": lambda: rough(FixedWindow(V, 3, 4, 5, generator=seeded())),
    "attention": lambda: rough(OneAttention(V, 9, 6, n_heads=2, generator=seeded())),
}
IDS = torch.tensor([[0, 3, 1, 3, 2, 6], [5, 5, 4, 0, 0, 0]])
TARGETS = torch.tensor([[3, 1, 3, 2, 6, 0], [5, 4, 0, IGNORE, IGNORE, IGNORE]])


@pytest.mark.parametrize("name", MODELS)
def test_autograd_equals_finite_differences(name):
    model = MODELS[name]()
    mean_nats(model(IDS), TARGETS).backward()
    h = 1e-5  # central differences in float64: truncation h² ≈ 1e-10, rounding 1e-16 / h ≈ 1e-11
    for p in model.parameters():
        flat = p.data.view(-1)
        for i in range(0, len(flat), max(1, len(flat) // 12)):
            kept, loss = flat[i].item(), {}
            for sign in (1, -1):
                flat[i] = kept + sign * h
                loss[sign] = mean_nats(model(IDS), TARGETS).item()
            flat[i] = kept
            assert p.grad.view(-1)[i].item() == pytest.approx((loss[1] - loss[-1]) / (2 * h), abs=1e-8)


def test_bigram_gradient_is_p_minus_one_hot_by_hand():
    model = MODELS["bigram"]()
    mean_nats(model(IDS), TARGETS).backward()
    table, by_hand, counted = model.table.detach().numpy(), np.zeros((V, V)), 0
    for x, y in zip(IDS.ravel().tolist(), TARGETS.ravel().tolist(), strict=True):
        if y != IGNORE:
            p = np.exp(table[x] - logsumexp(table[x]))
            by_hand[x] += p - np.eye(V)[y]
            counted += 1
    # float64 through and through: only rounding differs
    np.testing.assert_allclose(model.table.grad.numpy(), by_hand / counted, atol=1e-15)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_starts_at_ln_v_and_cannot_see_the_future(name):
    fresh = {
        "bigram": Bigram(V),
        "window": FixedWindow(V, 3, 4, 5, generator=seeded()),
        "attention": OneAttention(V, 9, 6, n_heads=2, generator=seeded()),
    }[name]
    assert mean_nats(fresh(IDS), TARGETS).item() == pytest.approx(np.log(V), abs=1e-6)  # float32
    model = MODELS[name]()
    changed = IDS.clone()
    changed[0, 4] = 1
    a, b = model(IDS), model(changed)
    assert a.shape == (2, 6, V)
    torch.testing.assert_close(a[0, :4], b[0, :4], rtol=0, atol=1e-12)  # kernels may sum in another order
    assert not torch.equal(a[0, 4], b[0, 4])


def test_fixed_window_by_loops_and_its_blind_spot():
    model = MODELS["window"]()
    e, w, b, u, c = (p.detach().numpy() for p in model.parameters())
    expected = np.zeros((6, V))
    for t in range(6):
        seen = [e[IDS[0, s]] if s >= 0 else np.zeros(4) for s in range(t - 2, t + 1)]  # oldest first
        expected[t] = np.tanh(np.concatenate(seen) @ w + b) @ u + c
    np.testing.assert_allclose(model(IDS)[0].detach().numpy(), expected, atol=1e-13)  # float64 rounding
    far = IDS.clone()
    far[0, 2] = 6  # 3 back from place 5: outside a window of 3
    assert torch.equal(model(far)[0, 5], model(IDS)[0, 5])
    assert not torch.equal(model(far)[0, 4], model(IDS)[0, 4])


def test_one_attention_by_numpy():
    model = MODELS["attention"]()
    p = {name: value.detach().numpy() for name, value in model.named_parameters()}
    words = p["embedding"][IDS.numpy()]
    before = np.concatenate([np.zeros((2, 1, 6)), words[:, :-1]], axis=1)
    x = words + before @ p["w_before"] + p["position"][:6]
    found = numpy_attention.multi_head_attention(
        x, p["w_q"], p["w_k"], p["w_v"], p["w_o"], n_heads=2, mask=numpy_attention.causal_mask(6)
    )
    # float64; the fused kernel sums in another order
    np.testing.assert_allclose(model(IDS).detach().numpy(), (x + found) @ p["w_out"], atol=1e-12)
    weights = model.attention(IDS)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 6, dtype=torch.float64))
    assert weights.triu(1).abs().max() == 0


def test_training_lands_on_counting():
    # Three words after word 1 in the ratio 5 : 3 : 2. No row of the table is touched by another's gradient,
    # so the minimum is the counted distribution, exactly.
    documents = [[1, 2]] * 5 + [[1, 3]] * 3 + [[1, 4]] * 2
    model = Bigram(V)
    batches = make_batches(documents, end_id=0, batch_size=10, generator=seeded())
    losses = train_steps(model, batches, steps=400, lr=0.3)
    p = next_word(model, [1], end_id=0)
    # logits of words never seen only creep down: they keep about e^-9 each
    np.testing.assert_allclose(p[2:5].numpy(), [0.5, 0.3, 0.2], atol=2e-3)
    entropy = -(
        0.5 * np.log(0.5) + 0.3 * np.log(0.3) + 0.2 * np.log(0.2)
    )  # per document, all else is certain
    assert losses[0] == pytest.approx(np.log(V), abs=1e-6)
    assert document_nats(model, documents, end_id=0).mean().item() == pytest.approx(entropy, abs=0.01)


def test_attention_learns_what_the_window_cannot_see():
    # "a red kite, two other words, after red": the answer stands where the same word stood before.
    g = seeded(3)
    documents = []
    for _ in range(600):
        colours, things = torch.randperm(4, generator=g)[:2] + 1, torch.randperm(4, generator=g)[:2] + 5
        (c, d), (x, y) = colours.tolist(), things.tolist()
        documents.append([c, x, d, y, 9, 9, *((c, x) if torch.rand(1, generator=g) < 0.5 else (d, y))])
    inputs, targets = pad_documents(documents, end_id=0)

    def accuracy(model):
        batches = make_batches(documents[:500], end_id=0, batch_size=50, generator=seeded())
        train_steps(model, batches, steps=400, lr=0.01)
        guess = model(inputs[500:])[:, 7].argmax(-1)
        return (guess == targets[500:, 7]).float().mean().item()

    assert accuracy(OneAttention(10, 10, 64, n_heads=2, generator=seeded())) > 0.9
    assert accuracy(FixedWindow(10, 3, 8, 32, generator=seeded())) < 0.5  # 1 of 4 by chance


def test_zeroed_gradients_and_watch():
    # Two equal batches: were gradients kept, the second step would follow twice the gradient.
    model, seen = Bigram(3), []
    batch = (torch.tensor([[0]]), torch.tensor([[1]]))
    losses = train_steps(model, [batch] * 3, steps=5, lr=0.1, watch=seen.append)
    assert seen == [0, 1, 2, 3]
    assert len(losses) == 3  # it stops when the batches do
    assert losses[0] > losses[1] > losses[2]
    p = torch.softmax(model.table[0], 0)
    assert p[1] > p[0]
    torch.testing.assert_close(model.table.grad[0, 0], ((p[0]).detach()), rtol=0.2, atol=0)


def test_batches_cover_every_document_and_repeat_by_seed():
    documents = [[i] * (i % 3 + 1) for i in range(1, 7)]

    def first(n, seed):
        batches = make_batches(documents, end_id=0, batch_size=2, generator=seeded(seed))
        return [next(batches) for _ in range(n)]

    epoch = first(3, 5)
    assert sorted(int(row[1]) for inputs, _ in epoch for row in inputs) == [1, 2, 3, 4, 5, 6]
    assert all((targets != IGNORE).sum(1).max() == targets.shape[1] for _, targets in epoch)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(epoch, first(3, 5), strict=True))


def test_document_nats_sum_to_the_mean():
    documents = [[1, 2, 3], [4], [5, 6, 1, 2, 3, 4]]
    model = MODELS["attention"]()
    inputs, targets = pad_documents(documents, end_id=0)
    total = mean_nats(model(inputs), targets).item() * sum(len(d) + 1 for d in documents)
    nats = document_nats(model, documents, end_id=0)
    assert nats.sum().item() == pytest.approx(total, rel=1e-12)  # float64
    assert document_nats(model, documents[1:2], end_id=0).item() == pytest.approx(nats[1].item(), rel=1e-12)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: Bigram(0), "vocab_size must be at least 1; got 0"),
        (lambda: FixedWindow(4, 0, 2, 2, generator=seeded()), "context_length must be at least 1"),
        (lambda: OneAttention(4, 5, 6, n_heads=4, generator=seeded()), "must divide d_model; got d_model=6"),
        (lambda: Bigram(4)(torch.tensor([[0, 4]])), "from 0 to 3; got 0 to 4"),
        (lambda: OneAttention(4, 2, 4, generator=seeded())(torch.tensor([[0, 1, 2]])), "2 words at most"),
        (lambda: mean_nats(torch.zeros(1, 2, 3), torch.tensor([[0]])), r"\(1, 2, 3\) and \(1, 1\)"),
        (lambda: mean_nats(torch.zeros(1, 1, 3), torch.tensor([[IGNORE]])), "all are IGNORE"),
        (lambda: train_steps(Bigram(2), [], steps=0, lr=1.0), "got steps=0"),
        (lambda: train_steps(Bigram(2), [], steps=1, lr=-1.0), "got steps=1, lr=-1"),
        (lambda: pad_documents([], end_id=0), "at least one document"),
        (lambda: make_batches([[1]], end_id=0, batch_size=2, generator=seeded()), "1 documents; got 2"),
    ],
)  # fmt: skip
def test_bad_input(bad, message):
    with pytest.raises(ValueError, match=message):
        bad()
