"""LoRA on our models: trained by the loop, resumed bit for bit, generating with a cache, exported merged."""

import pytest
import torch

from llmasos_edu.batches import Documents
from llmasos_edu.corpora import tinyworld_tokenizer
from llmasos_edu.generation import Decoding, generate
from llmasos_edu.gpt import GPT, GPTConfig
from llmasos_edu.llama import Llama, LlamaConfig
from llmasos_edu.lora import LoraConfig, add_lora, drop_lora, lora_parameters, merge, using
from llmasos_edu.pretrained import export, load_model
from llmasos_edu.tinyworld import World
from llmasos_edu.training import TrainConfig, train

IDS = torch.tensor([[3, 1, 4, 1, 5]])


def seeded(n=0):
    return torch.Generator().manual_seed(n)


def small(kind, vocab_size=11):
    sizes = {"vocab_size": vocab_size, "context_length": 16, "d_model": 16, "n_heads": 2, "n_layers": 2}
    if kind == "gpt":
        return GPT(GPTConfig(**sizes, d_ff=32), generator=seeded())
    config = LlamaConfig(**sizes, n_kv_heads=1, d_head=8, d_ff=16, init_std=0.5)
    return Llama(config, generator=seeded())


def with_lora(model, moved=True):
    add_lora(model, LoraConfig(rank=2), generator=seeded())
    if moved:
        with torch.no_grad():
            for i, p in enumerate(lora_parameters(model).values()):
                p.normal_(0, 0.5, generator=seeded(i))
    return model


@pytest.mark.parametrize("kind", ["gpt", "llama"])
def test_the_loop_trains_the_adapter_alone_and_resumes_bit_for_bit(kind, tmp_path):
    documents = [[1 + (a + i) % 10 for i in range(9)] for a in range(20)]
    data = Documents(documents, end_id=0, batch_size=4, context_length=12, seed=0)
    config = TrainConfig(steps=6, lr=0.05, save_every=2)
    base = {n: p.clone() for n, p in small(kind).named_parameters()}
    straight = with_lora(small(kind), moved=False)
    losses = train(straight, data, config).losses
    train(
        with_lora(small(kind), moved=False), data, config, run_dir=tmp_path, callbacks=[lambda e: e.step == 4]
    )
    resumed = with_lora(small(kind), moved=False)
    assert train(resumed, data, config, run_dir=tmp_path).losses == losses
    after = dict(straight.named_parameters())
    assert all(torch.equal(p, after[n]) for n, p in resumed.named_parameters())
    assert all(torch.equal(after[n], p) for n, p in base.items())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", ["gpt", "llama"])
def test_generation_with_a_cache_uses_the_adapter(kind):
    model = with_lora(small(kind)).eval()
    for name in ("default", None):
        with using(model, name), torch.no_grad():
            ids = IDS[0].tolist()
            for _ in range(6):
                ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
            (got,) = generate(model, IDS.tolist(), max_new_tokens=6, decoding=Decoding(greedy=True))
        assert list(got.ids)[-6:] == ids[-6:]


@pytest.mark.parametrize("kind", ["gpt", "llama"])
def test_merged_it_is_an_ordinary_model_and_exports(kind, tmp_path):
    tokenizer = tinyworld_tokenizer(World("en"), World("zh"))
    model = with_lora(small(kind, tokenizer.vocab_size)).eval()
    names = set(small(kind, tokenizer.vocab_size).state_dict())
    merge(model)
    drop_lora(model)
    assert set(model.state_dict()) == names
    export(tmp_path / "hf", model, tokenizer)
    again = load_model(tmp_path / "hf").eval()
    torch.testing.assert_close(
        again(IDS), model(IDS), rtol=1e-5, atol=1e-5
    )  # the same weights, another order
