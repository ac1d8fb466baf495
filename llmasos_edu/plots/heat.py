"""A matrix as colours: attention, probabilities, differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llmasos_edu.plots.base import Plot, drawable, few, new_figure, visible
from llmasos_edu.rounding import number

__all__ = ["heatmap"]

NUMBERS_UP_TO = 8  # rows and columns that still leave room for the numbers
TWIN_COLUMNS = 8


def heatmap(
    matrix: Any,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    title: str,
    looks: bool = False,
    row_name: str = "row",
    column_name: str = "column",
    shown: Any = None,
    limits: tuple[Any, Any] | None = None,
    alt: str | None = None,
) -> Plot:
    """Draw a matrix (R, C) as coloured cells, with their numbers while there is room.

    Args:
        matrix: Numbers, shape (R, C).
        rows: R labels.
        columns: C labels; those of the rows where None.
        title: What is shown.
        looks: The axes of attention: a row looks (query) at the columns (keys).
        row_name: Title of the rows, unless `looks`.
        column_name: Title of the columns, unless `looks`.
        shown: Bool (R, C): False leaves a cell empty, as a mask does.
        limits: Lowest and highest colour; (0, 1) for `looks`, else those of the matrix.
        alt: Instead of the alt text that is made of title and the strongest cell of the last row.

    Returns:
        The plot; its twin is the matrix itself, or each row's largest cell where it is too large.

    Raises:
        ValueError: If labels and matrix do not fit.
    """
    values = np.asarray(matrix, dtype=float)  # (R, C)
    columns = rows if columns is None else columns
    if values.ndim != 2 or values.shape != (len(rows), len(columns)) or not values.size:
        raise ValueError(
            f"matrix must have shape {(len(rows), len(columns))}, as the labels say; got {values.shape}"
        )
    visible_cells = (
        np.isfinite(values) if shown is None else np.asarray(shown, dtype=bool) & np.isfinite(values)
    )
    if visible_cells.shape != values.shape or not visible_cells.any():
        raise ValueError(
            f"shown must be bool of shape {values.shape}, True somewhere; got {visible_cells.shape}"
        )
    if looks:
        row_name, column_name = "looks (query) ↓", "is looked at (key) →"
    default = (
        (0.0, 1.0) if looks else (float(values[visible_cells].min()), float(values[visible_cells].max()))
    )
    figure = _draw(values, visible_cells, rows, columns, (title, row_name, column_name), limits or default)
    r = len(rows) - 1 if visible_cells[-1].any() else int(visible_cells.any(axis=1).nonzero()[0][-1])
    c = int(np.where(visible_cells[r], values[r], -np.inf).argmax())
    verb = "looks most at" if looks else "is largest at"
    told = f"Heat map: {title}. {visible(rows[r])} {verb} {visible(columns[c])}, {number(values[r, c])}."
    header, twin = _twin(values, visible_cells, rows, columns)
    return Plot(figure, alt or told, header, twin)


def _draw(
    values: np.ndarray,
    visible_cells: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    names: tuple[str, str, str],
    limits: tuple[Any, Any],
) -> Any:
    n_rows, n_columns = values.shape
    cell = 0.55 if max(n_rows, n_columns) <= NUMBERS_UP_TO else max(0.16, 0.33 - 0.004 * n_columns)
    figure, axes = new_figure(min(9.0, 2.2 + cell * n_columns), min(8.0, 1.4 + cell * n_rows))
    image = axes.imshow(
        np.where(visible_cells, values, np.nan),
        cmap="cividis",
        vmin=limits[0],
        vmax=limits[1],
        aspect="equal",
    )
    axes.spines[:].set_visible(False)
    for axis, labels, turn in ((axes.xaxis, columns, 90), (axes.yaxis, rows, 0)):
        texts, font = drawable(labels)
        places = few(len(labels), 40)
        turn = turn if max(len(t) for t in texts) > 3 else 0
        axis.set_ticks(places, [texts[i] for i in places], rotation=turn, fontsize=9, **font)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    (title, row_name, column_name), font = drawable(names)
    axes.set_title(title, loc="left", fontsize=11, **font)
    axes.set_ylabel(row_name, fontsize=9, **font)
    axes.set_xlabel(column_name, fontsize=9, **font)
    if max(n_rows, n_columns) <= NUMBERS_UP_TO:
        for r, c in zip(*visible_cells.nonzero(), strict=True):
            light = (
                float(np.interp(values[r, c], limits, (0, 1))) > 0.55
            )  # cividis is light there: dark digits
            text = f"{values[r, c]:.2f}" if limits == (0, 1) else number(values[r, c], 2)
            colour = "black" if light else "white"
            axes.text(c, r, text, ha="center", va="center", fontsize=9, color=colour)
    else:
        bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.03)
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=8)
    return figure


def _twin(
    values: np.ndarray, visible_cells: np.ndarray, rows: Sequence[str], columns: Sequence[str]
) -> tuple[list[str], list[list[Any]]]:
    """The matrix itself while it fits, else where each row is largest."""
    picked = few(len(rows))
    if len(columns) <= TWIN_COLUMNS:
        table = [
            [
                visible(rows[r]),
                *(float(v) if s else "" for v, s in zip(values[r], visible_cells[r], strict=True)),
            ]
            for r in picked
        ]
        return ["", *map(visible, columns)], table
    best = np.where(visible_cells, values, -np.inf).argmax(axis=1)
    return ["row", "largest at", "value"], [
        [f"{r} {visible(rows[r])}", f"{best[r]} {visible(columns[best[r]])}", float(values[r, best[r]])]
        for r in picked
    ]
