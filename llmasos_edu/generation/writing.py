"""Writing text: prompts in, new tokens out, with everything around the loop.

Teaches what stands between a loop and something that speaks: stop tokens and strings, randomness that can be
repeated, text in whole characters, and a choice of what to do when the context is full. The loop itself is in
`loops`, the strategies in `strategies`. Leaves out: taking finished rows out of a batch. Explained in lesson
07.

Randomness: each row draws from a generator of its own, so that a row's text does not depend on which other
    rows
stand beside it, nor on when they stop (up to the rounding of the model's arithmetic, which differs between
batch sizes and may turn a near tie).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from llmasos_edu.generation.asking import check_request
from llmasos_edu.generation.decoding import Decoding
from llmasos_edu.generation.loops import LanguageModel, cached_steps, evaluating, pad_left, plain_steps
from llmasos_edu.generation.spelling import Spelling
from llmasos_edu.generation.strategies import draw, shaped
from llmasos_edu.tokenizer import Tokenizer

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["Generated", "generate", "speak", "stream"]

Generators = torch.Generator | Sequence[torch.Generator] | None


@dataclass(frozen=True)
class Generated:
    """What was written after one prompt.

    Attributes:
        ids: The new tokens; a stop token is the last of them.
        text: The same decoded, without the stop token and up to the stop string; "" where no tokenizer was
            given.
        stopped_by: "token", "string" or "length".
        log_probs: log P of each new token in nats, under the model itself (before any strategy); empty unless
            asked for.
    """

    ids: list[int]
    text: str
    stopped_by: str
    log_probs: list[float]


def generate(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    decoding: Decoding = Decoding(),  # noqa: B008 (frozen)
    generator: Generators = None,
    stop_tokens: Sequence[int] = (),
    stop_strings: Sequence[str] = (),
    tokenizer: Tokenizer | None = None,
    use_cache: bool = True,
    overflow: str = "refuse",
    log_probs: bool = False,
) -> list[Generated]:
    """Write after each prompt.

    Args:
        model: `GPT`, `Llama`, or whatever has their interface. It writes in evaluation mode and is given back
            in the mode that it had.
        prompts: A list of token lists, none empty; they may differ in length.
        max_new_tokens: At most so many new tokens a row, at least 1.
        decoding: The strategies; by default the model's own distribution.
        generator: Where the randomness comes from; greedy needs none. With one generator, row i draws from a
            generator of its own, seeded by the i-th number that it gives. With a list, row i draws from the
            i-th: then its text is what it would be alone.
        stop_tokens: Ids that end a row.
        stop_strings: Texts that end a row, even where they begin in one token and end in another; needs
            `tokenizer`.
        tokenizer: For `stop_strings` and `Generated.text`.
        use_cache: Keep keys and values; the tokens are the same, the time is not.
        overflow: What to do if prompt and new tokens do not fit into the model's context: "refuse" them
            beforehand, or "slide": the model sees the last `context_length` tokens, counted from position 0,
            and past that point every token costs a whole pass (kept keys would stand for other positions).
        log_probs: Whether to return the log-probability of each new token.

    Returns:
        One result a prompt, in order.

    Raises:
        ValueError: If an argument is out of range, a prompt is empty or holds an id that the model does not
            have, the vocabularies of model and tokenizer differ, or the text does not fit and `overflow` is
            "refuse".
    """
    writing = _Writing(
        model, prompts, max_new_tokens, decoding, generator, stop_tokens, stop_strings, tokenizer,
        use_cache, overflow, log_probs,
    )  # fmt: skip
    for _ in writing.steps():
        pass
    return writing.results()


def stream(
    model: LanguageModel, tokenizer: Tokenizer, prompt: str, *, max_new_tokens: int, **settings: Any
) -> Iterator[str]:
    """Write after a text, piece by piece, as it comes.

    Args:
        model: As for `generate`.
        tokenizer: The model's tokenizer.
        prompt: The text to go on from; special tokens in it count as such.
        max_new_tokens: At most so many new tokens.
        **settings: As for `generate`, `log_probs` aside.

    Returns:
        Pieces of the new text, none empty, in whole characters, held back where a stop string may have begun.
        Joined they are `Generated.text`. While they are not read to the end, the model stays in evaluation
        mode.

    Raises:
        ValueError: As `generate`, at once and not with the first piece.
    """
    ids = tokenizer.encode(prompt, special="allow")
    writing = _Writing(model, [ids], max_new_tokens, tokenizer=tokenizer, **settings)
    return (piece for (piece,) in writing.steps() if piece)


def speak(
    model: LanguageModel, tokenizer: Tokenizer, prompt: str, *, max_new_tokens: int, **settings: Any
) -> str:
    """What the model writes after a text: `stream`, joined.

    Args:
        model: As for `generate`.
        tokenizer: The model's tokenizer.
        prompt: The text to go on from; special tokens in it count as such.
        max_new_tokens: At most so many new tokens.
        **settings: As for `generate`, `log_probs` aside.

    Returns:
        The new text, without the prompt.

    Raises:
        ValueError: As `generate`.
    """
    return "".join(stream(model, tokenizer, prompt, max_new_tokens=max_new_tokens, **settings))


class _Writing:
    """One request, checked when built: `steps` writes, `results` tells what was written."""

    def __init__(
        self,
        model: LanguageModel,
        prompts: Sequence[Sequence[int]],
        max_new_tokens: int,
        decoding: Decoding = Decoding(),  # noqa: B008 (frozen)
        generator: Generators = None,
        stop_tokens: Sequence[int] = (),
        stop_strings: Sequence[str] = (),
        tokenizer: Tokenizer | None = None,
        use_cache: bool = True,
        overflow: str = "refuse",
        log_probs: bool = False,
    ):
        check_request(model.config, prompts, max_new_tokens, stop_tokens, stop_strings, tokenizer, overflow)
        device = next(model.parameters()).device
        numbers = None if decoding.greedy else _numbers(generator, len(prompts), max_new_tokens)
        if numbers is not None and device.type != "mps":  # which knows no float64: there the CPU draws
            numbers = numbers.to(device)
        n_tokens = tokenizer.vocab_size if tokenizer else model.config.vocab_size
        ids, padding = pad_left(prompts, device)
        loop = cached_steps if use_cache else plain_steps
        self._model, self._keep = model, log_probs
        self._choose = _Choose(decoding, numbers, n_tokens, log_probs)
        self._steps = functools.partial(loop, model, ids, self._choose, max_new_tokens, padding)
        self._rows = [_Row(tokenizer, stop_tokens, stop_strings) for _ in prompts]

    def steps(self) -> Iterator[list[str]]:
        """Write; yield the text that each row gives out with each step, and once more what was held back."""
        with evaluating(self._model):
            for new in self._steps():
                yield [row.add(id) for row, id in zip(self._rows, new.tolist(), strict=True)]
                if all(row.stopped_by for row in self._rows):
                    break
            yield [row.end() for row in self._rows]

    def results(self) -> list[Generated]:
        """What was written, row by row."""
        kept = torch.stack(self._choose.log_probs, dim=1).tolist() if self._keep else [[]] * len(self._rows)
        return [
            Generated(row.ids, "".join(row.pieces), row.stopped_by or "length", of_row[: len(row.ids)])
            for row, of_row in zip(self._rows, kept, strict=True)
        ]


class _Choose:
    """Chooses the next token of each row; call by call it walks through the columns of `numbers`."""

    def __init__(self, decoding: Decoding, numbers: torch.Tensor | None, n_tokens: int, keep: bool):
        self._decoding, self._n_tokens, self._keep = decoding, n_tokens, keep
        self._numbers = None if numbers is None else iter(numbers.T.contiguous())
        self.log_probs: list[torch.Tensor] = []

    def __call__(
        self, logits: Float[torch.Tensor, "B V"], ids: Int[torch.Tensor, "B T"]
    ) -> Int[torch.Tensor, " B"]:
        known = logits[:, : self._n_tokens]  # rows that pad a vocabulary have no text: never chosen
        after = shaped(known, ids, self._decoding)
        if not after.amax(dim=-1).isfinite().all():
            raise ValueError(
                "the model gave no finite logit for the next token (NaN or inf): did training diverge?"
            )
        if self._numbers is None:
            new = after.argmax(dim=-1)
        else:
            numbers = next(self._numbers)
            new = draw(after.to(numbers.device), numbers).to(after.device)
        if self._keep:
            self.log_probs.append(logits.log_softmax(dim=-1).gather(1, new[:, None]).squeeze(1))
        return new


class _Row:
    """One text that is being written."""

    def __init__(self, tokenizer: Tokenizer | None, stop_tokens: Sequence[int], stop_strings: Sequence[str]):
        self._spelling = Spelling(tokenizer, stop_strings) if tokenizer else None
        self._stop_tokens = frozenset(stop_tokens)
        self.ids: list[int] = []
        self.pieces: list[str] = []
        self.stopped_by = ""

    def add(self, id: int) -> str:
        """Take the next token, unless the row has ended; the text that it gives out."""
        if self.stopped_by:
            return ""
        self.ids.append(id)
        if id in self._stop_tokens:
            self.stopped_by = "token"
        elif self._spelling:
            self.pieces.append(self._spelling.add(id))
            self.stopped_by = "string" if self._spelling.stopped else ""
            return self.pieces[-1]
        return ""

    def end(self) -> str:
        """What was held back."""
        self.pieces.append(self._spelling.end() if self._spelling else "")
        return self.pieces[-1]


def _numbers(generator: Generators, n_rows: int, n: int) -> Float[torch.Tensor, "{n_rows} {n}"]:
    """A number in [0, 1) for each row and step, each row from its own generator."""
    if generator is None:
        raise ValueError(
            "drawing needs a generator: pass generator=torch.Generator().manual_seed(0), or "
            "decoding=Decoding(greedy=True), which draws nothing"
        )
    if isinstance(generator, torch.Generator):
        seeds = [
            int(torch.randint(2**62, (), generator=generator, device=generator.device)) for _ in range(n_rows)
        ]
        generators: Sequence[torch.Generator] = [torch.Generator().manual_seed(seed) for seed in seeds]
    else:
        generators = generator
    if len(generators) != n_rows:
        raise ValueError(f"there must be one generator, or one a prompt: {n_rows}; got {len(generators)}")
    return torch.stack(
        [torch.rand(n, generator=g, dtype=torch.float64, device=g.device).cpu() for g in generators]
    )
