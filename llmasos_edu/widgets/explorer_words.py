"""What the Attention Explorer shows, in words and tables: for tests, screen readers, pages without a kernel.

It teaches nothing itself; the first sentence is the one that the browser says, and a test holds the two
equal. Explained in no lesson.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from llmasos_edu.widgets import explorer_pieces as pieces
from llmasos_edu.widgets.attention_data import Reading
from llmasos_edu.widgets.attention_picture import percent, picture, row_table, sentence, visible

if TYPE_CHECKING:
    from jaxtyping import Bool, Float


def lines(
    shown: Any,
    before: Reading,
    weights: Float[np.ndarray, "Tq Tk"],
    roles: Mapping[str, np.ndarray],
) -> list[str]:
    """The pinned row, what is shown, what the head does, what comes next, and what is off, a line each.

    Args:
        shown: The AttentionExplorer, for what the reader set.
        before: What the model did with all heads on, or what another model did.
        weights: As shown now.
        roles: Role → (L, H) scores.
    """
    reading = shown.reading
    names, keys = [visible(t) for t in reading.tokens], [visible(t) for t in reading.key_names]
    own = shown.row if reading.keys is None else -1
    found = [
        sentence(weights[shown.row], names[shown.row], keys, own),
        _what(shown, reading),
        _head(shown, roles),
        _sink(weights, keys, reading),
        _next(reading.next_words, names, shown.row),
        _before(before, reading, names, shown) if before is not reading and not shown.off else "",
        _off(shown.off, before, shown.row),
        pieces.left_out(reading, shown.looked),
        f"Refused: {shown.error}" if shown.error else "",
    ]
    return [line for line in found if line]


def _what(shown: Any, reading: Reading) -> str:
    L, layer = len(reading.layers), reading.layers[0]
    place = [f"layer {shown.layer} of {L}"] if L > 1 else []
    place += [f"head {shown.head} of {layer.heads}"] if layer.heads > 1 else []
    place += [f"mask {shown.mask}{f' {shown.window}' if shown.mask == 'window' else ''}"]
    place += [f"scale {shown.scale:.3g}"] if layer.d_head else []
    place += [f"temperature {shown.temperature:.3g}"]
    place += ["token 0 hidden"] if shown.hide_first else []
    edits = sum(edit[:2] == [shown.layer, shown.head] for edit in shown.edits)
    place += [f"{edits} edited number{'s' if edits > 1 else ''}"] if edits else []
    tokens = f"{len(reading.tokens)} tokens"
    if reading.keys is not None:
        tokens += f" that look at {len(reading.keys)} others"
    return f"Attention of {tokens}: {', '.join(place)}."


def _head(shown: Any, roles: Mapping[str, np.ndarray]) -> str:
    found = pieces.label(roles, shown.layer, shown.head)
    if found is None:
        return ""
    if found[0] == "mixed":
        return f"This head has no role of its own: no score of the probe passes {found[1]:.2f}."
    return f"By the probe this head is of the kind '{found[0]}', {found[1]:.2f} of 1."


def _sink(weights: Float[np.ndarray, "Tq Tk"], keys: list[str], reading: Reading) -> str:
    if len(weights) < 2 or reading.keys is not None or (share := weights[1:, 0].mean()) <= 0.5:
        return ""
    return f"Token 0, '{keys[0]}', is a sink: it takes {percent(share)} of this head."


def _next(next_words: list[list[tuple[str, float]]], names: list[str], row: int) -> str:
    if not next_words:
        return ""
    best = ", ".join(f"'{visible(word)}' {percent(p)}" for word, p in next_words[row][:3])
    return f"After '{names[row]}' the model expects {best}."


def _before(before: Reading, reading: Reading, names: list[str], shown: Any) -> str:
    """The same row of the reading that this one is compared with, as the model had it."""
    row = before.weights(shown.layer)[shown.head][shown.row]
    keys = [visible(t) for t in before.key_names]
    said = sentence(row, names[shown.row], keys, shown.row if reading.keys is None else -1)
    told = [said, _next(before.next_words, names, shown.row)]
    return f"Before: {' '.join(one for one in told if one)}"


def _off(off: list[list[int]], before: Reading, row: int) -> str:
    if not off:
        return ""
    heads = ", ".join(f"{layer}.{head}" for layer, head in off)
    was = f"; with all on: '{visible(before.next_words[row][0][0])}' {percent(before.next_words[row][0][1])}"
    return f"Off (layer.head): {heads}{was if before.next_words else ''}."


def tables(
    reading: Reading, weights: Float[np.ndarray, "Tq Tk"], shown: Bool[np.ndarray, "Tq Tk"], row: int
) -> str:
    """The map and the pinned row as tables, for pages without a kernel."""
    names, keys = [visible(t) for t in reading.tokens], [visible(t) for t in reading.key_names]
    return picture(weights, names, keys, shown, row) + row_table(weights[row], names[row], row, keys)
