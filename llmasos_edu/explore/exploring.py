"""`explore`: a model, its tokenizer and a text in; the Attention Explorer out.

Teaches: a picture of attention is worth something when it answers back, so the model stands behind it:
another sentence, or a head switched off, goes through it and comes back with the words that would come next.
Leaves out: everything that is drawn (`widgets`). Explained in lesson 08.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmasos_edu.explore.source import Source
from llmasos_edu.widgets.attention_explorer import AttentionExplorer

__all__ = ["explore"]


def explore(
    model: Any,
    tokenizer: Any,
    text: str,
    *,
    layer: int | None = None,
    head: int | None = None,
    row: int | None = None,
    off: Iterable[tuple[int, int]] = (),
    probe: bool = True,
    **options: Any,
) -> AttentionExplorer:
    """Look inside a model: its attention on a text, to touch, with the model behind it.

    What stands before the text: for a tokenizer of ours with ``<|end|>`` (TinyWorld's) that token, as in
    training, unless the text begins with a special token; for one of ours without it (SmolLM2's) nothing; for
    one of transformers what ``tokenizer(text)`` itself puts there. Special tokens in the text count as such.

    Arrays from anywhere else need no model:

        from llmasos_edu.widgets.attention_explorer import AttentionExplorer
        q, k = ...                             # (T, D), (H, T, D) or (L, H, T, D)
        tokens = ["the", "cat", "sat"]         # T of them
        AttentionExplorer(q, k, tokens)

    Cross-attention, from the tokens of one text to those of another:

        w = ...                                # (Tq, Tk), (H, Tq, Tk) or (L, H, Tq, Tk)
        AttentionExplorer(weights=w, tokens=["le", "chat"], keys=["the", "cat"])

    Args:
        model: A `GPT` or `Llama`, or a causal language model of transformers, on any device; it is left as it
            was. Where queries and keys do not explain its weights (capped scores, ALiBi, a window shorter
            than the text) the weights alone are shown; where its attention does not go through transformers'
            attention interface, its heads cannot be switched off either.
        tokenizer: The one that it was trained with; ours or of transformers.
        text: One to 1,024 tokens, within the model's context.
        layer: Shown first,
        head: likewise, and
        row: the query whose row is pinned; the default is where something shows.
        off: Heads (layer, head) that are switched off from the start.
        probe: Name heads by what they do on random tokens that come twice: once for each model, a second for
            SmolLM2.
        options: Of `AttentionExplorer`, such as ``views=("heads", "why")`` or ``temperature=0.5``.

    Returns:
        The Explorer. As the last line of a cell it shows itself.

    Raises:
        TypeError: If model, tokenizer or text is something else.
        ValueError: If they do not belong together, the text is empty or too long, or a layer, head or row is
            not there.

    Example:
        >>> import torch; from llmasos_edu import gpt, tokenizer
        >>> sizes = gpt.GPTConfig(vocab_size=256, context_length=16, d_model=8, n_heads=2, n_layers=1)
        >>> model = gpt.GPT(sizes, generator=torch.Generator().manual_seed(0))
        >>> explorer = explore(model, tokenizer.Tokenizer.train("", 256), "a cat", head=1)
        >>> explorer.tokens, explorer.weights().shape
        (['a', ' ', 'c', 'a', 't'], (5, 5))
    """
    source = Source(model, tokenizer)
    explorer = AttentionExplorer(
        reading=source(text),
        answer=source,
        roles=source.roles() if probe else None,
        layer=layer,
        head=head,
        row=row,
        **options,
    )
    if off := sorted({(int(layer), int(head)) for layer, head in off}):
        explorer.restore({"off": off})
    return explorer
