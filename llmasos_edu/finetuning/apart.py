"""Several examples in one row, and none of them sees another.

Teaches: packing saves the padding, but a causal mask alone would let the second example of a row read the
first one, and its positions go on where the first one stopped. Both are mended from the ids alone: an end
token begins an example. Leaves out: how rows are filled (`batches.pack_documents`). Source: Krell et al.
2021, "Efficient sequence packing without cross-contamination". Explained in lesson 09.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from ..batches import document_mask, document_positions
from ..torch_attention import Decoder, fused_attention

__all__ = ["examples_apart"]


@contextmanager
def examples_apart(model: Decoder, end_id: int) -> Iterator[None]:
    """While the model trains inside this context, the examples of a packed row do not see each other.

    Args:
        model: `GPT` or `Llama`. In evaluation mode it works as always, so it may be tested in between.
        end_id: The token that stands before each example, and nowhere else in the inputs.

    Raises:
        ValueError: If a row does not begin with the end token: then where do its examples begin?

    Example:
        >>> from llmasos_edu.llama import Llama, LlamaConfig
        >>> model = Llama(LlamaConfig.preset("tinyworld"), generator=torch.Generator().manual_seed(0))
        >>> row = torch.tensor([[0, 5, 6, 0, 7, 8]])  # two examples, each after an end token
        >>> with examples_apart(model.train(), end_id=0):
        ...     together = model(row)[0, 3:]
        >>> torch.allclose(together, model(row[:, 3:])[0], atol=1e-5)
        True
    """
    inside = ExitStack()

    def before(model: Any, args: tuple[torch.Tensor, ...]) -> None:
        if not model.training:
            return
        begins = args[0] == end_id  # (B, T)
        if not begins[:, 0].all():
            raise ValueError(f"each row must begin with the end token {end_id}; it tells examples apart")
        numbers = begins.cumsum(dim=1)
        mask = document_mask(numbers)  # (B, 1, T, T)
        inside.enter_context(model.attention_by(lambda q, k, v, _: fused_attention(q, k, v, mask)))
        if position := dict(model.named_children()).get("position"):  # GPT-2's table; RoPE needs differences
            places = document_positions(numbers)
            inside.callback(position.register_forward_pre_hook(lambda table, _: (places,)).remove)

    hooks = [
        model.register_forward_pre_hook(before),
        model.register_forward_hook(lambda *_: inside.close(), always_call=True),
    ]
    try:
        yield
    finally:
        inside.close()
        for hook in hooks:
            hook.remove()
