"""A model and its tokenizer as one function: a text and heads to switch off in, a `Reading` out.

Teaches: everything that the Attention Explorer shows of a model comes from one pass; a head's label comes
from another, on random tokens that come twice, so that no sentence can flatter it.
Leaves out: drawing (`widgets`). Explained in lesson 08.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from llmasos_edu.explore.caught import Caught, Layers
from llmasos_edu.explore.decoders import DecoderPasses
from llmasos_edu.explore.hugging_face import HuggingFacePasses, is_from_transformers
from llmasos_edu.explore.words import HuggingFaceWords, OurWords
from llmasos_edu.probing import ROLES, repeated_ids, role_scores
from llmasos_edu.tokenizer import Tokenizer
from llmasos_edu.torch_attention import Decoder
from llmasos_edu.widgets.attention_data import LONGEST, Reading

if TYPE_CHECKING:
    from jaxtyping import Float

    Roles = dict[str, Float[np.ndarray, "L H"]]

__all__ = ["Source"]

TOP = 8  # next tokens shown for each position
SPARE = 10  # a vocabulary may be padded by a tenth (Phi-2: 905 of 51,200)
PROBE = (32, 4)  # tokens in a copy, rows: SmolLM2 reads them in about a second
SEED = 0
_roles: weakref.WeakKeyDictionary[Any, tuple[int, Roles]] = weakref.WeakKeyDictionary()


class Source:
    """What stands behind an Explorer: answers a text with what the model did.

    Args:
        model: A `GPT` or `Llama` of this package, or a causal language model of transformers.
        tokenizer: The one that it was trained with; ours or of transformers.

    Raises:
        TypeError: If one is neither.
        ValueError: If the tokenizer has another vocabulary, or the model has two texts (encoder–decoder).
    """

    def __init__(self, model: Any, tokenizer: Any):
        self._model = model
        self._passes = _passes(model)
        self._words = _words(tokenizer)
        self._text, self._ids = "", list[int]()
        spare = self._passes.vocab_size - self._words.size
        if not 0 <= spare <= max(64, self._passes.vocab_size // SPARE):
            raise ValueError(
                "the tokenizer must be the one that the model was trained with; it has "
                f"{self._words.size:,} tokens, the model {self._passes.vocab_size:,}"
            )

    def __call__(self, text: str | None, off: frozenset[tuple[int, int]] = frozenset()) -> Reading:
        """What the model does with a text.

        Args:
            text: A new one, or None for the one before.
            off: Heads (layer, head) that add nothing to the stream.

        Returns:
            Tokens, layers, and the likeliest next tokens.

        Raises:
            ValueError: If the text is empty or too long, or there is no such head.
            TypeError: If the text is no text.
        """
        ids = self._ids if text is None else self._read(text)
        if not ids:
            raise ValueError("there is no text yet; give one")
        caught = self._passes(torch.tensor([ids]), frozenset(off))
        if text is not None:
            self._text, self._ids = text, ids
        words, caught.logits = self._next_words(caught), None  # (T, V) numbers that nobody needs any more
        return Reading(
            tokens=[self._words.shown(id) for id in ids],
            layers=Layers(caught),
            next_words=words,
            causal=caught.causal,
            scale=caught.scale,
            text=self._text,
        )

    def roles(self) -> Roles | None:
        """What each head does, measured on random tokens that come twice (`llmasos_edu.probing`).

        Returns:
            role → score (L, H); None where the vocabulary or the context is too small for it, or heads of a
            layer may look ahead. Kept for as long as the model lives and its weights stay.
        """
        weights = self._model.parameters()  # a version counts what was written into a tensor
        now = hash(tuple((p.data_ptr(), 0 if p.is_inference() else p._version) for p in weights))
        if self._model not in _roles or _roles[self._model][0] != now:
            found = self._measured_roles()
            if found is None:
                return None
            _roles[self._model] = (now, found)
        return _roles[self._model][1]

    def _measured_roles(self) -> Roles | None:
        (n, batch), start = PROBE, self._words.start
        usual = torch.tensor(self._words.usual())
        n = min(n, len(usual), ((self._passes.context_length or LONGEST) - (start is not None)) // 2)
        if n < 3:
            return None
        generator = torch.Generator().manual_seed(SEED)
        ids = repeated_ids(usual, n, batch=batch, generator=generator, first=start)
        caught = self._passes(ids, frozenset())
        heads = {caught.heads(i) for i in range(len(caught.layers))}
        if not caught.causal or len(heads) > 1:
            return None
        each = [role_scores(caught.weights(i)[None], n, start is not None) for i in range(len(caught.layers))]
        return {role: np.concatenate([scores[role] for scores in each]) for role in ROLES}

    def _read(self, text: str) -> list[int]:
        if not isinstance(text, str):
            raise TypeError(f"text must be a str; got {type(text).__name__}")
        if not text:
            raise ValueError("the text is empty; give at least one word")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as e:
            raise ValueError(f"text must be Unicode characters; got {text[e.start]!r}, half of one") from None
        ids = self._words.ids(text)
        context = self._passes.context_length
        longest = LONGEST if context is None else min(context, LONGEST)
        if len(ids) > longest:
            why = "the Explorer shows" if longest == LONGEST else "the model reads"
            raise ValueError(
                f"{why} at most {longest:,} tokens; this text has {len(ids):,}. Give a part of it"
            )
        return ids

    def _next_words(self, caught: Caught) -> list[list[tuple[str, float]]]:
        if caught.logits is None or not caught.causal:
            return []
        logits = caught.logits[0].float()  # (T, V)
        best = logits[:, : self._words.size].topk(min(TOP, self._words.size))
        shares = (best.values - logits.logsumexp(dim=-1, keepdim=True)).exp()
        return [
            [(self._words.shown(id), p) for id, p in zip(*row, strict=True)]
            for row in zip(best.indices.tolist(), shares.tolist(), strict=True)
        ]


def _passes(model: Any) -> DecoderPasses | HuggingFacePasses:
    if isinstance(model, Decoder):
        return DecoderPasses(model)
    if is_from_transformers(model, "PreTrainedModel"):
        return HuggingFacePasses(model)
    raise TypeError(
        "model must be a GPT or Llama of llmasos_edu, or a causal language model of transformers; got "
        f"{type(model).__name__}. For arrays of any other origin write AttentionExplorer(q, k, tokens)"
    )


def _words(tokenizer: Any) -> OurWords | HuggingFaceWords:
    if isinstance(tokenizer, Tokenizer):
        return OurWords(tokenizer)
    if is_from_transformers(tokenizer, "PreTrainedTokenizerBase"):
        return HuggingFaceWords(tokenizer)
    raise TypeError(
        f"tokenizer must be a Tokenizer of llmasos_edu or one of transformers; got {type(tokenizer).__name__}"
    )
