"""The arithmetic of PAST_ONE_MACHINE.md, done again from the configs."""

from pathlib import Path

import pytest
import torch

import llmasos_edu.training
from llmasos_edu.costs import activation_bytes, flops_per_token, parameters
from llmasos_edu.gpt import GPTConfig
from llmasos_edu.llama import LlamaConfig

PAGE = (Path(llmasos_edu.training.__file__).parent / "PAST_ONE_MACHINE.md").read_text(encoding="utf-8")
SMALL, XL = GPTConfig.preset("small"), GPTConfig.preset("xl")
EIGHT = LlamaConfig(
    128_256, context_length=8192, d_model=4096, n_heads=32, n_kv_heads=8, n_layers=32, d_head=128,
    d_ff=14_336, tied=False,
)  # fmt: skip
SPEED = 0.4 * 989e12
PER_TOKEN = sum(flops_per_token(SMALL, 1024, backward=True))
SENT = 2 * 7 / 8 * 4 * parameters(SMALL)

NUMBERS = {
    "124.4 M": parameters(SMALL) / 1e6, "1,558 M": parameters(XL) / 1e6, "8,030 M": parameters(EIGHT) / 1e6,
    "2.0 GB": 16 * parameters(SMALL) / 1e9, "24.9 GB": 16 * parameters(XL) / 1e9,
    "128 GB": 16 * parameters(EIGHT) / 1e9, "6,480 GB": 16 * 405,
    "16.1 GB": 16 * parameters(EIGHT) / 8 / 1e9,
    "817 MB": activation_bytes(SMALL, 1, 1024) / 1e6,
    "854 million": PER_TOKEN / 1e6, "396 · 10¹²": SPEED / 1e12, "463,000 tokens": SPEED / PER_TOKEN,
    "8.54 · 10¹⁸": PER_TOKEN * 1e10 / 1e18, "1.8 years": PER_TOKEN * 1e10 / 0.15e12 / 3600 / 24 / 365.25,
    "6.0 hours": PER_TOKEN * 1e10 / SPEED / 3600, "45 minutes": PER_TOKEN * 1e10 / SPEED / 8 / 60,
    "3,165 · 10¹²": 8 * SPEED / 1e12, "3.8 · 10²⁵": 6 * 405e9 * 15.6e12 / 1e25,
    "67 days": 6 * 405e9 * 15.6e12 / (16_384 * 400e12) / 3600 / 24,
    "3,000 years": 6 * 405e9 * 15.6e12 / 400e12 / 3600 / 24 / 365.25,
    "871 MB": SENT / 1e6, "1.9 ms": SENT / 450e9 * 1e3, "17 ms": SENT / 50e9 * 1e3,
    "7.0 s": SENT / 0.125e9, "35 ms": 16 * 1024 * PER_TOKEN / SPEED * 1e3,
    "200 times": SENT / 0.125e9 / (16 * 1024 * PER_TOKEN / SPEED),
    "134 million": 16_384 * 8_192 / 1e6,
}  # fmt: skip


@pytest.mark.parametrize("words", NUMBERS)
def test_a_number_on_the_page(words):
    assert words in " ".join(PAGE.split())
    said = float(words.split()[0].replace(",", ""))
    assert NUMBERS[words] == pytest.approx(said, rel=0.03)  # the page rounds to two or three digits


def test_bytes_a_parameter():
    """What AdamW and Muon really hold after a step."""
    from llmasos_edu.training import Muon

    for make, expected in ((torch.optim.AdamW, 16), (Muon, 12)):
        p = torch.zeros(64, 64, requires_grad=True)
        optimizer = make([p], lr=0.1)
        p.sum().backward()
        optimizer.step()
        held = [p, p.grad, *(t for t in optimizer.state[p].values() if t.ndim)]
        assert sum(t.nbytes for t in held) == expected * p.numel()
