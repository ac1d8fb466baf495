"""The two cheap features of the fast recipe, against sums written out."""

import torch
import torch.nn.functional as F

from benchmarks.neighbours import show_neighbours
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.training import TrainConfig
from llmasos_edu.training.optimizers import share_out

SMALL = LlamaConfig(
    vocab_size=11, context_length=8, d_model=16, n_heads=2, n_kv_heads=2, n_layers=2, d_head=8, d_ff=32,
    tied=False, qk_norm="plain", norm_weights=False, activation="relu2",
)  # fmt: skip


def small(before=2):
    generator = torch.Generator().manual_seed(0)
    return show_neighbours(Llama(SMALL, generator=generator), before, generator)


def test_a_token_is_the_sum_of_its_row_and_those_of_the_tokens_before():
    model = small()
    first, second, third = (table.weight for table in model.embedding.tables)
    a, b, c = 3, 7, 5
    rows = torch.stack([
        first[a] + second[0] + third[0],  # before the first token stands id 0
        first[b] + second[a] + third[0],
        first[c] + second[b] + third[a],
    ])  # fmt: skip
    expected = rows / rows.square().mean(-1, keepdim=True).sqrt()
    torch.testing.assert_close(model.embedding(torch.tensor([[a, b, c]]))[0], expected)


def test_a_part_reads_its_position_and_a_share_of_the_one_before():
    shift = small().blocks[1].feed_forward_norm
    x = torch.randn(1, 4, 16, generator=torch.Generator().manual_seed(1))
    normed = F.rms_norm(x, (16,), eps=SMALL.norm_eps)
    assert torch.equal(shift(x), normed)  # it begins with nothing of its neighbour
    with torch.no_grad():
        shift.share.fill_(0.5)
    found = shift(x)
    assert torch.equal(found[:, 0], normed[:, 0])
    torch.testing.assert_close(found[:, 1:], normed[:, 1:] + 0.5 * normed[:, :-1])


def test_nothing_looks_ahead():
    model = small()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("share") or "down" in name or "output" in name or "head" in name:
                p.normal_(generator=torch.Generator().manual_seed(2))
    ids = torch.arange(8)[None] % 11
    changed = ids.clone()
    changed[0, 5] = 9
    a, b = model(ids), model(changed)
    assert torch.equal(a[:, :5], b[:, :5])
    assert not torch.equal(a[:, 5], b[:, 5])


def test_each_new_parameter_learns():
    model = small()
    shares = share_out(model, TrainConfig(optimizer="muon"))
    assert shares["embedding"] == [f"embedding.tables.{i}.weight" for i in range(3)]
    assert sum(name.endswith("share") for name in shares["vector"]) == 4
    assert all("blocks" in name for name in shares["muon"])
