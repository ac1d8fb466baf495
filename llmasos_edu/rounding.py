"""The one formatter of numbers: what a lesson prints looks the same on every machine.

Measured values keep 3 significant digits, counts stay exact, and no zero is negative. Lessons compare
their printed results in CI, so every number that they show passes through here.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["Text", "number", "numbers", "table"]


class Text(str):
    """Words that show themselves as they are at the end of a cell, without quotation marks."""

    def __repr__(self) -> str:
        return str(self)


def number(value: Any, digits: int = 3) -> str:
    """One number as text: whole counts exactly, measured values to `digits` significant digits.

    Args:
        value: An int, a float, or a NumPy or torch scalar.
        digits: Significant digits of a measured value, at least 1.

    Returns:
        Text such as ``"1,234"``, ``"0.785"``, ``"1.2e-07"``, ``"nan"`` or ``"inf"``.

    Raises:
        ValueError: If `digits` is below 1.

    Example:
        >>> number(134515008), number(0.78549), number(-0.0), number(12345.6)
        ('134,515,008', '0.785', '0', '12,300')
    """
    if digits < 1:
        raise ValueError(f"digits must be at least 1; got {digits}")
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, bool):
        return str(plain)
    if isinstance(plain, int):
        return f"{plain:,}"
    plain = float(plain)
    if not math.isfinite(plain):
        return str(plain)
    if plain == 0:
        return "0"
    rounded = float(f"{plain:.{digits - 1}e}")
    exponent = math.floor(math.log10(abs(rounded)))
    if exponent < -4 or exponent > 6:
        return f"{rounded:.{digits - 1}e}"
    return f"{rounded:,.{max(0, digits - 1 - exponent)}f}"


def numbers(values: Iterable[Any], digits: int = 3) -> str:
    """A row of numbers as text.

    Example:
        >>> numbers([0.5, 2, -0.25])
        '[0.500, 2, -0.250]'
    """
    return "[" + ", ".join(number(v, digits) for v in values) + "]"


def _width(text: str) -> int:
    """Columns that a terminal gives to `text`: a 中文 character takes two, a combining mark none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def table(rows: Sequence[Sequence[Any]], header: Sequence[str], digits: int = 3) -> str:
    """A small text table: words to the left, numbers to the right, 中文 aligned.

    Args:
        rows: Rows of cells; strings stand as they are, numbers go through `number`.
        header: One title a column.
        digits: Significant digits of measured values.

    Returns:
        Lines without trailing spaces, a rule under the header.

    Raises:
        ValueError: If a row has more or fewer cells than the header.

    Example:
        >>> print(table([["kite", 0.5], ["drum", 0.25]], ["word", "P"]))
        word      P
        ----  -----
        kite  0.500
        drum  0.250
    """
    for i, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(f"row {i} must have {len(header)} cells, as the header has; got {len(row)}")
    text = [[c if isinstance(c, str) else number(c, digits) for c in row] for row in rows]
    right = [
        bool(rows) and all(not isinstance(row[j], str) or row[j] == "" for row in rows)
        for j in range(len(header))
    ]
    widths = [max(_width(line[j]) for line in [list(header), *text]) for j in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        pads = [" " * (w - _width(c)) for c, w in zip(cells, widths, strict=True)]
        return "  ".join(p + c if r else c + p for c, p, r in zip(cells, pads, right, strict=True)).rstrip()

    return "\n".join([line(header), "  ".join("-" * w for w in widths), *map(line, text)])
