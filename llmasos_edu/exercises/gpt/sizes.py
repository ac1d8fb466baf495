"""Counting what a GPT-2 learns, and how large its first random numbers are."""

from __future__ import annotations

from collections.abc import Callable

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe

__all__ = ["INITIAL_STD", "PARAMETERS", "initial_std", "parameters"]


def parameters(vocab_size: int, context_length: int, d_model: int, n_layers: int) -> int:
    """How many numbers a GPT-2 of this shape learns; its head is the token embedding, counted once."""
    d = d_model
    attention = 4 * d * d + 4 * d  # q, k, v and the way out, each with a bias
    feed_forward = 2 * d * 4 * d + 4 * d + d
    a_block = attention + feed_forward + 2 * 2 * d  # two norms, each a gain and a bias
    return vocab_size * d + context_length * d + n_layers * a_block + 2 * d


def _parameters_probes() -> list[Probe]:
    return [
        Probe("a tiny one", (11, 7, 4, 3)),
        Probe("no block at all", (11, 7, 4, 0)),
        Probe("GPT-2 small", (50257, 1024, 768, 12)),
    ]


def _without(counted: Callable[[int, int], int]) -> Callable[[int, int, int, int], int]:
    """The right count less what `counted(d_model, n_layers)` gives."""
    return lambda v, c, d, layers: parameters(v, c, d, layers) - counted(d, layers)


PARAMETERS = Exercise(
    key="gpt.parameters",
    task=(
        "Write parameters(vocab_size, context_length, d_model, n_layers): how many numbers a GPT-2 of this "
        "shape learns. Linear layers have biases, norms a gain and a bias, d_ff is 4 · d_model, the head is "
        "the token embedding."
    ),
    reference=parameters,
    probes=_parameters_probes,
    mistakes=(
        Mistake(
            "the tied head counted a second time",
            why="The head is the embedding itself: the same numbers, learned once.",
            where="How often does vocab_size · d_model stand in your sum?",
            wrong=lambda v, c, d, layers: parameters(v, c, d, layers) + v * d,
        ),
        Mistake(
            "positions forgotten",
            why="GPT-2 learns a row for each place.",
            where="context_length · d_model.",
            wrong=lambda v, c, d, layers: parameters(v, c, d, layers) - c * d,
        ),
        Mistake(
            "all biases of the linear layers forgotten",
            why="Each linear layer adds a learned number to each of its outputs.",
            where="3 · D and D in attention, 4 · D and D in the feed-forward part.",
            wrong=_without(lambda d, layers: layers * 9 * d),
        ),
        Mistake(
            "the blocks' norms forgotten",
            why="Each block has two norms, each with a gain and a bias.",
            where="4 · D more a block.",
            wrong=_without(lambda d, layers: layers * 4 * d),
        ),
        Mistake(
            "the last norm forgotten",
            why="One more norm stands between the last block and the head.",
            where="2 · D, once.",
            wrong=_without(lambda d, layers: 2 * d),
        ),
        Mistake(
            "norms counted without their biases",
            why="A layer norm has a gain and a bias, D numbers each.",
            where="2 · D a norm.",
            wrong=_without(lambda d, layers: (2 * layers + 1) * d),
        ),
        Mistake(
            "attention's way out forgotten",
            why="The joined heads go through one more matrix before they are added.",
            where="D · D and D more a block.",
            wrong=_without(lambda d, layers: layers * (d * d + d)),
        ),
        Mistake(
            "queries, keys and values counted as one matrix",
            why="Three matrices of D · D, whatever the number of heads.",
            where="3 · (D · D + D) a block.",
            wrong=_without(lambda d, layers: layers * 2 * (d * d + d)),
        ),
        Mistake(
            "the feed-forward part counted one way",
            why="It widens to 4 · D and comes back.",
            where="Two matrices, D · 4D and 4D · D.",
            wrong=_without(lambda d, layers: layers * (4 * d * d + d)),
        ),
    ),
    hints=(
        "List what learns: two tables, then in each block two norms and two parts, then one thing more.",
        "A linear layer from a to b has a · b + b numbers. Which linear layers does a block have?",
        "V·D + C·D + L·(4D² + 4D + 8D² + 5D + 4D) + 2D.",
    ),
)


def initial_std(kind: str, n_layers: int) -> float:
    """GPT-2's standard deviation of the first random numbers; 0 means that they all start at 0."""
    if kind == "bias":
        return 0.0
    if kind == "residual":  # the two matrices a block whose result is added to the stream
        return 0.02 / (2 * n_layers) ** 0.5
    return 0.02


def _std_probes() -> list[Probe]:
    kinds = ("weight", "embedding", "residual", "bias")
    return [Probe(f"{kind}, {n} layers", (kind, n)) for n in (12, 48) for kind in kinds]


def _residual(scale: Callable[[int], float]) -> Callable[[str, int], float]:
    return lambda kind, n: 0.02 * scale(n) if kind == "residual" else initial_std(kind, n)


INITIAL_STD = Exercise(
    key="gpt.initial_std",
    task=(
        'Write initial_std(kind, n_layers): kind is "weight", "embedding", "bias", or "residual" for the '
        "matrices whose result is added to the stream, two a block. Give GPT-2's standard deviation of each."
    ),
    reference=initial_std,
    probes=_std_probes,
    mistakes=(
        Mistake(
            "residual matrices start like all others",
            why="2 · L additions of one size make the stream √(2L) times as large.",
            where='The case "residual".',
            wrong=_residual(lambda n: 1.0),
        ),
        Mistake(
            "one addition a block instead of two",
            why="Attention adds, and the feed-forward part adds: 2 · L additions in L blocks.",
            where="√(2 · n_layers).",
            wrong=_residual(lambda n: n**-0.5),
        ),
        Mistake(
            "divided by 2 · L instead of its root",
            why="Variances add up, not deviations: the root of the number of additions is enough.",
            where="√(2 · n_layers).",
            wrong=_residual(lambda n: 1 / (2 * n)),
        ),
        Mistake(
            "multiplied by √(2L)",
            why="Each addition must be smaller the more there are.",
            where="Divide.",
            wrong=_residual(lambda n: (2 * n) ** 0.5),
        ),
        Mistake(
            "variances for deviations",
            why="0.02 is the deviation; its square is the variance.",
            where="No square in what is returned.",
            wrong=lambda kind, n: initial_std(kind, n) ** 2,
        ),
        Mistake(
            "biases drawn like weights",
            why="Biases start at 0.",
            where='The case "bias".',
            wrong=lambda kind, n: 0.02 if kind == "bias" else initial_std(kind, n),
        ),
    ),
    hints=(
        "Three of the four do not depend on n_layers. Which one does, and why?",
        "A sum of N equal independent numbers has N times their variance. How many additions are there?",
        "0.02 / (2 · n_layers) ** 0.5 for the residual matrices, 0.02 for the other random ones.",
    ),
)
