"""The logit lens over many stories: after how many layers the right word is how likely.

The probes' streams are long and of unlike length, so that a missing norm shows; no two stories have the same
answer, so that a wrong one is another number.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.probability import log_softmax, softmax
from llmasos_edu.rounding import number

__all__ = ["LENS", "lens"]


def lens(streams: np.ndarray, E: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Mean probability of each story's answer, were its stream read after each layer."""
    size = np.sqrt((streams**2).mean(axis=-1, keepdims=True))  # RMSNorm without a gain
    p = softmax(streams / size @ E.T)  # (L + 1, B, V)
    return p[:, np.arange(len(answers)), answers].mean(axis=1)  # (L + 1,)


def _lens_probes() -> list[Probe]:
    rng = np.random.default_rng(5)

    def drawn(
        layers: int, stories: int, vocabulary: int, D: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lengths = np.exp(rng.uniform(-1, 2, size=(layers, stories, 1)))
        streams = lengths * (rng.standard_normal((layers, stories, D)) + 0.6)  # no mean of 0
        return streams, rng.standard_normal((vocabulary, D)), rng.permutation(vocabulary)[:stories]

    return [
        Probe("four heights, three stories, seven words", drawn(4, 3, 7, 5)),
        Probe("five heights, five stories, five words", drawn(5, 5, 5, 5)),
        Probe("one story alone", drawn(3, 1, 6, 4)),
    ]


def _is_a_probability(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    if got.min() < 0 or got.max() > 1:
        odd = got.min() if got.min() < 0 else got.max()
        return f"a probability lies between 0 and 1; one is {number(float(odd))}"
    return None


def _longer_stream_same_words(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    layer = int(np.abs(got - expected).argmax())
    if abs(got[layer] - expected[layer]) > 1e-5:
        had, should = number(float(got[layer])), number(float(expected[layer]))
        return f"after {layer} layers the answers have {had} on average, and should have {should}"
    return None


def _reading(
    norm: Callable[[np.ndarray], np.ndarray] = lambda x: x / np.sqrt((x**2).mean(axis=-1, keepdims=True)),
    to_p: Callable[[np.ndarray], np.ndarray] = softmax,
    mean: Callable[[np.ndarray], np.ndarray] = lambda p: p.mean(axis=1),
) -> Callable[..., np.ndarray]:
    """The lens with one step exchanged: the norm, what makes p of the logits, what averages it."""

    def wrong(streams: np.ndarray, E: np.ndarray, answers: np.ndarray) -> np.ndarray:
        p = to_p(norm(streams) @ E.T)
        return mean(p[:, np.arange(len(answers)), answers])

    return wrong


def _softmax_of_the_mean(streams: np.ndarray, E: np.ndarray, answers: np.ndarray) -> np.ndarray:
    size = np.sqrt((streams**2).mean(axis=-1, keepdims=True))
    p = softmax((streams / size @ E.T).mean(axis=1))  # (L + 1, V)
    return p[:, answers].mean(axis=1)


def _every_pair(streams: np.ndarray, E: np.ndarray, answers: np.ndarray) -> np.ndarray:
    size = np.sqrt((streams**2).mean(axis=-1, keepdims=True))
    return softmax(streams / size @ E.T)[:, :, answers].mean(axis=(1, 2))


def _one_answer(streams: np.ndarray, E: np.ndarray, answers: np.ndarray) -> np.ndarray:
    return lens(streams, E, np.full_like(answers, answers[0]))


def _normed_as_a_vector(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def _layer_norm(x: np.ndarray) -> np.ndarray:
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True))


LENS = Exercise(
    key="inside.lens",
    task=(
        "Write lens(streams, E, answers): streams (L + 1, B, D), each story's last place before and after "
        "each layer; E (V, D); answers (B,), token ids. Bring each stream to root mean square 1, compare it "
        "with E (a gain is in it), softmax; give (L + 1,): the mean over stories of the answer's probability."
    ),
    reference=lens,
    probes=_lens_probes,
    properties=(
        Property("a probability lies between 0 and 1", _is_a_probability),
        Property("the right share after each layer", _longer_stream_same_words),
    ),
    mistakes=(
        Mistake(
            "the norm is left out",
            why="Streams grow from layer to layer, logits with them: late layers look surer than they are.",
            where="Before the product with E.",
            wrong=_reading(norm=lambda x: x),
        ),
        Mistake(
            "length 1 in place of root mean square 1",
            why="Logits are then smaller by √D, and every list flatter.",
            where="The norm: a mean of squares, not their sum.",
            wrong=_reading(norm=_normed_as_a_vector),
        ),
        Mistake(
            "the root of the mean square is not taken",
            why="Dividing by the mean square makes long streams short.",
            where="The norm: np.sqrt of the mean.",
            wrong=_reading(norm=lambda x: x / (x**2).mean(axis=-1, keepdims=True)),
        ),
        Mistake(
            "LayerNorm in place of RMSNorm",
            why="Llama's relatives do not take the mean off (lesson 06).",
            where="The norm: divide, and subtract nothing.",
            wrong=_reading(norm=_layer_norm),
        ),
        Mistake(
            "the norm over stories",
            why="A story's list then depends on the other stories.",
            where="The norm's axis: the D numbers of one place.",
            wrong=_reading(norm=lambda x: x / np.sqrt((x**2).mean(axis=1, keepdims=True))),
        ),
        Mistake(
            "softmax of the mean in place of the mean of softmax",
            why="Averaged logits belong to no story; softmax bends, so the two differ.",
            where="Average last, when each story has its probability.",
            wrong=_softmax_of_the_mean,
        ),
        Mistake(
            "the sum over stories, not the mean",
            why="It grows with the number of stories.",
            where="The last line.",
            wrong=_reading(mean=lambda p: p.sum(axis=1)),
        ),
        Mistake(
            "the mean of logarithms",
            why="exp of the mean log p is the geometric mean: one story with a small p pulls it down.",
            where="Average p, not log p.",
            wrong=(
                _reading(to_p=log_softmax, mean=lambda p: np.exp(p.mean(axis=1))),
                _reading(to_p=log_softmax, mean=lambda p: -p.mean(axis=1)),
            ),
        ),
        Mistake(
            "logits, not probabilities",
            why="A logit says nothing without the others of its list.",
            where="Is there a softmax?",
            wrong=_reading(to_p=lambda z: z),
        ),
        Mistake(
            "softmax along the wrong axis",
            why="It must be the words that share one, not the stories or the layers.",
            where="softmax's axis: V, the last.",
            wrong=(_reading(to_p=lambda z: softmax(z, axis=0)), _reading(to_p=lambda z: softmax(z, axis=1))),
        ),
        Mistake(
            "every answer in every story",
            why="p[:, :, answers] pairs each story with all answers, its own and the others'.",
            where="p[:, np.arange(B), answers] takes each story's own.",
            wrong=_every_pair,
        ),
        Mistake(
            "one answer for all stories",
            why="The first story's thing is no answer to the second.",
            where="answers has one id a story.",
            wrong=_one_answer,
        ),
    ),
    hints=(
        "For each layer and story: norm, compare with E, softmax. Which axis is averaged in the end?",
        "p is (L + 1, B, V); each story has one answer: p[:, np.arange(B), answers] is (L + 1, B).",
        "x / np.sqrt((x**2).mean(-1, keepdims=True)) @ E.T, softmax over the last axis; pick; mean(axis=1).",
    ),
)
