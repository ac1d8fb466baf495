"""Exercise learning.train: a bigram's table, trained by plain gradient descent.

In the probes a word follows itself, two rows end in other words than they begin with, and the steps are one,
three and six: a mistake of order or memory shows itself from the second step on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["TRAIN", "train"]


def train(table: torch.Tensor, rows: torch.Tensor, steps: int, lr: float) -> torch.Tensor:
    """A bigram's table of logits after `steps` of plain gradient descent on rows of word ids."""
    table = table.clone().requires_grad_()
    optimizer = torch.optim.SGD([table], lr=lr)
    for _ in range(steps):
        logits = table[rows[:, :-1]]  # (B, T-1, V): each word predicts the one after it
        loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return table.detach()


def _train_probes() -> list[Probe]:
    g = torch.Generator().manual_seed(0)
    rows = torch.tensor(
        [[0, 1, 2, 2, 3], [0, 3, 1, 0, 0]]
    )  # a word follows itself twice: "no shift" is caught

    def table() -> torch.Tensor:
        return torch.randn(4, 4, generator=g, dtype=torch.float64)

    return [
        Probe("one step", (table(), rows, 1, 0.5)),
        Probe("three steps", (table(), rows.clone(), 3, 2.0)),
        Probe("six steps on one short row", (table(), torch.tensor([[2, 0, 1]]), 6, 1.0)),
    ]


def _bigram_nats(table: torch.Tensor, rows: torch.Tensor) -> float:
    return F.cross_entropy(table[rows[:, :-1]].flatten(0, 1), rows[:, 1:].flatten()).item()


def _first_nats(probe: Probe) -> float:
    """The loss before training, with a table that the reader's function cannot have changed."""
    table = next(p.args[0] for p in _train_probes() if p.name == probe.name)
    return _bigram_nats(table, probe.args[1])


def _loss_falls(probe: Probe, got: torch.Tensor, expected: torch.Tensor) -> str | None:
    before, after = _first_nats(probe), _bigram_nats(got, probe.args[1])
    if after > before - 1e-9:
        return f"the loss was {number(before)} nats a word and is {number(after)} after training: not lower"
    return None


def _loss_falls_as_far(probe: Probe, got: torch.Tensor, expected: torch.Tensor) -> str | None:
    rows = probe.args[1]
    mine, right = _bigram_nats(got, rows), _bigram_nats(expected, rows)
    if abs(mine - right) > 1e-5:
        return (
            f"the loss goes from {number(_first_nats(probe))} to {number(mine)} nats a word; "
            f"these steps should lead to {number(right)}"
        )
    return None


def _loop(  # one loop, and the places where people go astray as arguments
    table: torch.Tensor,
    rows: torch.Tensor,
    steps: int,
    lr: float,
    inputs: slice = slice(None, -1),
    targets: slice = slice(1, None),
    loss_of: Callable[..., torch.Tensor] = F.cross_entropy,
    zero: bool = True,
    turn: Callable[[torch.Tensor], torch.Tensor] = lambda table: table,
) -> torch.Tensor:
    table = table.clone().requires_grad_()
    for _ in range(steps):
        loss = loss_of(turn(table)[rows[:, inputs]].flatten(0, 1), rows[:, targets].flatten())
        if zero:
            table.grad = None
        loss.backward()
        assert table.grad is not None
        table.data -= lr * table.grad
    return table.detach()


def _one_long_row(table: torch.Tensor, rows: torch.Tensor, steps: int, lr: float) -> torch.Tensor:
    return train(table, rows.reshape(1, -1), steps, lr)


def _by_adam(
    table: torch.Tensor,
    rows: torch.Tensor,
    steps: int,
    lr: float,
    kind: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
) -> torch.Tensor:
    table = table.clone().requires_grad_()
    optimizer = kind([table], lr=lr)
    for _ in range(steps):
        loss = F.cross_entropy(table[rows[:, :-1]].flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return table.detach()


def _same_slope(table: torch.Tensor, rows: torch.Tensor, steps: int, lr: float) -> torch.Tensor:
    return table + steps * (train(table, rows, 1, lr) - table)


def _step_first(table: torch.Tensor, rows: torch.Tensor, steps: int, lr: float) -> torch.Tensor:
    table = table.clone().requires_grad_()
    optimizer = torch.optim.SGD([table], lr=lr)
    for _ in range(steps):
        loss = F.cross_entropy(table[rows[:, :-1]].flatten(0, 1), rows[:, 1:].flatten())
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()
    return table.detach()


TRAIN = Exercise(
    key="learning.train",
    task=(
        "Write train_table(table, rows, steps, lr) in torch: table (V, V) holds a bigram's logits, rows "
        "(B, T) word ids. Take that many steps of plain gradient descent on the mean cross-entropy of each "
        "next word in the rows; give the trained table and leave the given one as it was."
    ),
    reference=train,
    probes=_train_probes,
    properties=(
        Property("the loss falls", _loss_falls),
        Property("the loss falls as far as these steps lead", _loss_falls_as_far),
    ),
    mistakes=(
        Mistake(
            "gradients not zeroed",
            why="backward() adds to what is there: each step also repeats all the earlier ones.",
            where="Before each backward: optimizer.zero_grad(), or table.grad = None.",
            wrong=lambda table, rows, steps, lr: _loop(table, rows, steps, lr, zero=False),
        ),
        Mistake(
            "no gradient reaches the table",
            why="It comes back as it was: the loss is cut off from it, zeroed too early, or no step made.",
            where="Before backward: .item(), .detach(), torch.tensor()? After: zero_grad() before step()?",
            wrong=lambda table, rows, steps, lr: table.clone(),
        ),
        Mistake(
            "step before backward, or one step too few",
            why="The first step has no gradient, and the last gradient is never used.",
            where="In the loop: loss, zero_grad, backward, step, in this order; range(steps) of them.",
            wrong=(_step_first, lambda table, rows, steps, lr: train(table, rows, steps - 1, lr)),
        ),
        Mistake(
            "each step starts again from the first table",
            why="What a step has changed is not kept, so the end is as after one step.",
            where="The loop must go on with the changed table.",
            wrong=lambda table, rows, steps, lr: train(table, rows, 1, lr),
        ),
        Mistake(
            "the slope of the first table, at every step",
            why="The loss is computed once; each step repeats its slope, though the table has moved on.",
            where="The logits and the loss belong inside the loop.",
            wrong=_same_slope,
        ),
        Mistake(
            "Adam for plain gradient descent",
            why="Adam chooses a step size for each number; here every step is lr times the gradient.",
            where="torch.optim.SGD, or table - lr * table.grad by hand.",
            wrong=(
                _by_adam,
                lambda table, rows, steps, lr: _by_adam(table, rows, steps, lr, torch.optim.AdamW),
            ),
        ),
        Mistake(
            "the sign is turned round",
            why="It climbs: each step makes the words that came rarer.",
            where="table − lr · gradient; with an optimizer, backward() on the loss, not on minus the loss.",
            wrong=lambda table, rows, steps, lr: _loop(table, rows, steps, -lr),
        ),
        Mistake(
            "no shift: each word learns to predict itself",
            why="Its own loss would fall to zero, but the next word is not learned at all.",
            where="Inputs are rows[:, :-1], targets rows[:, 1:].",
            wrong=(
                lambda table, rows, steps, lr: _loop(
                    table, rows, steps, lr, inputs=slice(None), targets=slice(None)
                ),
                lambda table, rows, steps, lr: _loop(
                    table, rows, steps, lr, inputs=slice(None, -1), targets=slice(None, -1)
                ),
            ),
        ),
        Mistake(
            "shifted the wrong way: each word predicts the one before it",
            why="It learns what came before a word, and is asked for what comes after.",
            where="Inputs are rows[:, :-1], targets rows[:, 1:].",
            wrong=lambda table, rows, steps, lr: _loop(
                table, rows, steps, lr, inputs=slice(1, None), targets=slice(None, -1)
            ),
        ),
        Mistake(
            "softmax before a loss that takes logits",
            why="cross_entropy does its own softmax: squeezed twice, even a certain guess costs much.",
            where="Give F.cross_entropy the logits as they are.",
            wrong=lambda table, rows, steps, lr: _loop(
                table, rows, steps, lr, loss_of=lambda logits, y: F.cross_entropy(logits.softmax(-1), y)
            ),
        ),
        Mistake(
            "no softmax before a loss that takes log-probabilities",
            why="nll_loss takes the logit itself for ln p: the word that came rises, no other falls.",
            where="F.cross_entropy, or log_softmax before F.nll_loss.",
            wrong=lambda table, rows, steps, lr: _loop(table, rows, steps, lr, loss_of=F.nll_loss),
        ),
        Mistake(
            "the rows are joined into one",
            why="The last word of a row then learns to predict the first word of the next.",
            where="Shift within each row: rows[:, :-1] and rows[:, 1:], then flatten.",
            wrong=_one_long_row,
        ),
        Mistake(
            "a word looks up its column, not its row",
            why="table[i] holds the logits after word i; the transposed table asks what came before it.",
            where="table[rows[:, :-1]], without .T.",
            wrong=lambda table, rows, steps, lr: _loop(table, rows, steps, lr, turn=torch.t),
        ),
        Mistake(
            "sum for mean",
            why="The step grows with the number of words in the rows.",
            where="reduction='mean', which is the default; by hand, divide by the number of targets.",
            wrong=lambda table, rows, steps, lr: train(table, rows, steps, lr * rows[:, 1:].numel()),
        ),
        Mistake(
            "base 2 for e",
            why="The loss is in bits, and each step 1/ln 2 times as long.",
            where="The natural logarithm: torch.log, not torch.log2.",
            wrong=lambda table, rows, steps, lr: train(table, rows, steps, lr / float(np.log(2))),
        ),
    ),
    hints=(
        "Which word predicts which? Write down inputs and targets for the row [0, 1, 2].",
        "A copy of the table with requires_grad_(), then in a loop: logits, loss, zero_grad, backward, step.",
        "logits = table[rows[:, :-1]]; loss = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())",
    ),
)
