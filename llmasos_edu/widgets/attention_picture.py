"""Attention weights for pages without a kernel: two tables, one sentence, the same bytes everywhere.

The words are those that `static/attention_math.js` says in the browser; a test holds them equal. Left out:
anything that moves. A weight's colour is one of 17 steps, so that the last bits of a float change no byte.

Source: the cividis colours of matplotlib (Nuñez, Anderton and Renslow 2018), CC0. Explained in lesson 04.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from llmasos_edu.widgets.base import escape

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

CIVIDIS = [
    "#00224e", "#002e6a", "#1a386f", "#32436d", "#434e6c", "#535a6d", "#61656f", "#6f7073", "#7d7c78",
    "#8c8878", "#9b9476", "#aba072", "#bcae6c", "#cdbb63", "#dec958", "#f0d846", "#fee838",
]  # fmt: skip
INK = ("#fff", "#000")  # of text on the darker and on the lighter half
MOST = 24  # tokens in the picture, and
LINES = 12  # in the table


def visible(text: str) -> str:
    """A token as it is shown: breaks and invisible characters as signs, at most 40 characters.

    Example:
        >>> visible(" kite"), visible("\\n"), visible(""), visible("a\\u200bb")
        ('·kite', '⏎', '∅', 'a‹200B›b')
    """
    text = text.replace("\n", "⏎").replace("\t", "⇥")
    shown = "".join(f"‹{ord(c):04X}›" if unicodedata.category(c) in ("Cc", "Cf") else c for c in text)
    before, after = len(shown) - len(shown.lstrip(" ")), len(shown) - len(shown.rstrip(" "))
    shown = "·" * len(shown) if before == len(shown) else "·" * before + shown.strip(" ") + "·" * after
    return f"{shown[:39]}…" if len(shown) > 40 else shown or "∅"


def percent(weight: float | int) -> str:
    """A weight in words, stable under the last bits of a float.

    Example:
        >>> [percent(w) for w in (0.8512, 0.0042, 0.00001, 0.0)]
        ['85 %', '0.4 %', '< 0.1 %', '0 %']
    """
    if weight <= 0:
        return "0 %"
    if weight < 0.0005:
        return "< 0.1 %"
    if weight < 0.0995:
        return f"{math.floor(weight * 1000 + 0.5 + 1e-5) / 10:.1f} %"
    return f"{math.floor(weight * 100 + 0.5 + 1e-6)} %"


def sentence(row: Float[np.ndarray, " Tk"], name: str, keys: list[str], own: int = -1) -> str:
    """One row of weights in a sentence; `own` is the column of the query itself, if there is one.

    Example:
        >>> sentence(np.array([0.25, 0.75]), "it", ["mat", "it"], 1)
        "'it' attends most to itself, 75 %."
    """
    seen, first = int((row > 0).sum()), int(np.argmax(np.round(row, 6)))  # near ties: the earlier
    if seen == 0:
        return f"'{name}' attends to nothing."
    if seen > 1 and bool(np.all((row == 0) | (np.abs(row - row[first]) < 1e-6))):
        return f"'{name}' attends equally to {seen} tokens, {percent(row[first])} each."
    whom = "itself" if first == own else f"'{keys[first]}'"
    return f"'{name}' attends most to {whom}, {percent(row[first])}."


def _short(name: str) -> str:
    return escape(name if len(name) <= 12 else f"{name[:11]}…")


def _cell(weight: float) -> str:
    """A weight as a coloured table cell, in per cent; colour and number are stable under its last bits."""
    level = math.floor(min(1.0, max(0.0, weight)) * 16 + 0.5 + 1e-6)
    number = math.floor(weight * 100 + 0.5 + 1e-6)
    return f'<td style="background-color:{CIVIDIS[level]};color:{INK[int(level > 7)]}">{number}</td>'


def picture(
    weights: Float[np.ndarray, "Tq Tk"],
    names: list[str],
    keys: list[str],
    shown: Bool[np.ndarray, "Tq Tk"],
    pinned: int,
) -> str:
    """The map of the first 24 tokens as a table of coloured cells; the name of the pinned row is bold.

    A table and no SVG: Jupyter takes SVG out of a notebook that it does not trust. Where colours are taken
    out too (GitHub), the numbers stay.
    """
    columns = range(min(len(keys), MOST))
    rows = []
    for i, name in enumerate(names[:MOST]):
        cells = "".join(_cell(float(weights[i, j])) if shown[i, j] else "<td></td>" for j in columns)
        label = f"{i} {_short(name)}"
        rows.append(f"<tr><td>{f'<b>{label}</b>' if i == pinned else label}</td>{cells}</tr>")
    same = keys is names or keys == names
    heads = "".join(f"<th>{j if same else f'{j} {_short(keys[j])}'}</th>" for j in columns)
    return (
        "<table><caption>looks (query) ↓ is looked at (key) →, in per cent; empty: may not</caption>"
        f"<thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def row_table(row: Float[np.ndarray, " Tk"], name: str, query: int, keys: list[str]) -> str:
    """The row as a table, largest weights first, the rest in one line."""
    order = sorted(range(len(keys)), key=lambda j: (-round(float(row[j]), 6), j))
    lines = [
        f"<tr><td>{j}</td><td>{_short(keys[j])}</td><td>{percent(row[j])}</td></tr>" for j in order[:LINES]
    ]
    if rest := order[LINES:]:
        lines.append(f"<tr><td></td><td>{len(rest)} others</td><td>{percent(row[rest].sum())}</td></tr>")
    return (
        f"<table><caption>'{_short(name)}' ({query}) looks at</caption>"
        "<thead><tr><th>position</th><th>token</th><th>weight</th></tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
    )
