"""Is TinyWorld learnable in minutes? A small modern decoder, trained on one thread, against the exact floor.

A probe for the data card in data/stories/README.md, not a lesson's model: 4 layers, d_model 128, RoPE,
RMSNorm, QK-norm, ReLU², each word mixed with the one before it; Muon for matrices, AdamW for the
rest. Run: python -m benchmarks.probe_tinyworld [en|zh] [steps]
"""

from __future__ import annotations

import json
import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from llmasos_edu.tinyworld import BLANK, END, World

D, HEADS, LAYERS, BATCH, PAD = 128, 4, 4, 32, -100


class Block(nn.Module):
    """Attention and feed-forward, each after a norm without weights."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(D, D, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(D, 4 * D, bias=False), nn.Linear(4 * D, D, bias=False)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """(B, T, D) → (B, T, D)."""
        b, t, _ = x.shape
        y = F.rms_norm(x, (D,))
        q, k, v = (w(y).view(b, t, HEADS, -1).transpose(1, 2) for w in (self.q, self.k, self.v))
        q, k = (turn(F.rms_norm(y, y.shape[-1:]), cos, sin) for y in (q, k))
        y = (
            F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.4)
            .transpose(1, 2)
            .reshape(b, t, D)
        )
        x = x + self.out(y)
        return x + self.down(F.relu(self.up(F.rms_norm(x, (D,)))).square())


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE: turn pairs of coordinates by an angle that grows with the position."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Probe(nn.Module):
    """Embedding, four blocks, a head of its own."""

    def __init__(self, vocab: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab, D)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.head = nn.Linear(D, vocab, bias=False)
        nn.init.zeros_(self.head.weight)
        nn.init.normal_(self.embed.weight, std=1.0)

    def forward(self, ids: Tensor) -> Tensor:
        """(B, T) → (B, T, V)."""
        d = D // HEADS // 2
        angle = torch.arange(ids.shape[1])[:, None] * 10_000 ** (-torch.arange(d) / d)
        x = F.rms_norm(self.embed(ids), (D,))
        # each word also carries half of the word before it: the first half of looking back, for free
        x = F.rms_norm(x + 0.5 * F.pad(x, (0, 0, 1, 0))[:, :-1], (D,))
        for block in self.blocks:
            x = block(x, angle.cos(), angle.sin())
        return 15 * torch.tanh(self.head(F.rms_norm(x, (D,))) / 15)


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal by five Newton–Schulz steps in float32 (Jordan, 2024)."""

    def __init__(self, params: list[nn.Parameter], lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move every matrix by its orthogonalised momentum."""
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                m.lerp_(p.grad, 0.05)
                g = p.grad.lerp(m, 0.95)
                x = g.T if g.shape[0] > g.shape[1] else g
                x = x / (x.norm() + 1e-7)
                for _ in range(5):
                    a = x @ x.T
                    x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
                x = x.T if g.shape[0] > g.shape[1] else x
                p.add_(x, alpha=-group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def encode(stories: list[tuple[str, ...]], ids: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Inputs that begin with END, targets that end with it; padded, -100 where there is no target."""
    rows = [[ids[END], *(ids[w] for w in s), ids[END]] for s in stories]
    n = max(map(len, rows)) - 1
    x = torch.tensor([r[:-1] + [ids[END]] * (n + 1 - len(r)) for r in rows])
    y = torch.tensor([r[1:] + [PAD] * (n + 1 - len(r)) for r in rows])
    return x, y


@torch.no_grad()
def nats_a_story(model: Probe, stories: list[tuple[str, ...]], ids: dict[str, int]) -> float:
    total = 0.0
    for i in range(0, len(stories), 50):
        x, y = encode(stories[i : i + 50], ids)
        total += float(
            F.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=PAD, reduction="sum")
        )
    return total / len(stories)


def run(language: str = "en", steps: int = 700, lr: float = 0.02) -> dict:
    """Train on stories 0, 1, 2 …; each is seen once. Returns the curve."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    world = World(language)
    ids = {w: i for i, w in enumerate((END, *world.lexicon))}
    held = world.validation(300)
    floor = math.fsum(s.nats for s in held) / len(held)
    model = Probe(len(ids))
    matrices = list(model.blocks.parameters())
    optimizers = [
        Muon(matrices, lr),
        torch.optim.AdamW(
            [
                {"params": model.embed.parameters(), "lr": 0.02},
                {"params": model.head.parameters(), "lr": 0.004},
            ],
            betas=(0.8, 0.95),
            weight_decay=0.0,
        ),
    ]
    base = [[g["lr"] for g in o.param_groups] for o in optimizers]
    curve, start, testing = [], time.process_time(), 0.0
    for step in range(steps + 1):
        if step % (steps // 10) == 0:
            t = time.process_time()
            gap = nats_a_story(model, [s.words for s in held], ids) - floor
            p = blank(model, world, ids)
            testing += time.process_time() - t
            seconds = time.process_time() - start - testing
            curve.append({"step": step, "seconds": round(seconds, 1), "nats_above_floor": gap, "blank": p})
            print(
                f"{step:6d} {seconds:7.1f} s  {gap:8.2f} nats above {floor:.2f}   P(blank) {p:.3f}",
                flush=True,
            )
        if step == steps:
            break
        x, y = encode([world.story(step * BATCH + i).words for i in range(BATCH)], ids)
        F.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=PAD).backward()
        decay = min(1.0, (1 - step / steps) / 0.7)
        for optimizer, rates in zip(optimizers, base, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * decay
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    parameters = sum(p.numel() for p in model.parameters())
    return {
        "language": language, "floor": floor, "parameters": parameters, "batch": BATCH,
        "blank": BLANK[language], "curve": curve,
    }  # fmt: skip


@torch.no_grad()
def blank(model: Probe, world: World, ids: dict[str, int]) -> float:
    """P(right word) on the course's blank."""
    (right,) = world.next_word(BLANK[world.language])
    x = torch.tensor([[ids[END], *(ids[w] for w in world.words(BLANK[world.language]))]])
    return float(model(x)[0, -1].softmax(-1)[ids[right]])


if __name__ == "__main__":
    language, steps = (sys.argv[1:] + ["en", "700"][len(sys.argv) - 1 :])[:2]
    print(json.dumps(run(language, int(steps))))
