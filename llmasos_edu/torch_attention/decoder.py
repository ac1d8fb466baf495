"""What GPT and Llama share around their layers: checked ids, positions, padding, and ways to look inside.

Teaches: how rows of unequal length share a batch (pads at the left, never looked at), and that looking into
a model needs no change to it. Leaves out: every layer; those are in `gpt` and `llama`.
Explained in lessons 05, 07 (batches of prompts) and 08 (inside a real model).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn

from .cache import KVCache
from .formula import causal_mask, explicit_attention
from .heads import Attend, Heads

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    Ids = Int[torch.Tensor, "B T"]
    Padding = Int[torch.Tensor, " B"]
    Positions = Int[torch.Tensor, "..."]
    Mask = Bool[torch.Tensor, "..."] | None

__all__ = ["Decoder", "Embedding"]


class _Shape(Protocol):
    """What a decoder's config must tell."""

    @property
    def vocab_size(self) -> int: ...
    @property
    def context_length(self) -> int: ...
    @property
    def n_layers(self) -> int: ...
    @property
    def n_heads(self) -> int: ...
    @property
    def n_kv_heads(self) -> int: ...
    @property
    def d_head(self) -> int: ...


class Embedding(nn.Embedding):
    """A row of numbers for each id. `initialise` draws it; torch's own draw on "meta" costs a second."""

    def reset_parameters(self) -> None:
        """Nothing yet."""


class Decoder(nn.Module):
    """The base of `GPT` and `Llama`, which add the layers, `logits(x)` and `forward(ids, cache, padding)`.

    A subclass has `.embedding`, `.blocks` (each with `.feed_forward_norm` and one `Heads`) and `.norm`.
    """

    config: _Shape
    embedding: nn.Embedding
    blocks: nn.ModuleList
    norm: nn.Module

    def allocate(self, generator: torch.Generator | None) -> None:
        """Give weights built on torch's "meta" device their memory, and draw them from the generator."""
        device = torch.get_default_device() if generator is None else generator.device
        self._apply(lambda t: torch.empty(t.shape, dtype=t.dtype, device=device))  # quicker than to_empty
        if generator is not None:
            self.initialise(generator)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the first weights; each model has its own."""
        raise NotImplementedError

    def logits(self, x: Float[torch.Tensor, "B T D"]) -> Float[torch.Tensor, "B T V"]:
        """The last step, from the stream to a score for each next token; each model has its own."""
        raise NotImplementedError

    def new_cache(self, batch_size: int, length: int, dtype: torch.dtype | None = None) -> KVCache:
        """An empty cache that fits this model.

        Args:
            batch_size: B, rows that are generated together.
            length: Tokens there is room for, prompt included.
            dtype: Of keys and values; None means the model's.

        Returns:
            The cache, on the model's device.
        """
        weight, c = self.embedding.weight, self.config
        return KVCache(
            c.n_layers, batch_size, c.n_kv_heads, length, c.d_head,
            dtype=dtype or weight.dtype, device=weight.device,
        )  # fmt: skip

    def place(self, ids: Ids, cache: KVCache | None, padding: Padding | None) -> tuple[Positions, Mask]:
        """Where the new tokens stand, and who may look where.

        Args:
            ids: The new tokens.
            cache: What was read before them.
            padding: Pads at the left of each row.

        Returns:
            positions (T,), or (B, T) where rows have pads (a row's first real token is at 0); and the mask
            (…, Tq, Tk), or None where it is the plain causal one.

        Raises:
            TypeError: If ids are no whole numbers.
            ValueError: If ids, their number, the padding or the cache do not fit this model.
        """
        self._check(ids, cache, padding)
        start = 0 if cache is None else cache.length
        end = start + ids.shape[1]
        positions = torch.arange(start, end, device=ids.device)  # (T,)
        padding = padding if cache is None else cache.settle_padding(padding)
        if padding is None and (start == 0 or end - start == 1):
            return positions, None
        mask = causal_mask(end - start, end, ids.device)  # (Tq, Tk)
        if padding is None:
            return positions, mask
        real = torch.arange(end, device=ids.device) >= padding[:, None]  # (B, Tk)
        return (positions - padding[:, None]).clamp(min=0), mask & real[:, None, None]  # (B, 1, Tq, Tk)

    @contextmanager
    def heads_off(self, heads: Iterable[tuple[int, int]]) -> Iterator[None]:
        """Inside this context these heads add nothing to the stream: their output is zeros.

        Args:
            heads: Pairs (layer, head), both from 0.

        Raises:
            ValueError: If there is no such head.
        """
        heads, c = set(heads), self.config
        if unknown := [h for h in heads if not (0 <= h[0] < c.n_layers and 0 <= h[1] < c.n_heads)]:
            raise ValueError(
                f"no head (layer, head) {sorted(unknown)}: layers are 0 to {c.n_layers - 1}, "
                f"heads 0 to {c.n_heads - 1}"
            )
        layers = self._heads()
        before = [layer.off for layer in layers]
        try:
            for layer in layers:
                layer.off |= {head for at, head in heads if at == layer.layer}
            yield
        finally:
            for layer, off in zip(layers, before, strict=True):
                layer.off = off

    @contextmanager
    def attention_by(self, fn: Attend) -> Iterator[None]:
        """Inside this context every layer computes attention with the reader's own function.

        Args:
            fn: fn(q, k, v, mask) → out, all torch: q (B, H, Tq, Dh), k and v (B, H, Tk, Dh), grouped heads
                repeated; mask boolean, (Tq, Tk) or (B, 1, Tq, Tk), True = may look; out shaped like q.
        """
        layers = self._heads()
        before = [layer.by for layer in layers]
        try:
            for layer in layers:
                layer.by = fn
            yield
        finally:
            for layer, by in zip(layers, before, strict=True):
                layer.by = by

    def attention_weights(self, ids: Ids, padding: Padding | None = None) -> Float[torch.Tensor, "L B H T T"]:
        """How much each query looks at each key, in every layer and head.

        Args:
            ids: Token ids.
            padding: Pads at the left of each row.

        Returns:
            Rows that sum to 1 (to 0 at a pad).
        """
        seen: list[torch.Tensor] = []

        def explicit(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            out, weights = explicit_attention(q, k, v, mask)
            seen.append(weights)
            return out

        with self._looking(), self.attention_by(explicit):
            self(ids, padding=padding)
        return torch.stack(seen)

    def residual_streams(
        self, ids: Ids, padding: Padding | None = None
    ) -> dict[str, Float[torch.Tensor, "B T D"]]:
        """The stream of each position on its way through the model.

        Args:
            ids: Token ids.
            padding: Pads at the left of each row.

        Returns:
            name → stream (B, T, D): "embed" as it enters, "0.attention" after layer 0's attention has been
            added, "0.feed_forward" after its feed-forward part, …, "final" after the last norm.
        """
        streams: dict[str, torch.Tensor] = {}
        hooks = []
        for i, block in enumerate(self.blocks):
            name = "embed" if i == 0 else f"{i - 1}.feed_forward"
            hooks.append(block.register_forward_pre_hook(_keep_input(streams, name)))
            norm = block.get_submodule("feed_forward_norm")
            hooks.append(norm.register_forward_pre_hook(_keep_input(streams, f"{i}.attention")))
        last = f"{len(self.blocks) - 1}.feed_forward"
        hooks.append(self.norm.register_forward_pre_hook(_keep_input(streams, last)))
        hooks.append(self.norm.register_forward_hook(lambda m, args, out: streams.update(final=out)))
        try:
            with self._looking():
                self(ids, padding=padding)
        finally:
            for hook in hooks:
                hook.remove()
        return streams

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Evaluation mode without gradients, and back."""
        training = self.training
        try:
            self.eval()
            with torch.no_grad():
                yield
        finally:
            self.train(training)

    def _heads(self) -> list[Heads]:
        return [module for module in self.modules() if isinstance(module, Heads)]

    def _check(self, ids: torch.Tensor, cache: KVCache | None, padding: torch.Tensor | None) -> None:
        if ids.is_floating_point() or ids.dtype == torch.bool:
            raise TypeError(f"ids must be whole numbers (torch.long); got {ids.dtype}")
        if ids.ndim != 2 or 0 in ids.shape:
            raise ValueError(f"ids must have shape (B, T), neither empty; got {tuple(ids.shape)}")
        start = 0 if cache is None else cache.length
        if start + ids.shape[1] > self.config.context_length:
            cached = f" after {start} in the cache" if start else ""
            raise ValueError(
                f"the model's context is {self.config.context_length} tokens; got {ids.shape[1]}{cached}. "
                "Give it the last ones only"
            )
        if ids.device.type == "cpu" and not torch.compiler.is_compiling():  # a GPU would have to wait
            least, most = (int(x) for x in torch.aminmax(ids))
            if least < 0 or most >= self.config.vocab_size:
                size = self.config.vocab_size
                raise ValueError(
                    f"ids must be 0 to {size - 1} (vocab_size {size}); got {least if least < 0 else most}"
                )
        if cache is not None and cache.batch_size != ids.shape[0]:
            raise ValueError(f"the cache was made for {cache.batch_size} rows; got {ids.shape[0]}")
        if padding is not None and padding.shape != ids.shape[:1]:
            raise ValueError(f"padding must have shape (B,) = ({ids.shape[0]},); got {tuple(padding.shape)}")
        if padding is not None and start == 0 and ids.device.type == "cpu":
            least, most = (int(x) for x in torch.aminmax(padding))
            if least < 0 or most >= ids.shape[1]:
                raise ValueError(
                    f"padding must be 0 to T - 1 = {ids.shape[1] - 1}, so that each row has a token; "
                    f"got {padding.tolist()}"
                )


def _keep_input(streams: dict[str, torch.Tensor], name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    def hook(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        streams[name] = inputs[0]

    return hook
