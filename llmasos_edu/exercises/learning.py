"""The bank of lesson 03: the gradient by hand, and the training loop.

Mistakes of the loss (no shift, softmax before a loss that takes logits, padding counted, sum for mean, base
2) and of learning (sign, gradients not zeroed, step before backward, loss detached). A log-softmax taken
twice is none: it changes nothing, and the check lets it pass.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.probability import log_softmax, softmax
from llmasos_edu.rounding import number

__all__ = ["EXERCISES", "gradient", "train"]

PADDING = -100  # a target that counts for nothing


def gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The slope of the mean cross-entropy for every logit: p − one-hot, over the number of targets."""
    counts = targets != PADDING
    slope = softmax(logits)  # (N, V), a fresh array
    slope[np.flatnonzero(counts), targets[counts]] -= 1
    slope[~counts] = 0
    return slope / counts.sum()


def _gradient_probes() -> list[Probe]:
    # No row is symmetric, no two classes alike, more words than places: each axis and each sign shows itself.
    logits = np.array([[2.0, 0.5, -1.0, 0.0], [0.3, 0.1, 1.2, -2.0], [-0.7, 1.5, 0.2, 0.4]])
    return [
        Probe("three places, four words", (logits, np.array([1, 2, 1]))),
        Probe("the middle place is padding", (logits.copy(), np.array([0, PADDING, 3]))),
        Probe("logits near 1,000", (logits[:2] + 1000.0, np.array([3, 0])), edge=True),
    ]


def _mean_nats(logits: np.ndarray, targets: np.ndarray) -> float:
    counts = targets != PADDING
    return float(-log_softmax(logits)[np.flatnonzero(counts), targets[counts]].mean())


def _padding_has_no_slope(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    padded = np.flatnonzero(probe.args[1] == PADDING)
    if np.abs(got[padded]).sum() > 1e-9:
        return (
            f"place {padded[0]} is padding, yet its slopes add up to {number(np.abs(got[padded[0]]).sum())}"
        )
    return None


def _rows_sum_to_zero(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    sums = got.sum(axis=-1)
    row = int(np.abs(sums).argmax())
    if not np.isfinite(got).all():
        return f"there are values that are no numbers: {got[~np.isfinite(got)][0]}"
    if np.abs(sums[row]) > 1e-5:
        return (
            f"row {row} sums to {number(sums[row])}, and must sum to 0: p sums to 1, and so does the one-hot"
        )
    return None


def _right_word_goes_up(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    place, word = 0, int(probe.args[1][0])
    if got[place, word] > 0:
        return (
            f"word {word} came at place {place}, and its slope is {number(got[place, word])}: "
            "a step against that slope makes it rarer"
        )
    return None


def _agrees_with_nudging(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    logits, targets = probe.args
    place, word, h = 0, int(targets[0]), 1e-3
    up, down = logits.copy(), logits.copy()
    up[place, word] += h
    down[place, word] -= h
    rise = (_mean_nats(up, targets) - _mean_nats(down, targets)) / (2 * h)
    if abs(got[place, word] - rise) > 1e-5:
        return (
            f"nudging logits[{place}, {word}] makes the loss change {number(rise)} times as much, "
            f"but your slope there is {number(got[place, word])}"
        )
    return None


def _one_hot(targets: np.ndarray, size: int) -> np.ndarray:
    return (targets[:, None] == np.arange(size)).astype(float)


def _counted(targets: np.ndarray) -> np.ndarray:
    return targets != PADDING


def _log_p_for_p(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return (
        (log_softmax(logits) - _one_hot(targets, logits.shape[1]))
        * _counted(targets)[:, None]
        / sum(_counted(targets))
    )


def _over_places(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    p = softmax(logits, axis=0)
    return (p - _one_hot(targets, p.shape[1])) * _counted(targets)[:, None] / _counted(targets).sum()


def _padding_pulled(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return (softmax(logits) - _one_hot(targets, logits.shape[1])) / _counted(targets).sum()


def _overflow(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    e = np.exp(logits)
    p = e / e.sum(axis=-1, keepdims=True)
    return (p - _one_hot(targets, p.shape[1])) * _counted(targets)[:, None] / _counted(targets).sum()


GRADIENT = Exercise(
    key="learning.gradient",
    task=(
        "Write gradient(logits, targets) in NumPy: logits (N, V), targets (N,) word ids, −100 where a place "
        "is padding. Give the slope of the mean cross-entropy (in nats) for each logit, shape (N, V)."
    ),
    reference=gradient,
    probes=_gradient_probes,
    properties=(
        Property("a padded place has no slope", _padding_has_no_slope),
        Property("every row sums to zero", _rows_sum_to_zero),
        Property("a step downhill makes the right word likelier", _right_word_goes_up),
        Property("the slope is what a nudge measures", _agrees_with_nudging),
    ),
    mistakes=(
        Mistake(
            "the sign is turned round",
            why="This slope points downhill; the loop subtracts it, and so walks uphill.",
            where="p − one-hot, not one-hot − p.",
            wrong=lambda logits, targets: -gradient(logits, targets),
        ),
        Mistake(
            "sum for mean",
            why="The loss is a mean over places, so each place has only its share in it.",
            where="The last line: what divides by the number of places that count?",
            wrong=lambda logits, targets: gradient(logits, targets) * _counted(targets).sum(),
        ),
        Mistake(
            "padding counted in the mean",
            why="Dividing by all places makes steps smaller the more padding a batch happens to have.",
            where="The number you divide by: only targets other than −100 count.",
            wrong=lambda logits, targets: gradient(logits, targets) * _counted(targets).mean(),
        ),
        Mistake(
            "padding still pulls",
            why="Where no word is wanted every word is pushed down, for nothing.",
            where="Set the rows where the target is −100 to zero.",
            wrong=_padding_pulled,
        ),
        Mistake(
            "log p for p",
            why="The slope needs the probability itself; its logarithm belongs to the loss.",
            where="softmax, not log-softmax, before the one-hot is taken away.",
            wrong=_log_p_for_p,
        ),
        Mistake(
            "softmax over the places",
            why="Each place has a distribution over the words; here the places share one for each word.",
            where="The axis of the softmax: the last one, the words.",
            wrong=_over_places,
        ),
        Mistake(
            "the one-hot is forgotten",
            why="p alone pushes every word down and never hears which word came.",
            where="Subtract 1 at the target of each row.",
            wrong=lambda logits, targets: (
                softmax(logits) * _counted(targets)[:, None] / _counted(targets).sum()
            ),
        ),
        Mistake(
            "only the right word has a slope",
            why="The other words get no push down; but probability must come from somewhere.",
            where="Keep p in all the other columns: they hold p − 0.",
            wrong=lambda logits, targets: gradient(logits, targets) * _one_hot(targets, logits.shape[1]),
        ),
        Mistake(
            "the slope for the probabilities, not for the logits",
            why="−1/p is how the loss moves with p. The softmax stands between p and the logits.",
            where="The chain rule has one more link: how p moves with each logit.",
            wrong=lambda logits, targets: (
                -_one_hot(targets, logits.shape[1]) / softmax(logits) / _counted(targets).sum()
            ),
        ),
        Mistake(
            "exp of a large logit overflows",
            why="e to the 1,000 is more than a float holds: inf / inf is no number.",
            where="Subtract each row's largest logit first; the softmax stays the same.",
            wrong=_overflow,
        ),
    ),
    hints=(
        "For one place: which probability does each word have now, and which should the word that came have?",
        "p = softmax of each row; take 1 away at the target; padding rows become 0; then think of the mean.",
        "slope[rows_that_count, targets[rows_that_count]] -= 1, and at the end / number_that_count",
    ),
)


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
    soft: bool = False,
    zero: bool = True,
) -> torch.Tensor:
    table = table.clone().requires_grad_()
    for _ in range(steps):
        logits = table[rows[:, inputs]].flatten(0, 1)
        loss = F.cross_entropy(logits.softmax(-1) if soft else logits, rows[:, targets].flatten())
        if zero:
            table.grad = None
        loss.backward()
        assert table.grad is not None
        table.data -= lr * table.grad
    return table.detach()


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
        "Write train(table, rows, steps, lr) in torch: table (V, V) holds a bigram's logits, rows (B, T) "
        "word ids. Take `steps` steps of plain gradient descent on the mean cross-entropy of each next word "
        "in the rows; give the trained table and leave the given one as it was."
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
            "step before backward",
            why="The first step has no gradient, and the last gradient is never used.",
            where="In the loop: loss, zero_grad, backward, step, in this order.",
            wrong=(_step_first, lambda table, rows, steps, lr: train(table, rows, steps - 1, lr)),
        ),
        Mistake(
            "each step starts again from the first table",
            why="What a step has changed is not kept, so the end is as after one step.",
            where="The loop must go on with the changed table.",
            wrong=lambda table, rows, steps, lr: train(table, rows, 1, lr),
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
            wrong=lambda table, rows, steps, lr: _loop(
                table, rows, steps, lr, inputs=slice(None), targets=slice(None)
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
            wrong=lambda table, rows, steps, lr: _loop(table, rows, steps, lr, soft=True),
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

EXERCISES = [GRADIENT, TRAIN]
