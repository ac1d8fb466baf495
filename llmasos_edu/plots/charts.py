"""Bars, lines, a histogram and a plane of labelled points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from llmasos_edu.plots.base import COLOURS, INK, Plot, Row, drawable, few, new_figure, visible
from llmasos_edu.rounding import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bars", "histogram", "lines", "scatter"]

MAX_BARS = 20


def bars(
    labels: Sequence[str],
    values: Row,
    *,
    title: str,
    value_name: str = "P",
    label_name: str = "word",
    highlight: str | None = None,
    alt: str | None = None,
) -> Plot:
    """Horizontal bars, in the order given, each with its number: next-word lists, comparisons.

    Args:
        labels: One a bar, at most 20; the first stands on top.
        values: As many numbers.
        title: What is shown.
        value_name: Title of the numbers, with their unit.
        label_name: Title of the labels, for the twin.
        highlight: The one label to colour.
        alt: Instead of the alt text that is made of title and values.

    Returns:
        The plot.

    Raises:
        ValueError: If labels and values differ in number, or there are none or too many.
    """
    heights = _finite(values, "values")
    if not 1 <= len(labels) == len(heights) <= MAX_BARS:
        raise ValueError(
            f"bars needs 1 to {MAX_BARS} labels and as many values; got {len(labels)} and {len(heights)}"
        )
    names, font = drawable(labels)
    figure, axes = new_figure(6.2, 0.7 + 0.27 * len(labels))
    colours = [COLOURS[1] if label == highlight else COLOURS[0] for label in labels]
    places = np.arange(len(labels))
    axes.barh(places, heights, color=colours, height=0.72)
    axes.set_yticks(places, names, **font)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    for place, height in zip(places, heights, strict=True):
        left = height < 0
        axes.annotate(
            number(height), (height, place), (-4 if left else 4, 0), textcoords="offset points",
            va="center", ha="right" if left else "left", fontsize=9, color=INK,
        )  # fmt: skip
    _titles(axes, title, value_name, "")
    top = int(np.argmax(heights))
    told = f"Bars: {title}. The longest is {visible(labels[top])}, {value_name} {number(heights[top])}."
    picked = few(len(labels))
    rows = [[visible(labels[i]), float(heights[i])] for i in picked]
    return Plot(figure, alt or told, [label_name, value_name], rows)


def lines(
    x: Row,
    curves: Mapping[str, Row],
    *,
    title: str,
    x_name: str,
    y_name: str,
    log_x: bool = False,
    log_y: bool = False,
    levels: Mapping[str, Any] | None = None,
    points: bool = False,
    alt: str | None = None,
) -> Plot:
    """Curves over one x, each labelled where it ends.

    Args:
        x: Positions, shared by all curves.
        curves: Name → values, one for each x; NaN where a curve has none. At most 7.
        title: What is shown.
        x_name: With its unit.
        y_name: With its unit.
        log_x: A logarithmic axis; zeros and negatives are then not drawn.
        log_y: The same for y.
        levels: Name → a horizontal line, such as a floor.
        points: Mark each value with a dot.
        alt: Instead of the alt text that is made of title, names and ends.

    Returns:
        The plot.

    Raises:
        ValueError: If a curve is not as long as x, or there are none or more than 7.
    """
    across = _finite(x, "x")
    if not 1 <= len(curves) <= len(COLOURS):
        raise ValueError(f"lines needs 1 to {len(COLOURS)} curves; got {len(curves)}")
    values = {name: np.asarray(y, dtype=float) for name, y in curves.items()}
    for name, y in values.items():
        if y.shape != across.shape:
            raise ValueError(f"curve {name!r} must have shape {across.shape}, as x has; got {y.shape}")
    figure, axes = new_figure(6.6, 3.4)
    for colour, y in zip(COLOURS, values.values(), strict=False):
        axes.plot(across, y, color=colour, linewidth=1.8, marker="o" if points else None, markersize=4)
    for axis, log in ((axes.xaxis, log_x), (axes.yaxis, log_y)):
        if log:
            _logarithmic(axes, axis)
    _titles(axes, title, x_name, y_name)
    ends = [(name, _last(y), c) for (name, y), c in zip(values.items(), COLOURS, strict=False)]
    for name, level in (levels or {}).items():
        axes.axhline(level, color="#888888", linewidth=1, linestyle="--")
        ends.append((name, float(level), "#666666"))
    _label_ends(axes, ends)
    told = "; ".join(f"{name} ends at {number(end)}" for name, end, _ in ends[: len(values)])
    rows = [[_plain(across[i]), *(float(y[i]) for y in values.values())] for i in few(len(across))]
    return Plot(figure, alt or f"Lines: {title}. {told}.", [x_name, *values], rows)


def histogram(
    groups: Mapping[str, Row],
    *,
    title: str,
    x_name: str,
    bins: int = 10,
    limits: tuple[Any, Any] | None = None,
    alt: str | None = None,
) -> Plot:
    """How often values fall where, as shares, one outline a group.

    Args:
        groups: Name → values.
        title: What is shown.
        x_name: With its unit.
        bins: How many, at most 10, so that the twin shows all.
        limits: The range; that of all values where None. What lies outside counts in the outermost bins.
        alt: Instead of the alt text that is made of title and means.

    Returns:
        The plot.

    Raises:
        ValueError: If there are no values, or too many groups or bins.
    """
    if not 1 <= len(groups) <= len(COLOURS) or not 1 <= bins <= 10:
        raise ValueError(
            f"histogram needs 1 to {len(COLOURS)} groups, 1 to 10 bins; got {len(groups)}, {bins}"
        )
    values = {name: _finite(v, name) for name, v in groups.items()}
    everything = np.concatenate(list(values.values()))
    low, high = limits or (float(everything.min()), float(everything.max()))
    edges = np.linspace(low, high, bins + 1)
    shares = {
        name: np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] / len(v) for name, v in values.items()
    }
    figure, axes = new_figure(6.2, 2.8)
    for colour, (name, share) in zip(COLOURS, shares.items(), strict=False):
        axes.stairs(share, edges, color=colour, linewidth=1.8, label=name)
        axes.stairs(share, edges, color=colour, alpha=0.15, fill=True)
    if len(shares) > 1:
        _, font = drawable(list(shares))
        axes.legend(frameon=False, fontsize=9, prop={"family": font["fontfamily"]})
    _titles(axes, title, x_name, "share")
    means = "; ".join(
        f"{name}: mean {number(v.mean())}, deviation {number(v.std())}" for name, v in values.items()
    )
    rows = [
        [f"{number(edges[i])} to {number(edges[i + 1])}", *(float(s[i]) for s in shares.values())]
        for i in range(bins)
    ]
    return Plot(figure, alt or f"Histogram: {title}. {means}.", [x_name, *shares], rows)


def scatter(
    x: Row,
    y: Row,
    labels: Sequence[str],
    *,
    title: str,
    groups: Sequence[str] | None = None,
    x_name: str = "",
    y_name: str = "",
    alt: str | None = None,
) -> Plot:
    """Labelled points on a plane, one colour and marker a group.

    Args:
        x: Positions.
        y: As many.
        labels: As many.
        title: What is shown.
        groups: The group of each point; at most 7.
        x_name: Title of the axis; none for a plane without units.
        y_name: The same.
        alt: Instead of the alt text that is made of title and groups.

    Returns:
        The plot; its twin lists the points, or the groups' centres where there are more than 10.

    Raises:
        ValueError: If the lengths differ, or there are too many groups.
    """
    across, up = _finite(x, "x"), _finite(y, "y")
    kinds = list(groups) if groups is not None else [""] * len(labels)
    if not 1 <= len(across) == len(up) == len(labels) == len(kinds):
        raise ValueError(
            "scatter needs as many x, y, labels and groups; "
            f"got {len(across)}, {len(up)}, {len(labels)}, {len(kinds)}"
        )
    names = list(dict.fromkeys(kinds))
    if len(names) > len(COLOURS):
        raise ValueError(f"scatter needs at most {len(COLOURS)} groups; got {len(names)}")
    figure, axes = new_figure(6.2, 4.4)
    shown, font = drawable(labels)
    for name, colour, marker in zip(names, COLOURS, "osD^vPX", strict=False):
        of = [i for i, kind in enumerate(kinds) if kind == name]
        axes.scatter(across[of], up[of], s=22, color=colour, marker=marker, label=name or None)
    for i, text in enumerate(shown):
        axes.annotate(text, (across[i], up[i]), (4, 3), textcoords="offset points", fontsize=8, **font)
    if names != [""]:
        axes.legend(frameon=False, fontsize=9, loc="best", prop={"family": font["fontfamily"]})
    axes.margins(0.12)
    _titles(axes, title, x_name, y_name)
    if len(labels) <= 10:
        rows = [[visible(n), float(a), float(b)] for n, a, b in zip(labels, across, up, strict=True)]
        header = ["word", x_name or "x", y_name or "y"]
    else:
        rows = [_centre(name, np.array([k == name for k in kinds]), across, up) for name in names]
        header = ["group", "points", f"mean {x_name or 'x'}", f"mean {y_name or 'y'}"]
    listed = ", ".join(f"{kinds.count(name)} {name or 'points'}" for name in names)
    return Plot(figure, alt or f"Points on a plane: {title}. {listed}.", header, rows)


def _centre(name: str, of: np.ndarray, x: np.ndarray, y: np.ndarray) -> list[Any]:
    return [name or "all", int(of.sum()), float(x[of].mean()), float(y[of].mean())]


def _finite(values: Row, name: str) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"{name} must be a row of finite numbers, at least one; got shape {array.shape}")
    return array


def _plain(x: float) -> int | float:
    return int(x) if float(x).is_integer() else float(x)


def _last(y: np.ndarray) -> float:
    there = y[np.isfinite(y)]
    return float(there[-1]) if there.size else float("nan")


def _titles(axes: Axes, title: str, x_name: str, y_name: str) -> None:
    (title, x_name, y_name), font = drawable([title, x_name, y_name])
    axes.set_title(title, loc="left", fontsize=11, **font)
    axes.set_xlabel(x_name, fontsize=10, **font)
    axes.set_ylabel(y_name, fontsize=10, **font)


def _logarithmic(axes: Axes, axis: Any) -> None:
    """A logarithmic axis with plain numbers at 1, 2, 5, 10 and so on."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))


def _label_ends(axes: Axes, ends: Sequence[tuple[str, float, str]]) -> None:
    """Names at the right edge, beside the ends of their curves, moved apart where they would touch."""
    texts, font = drawable([name for name, _, _ in ends])
    axes.set_ylim(axes.get_ylim())  # from here on the limits stay
    to_axes = axes.transData + axes.transAxes.inverted()
    wanted = [
        float(to_axes.transform((axes.get_xlim()[0], y))[1]) if np.isfinite(y) else 0.5 for _, y, _ in ends
    ]
    for i, place in zip(np.argsort(wanted), _apart(sorted(wanted), 0.075), strict=True):
        style = {**font, "color": ends[i][2]}
        axes.annotate(texts[i], (1.01, place), xycoords="axes fraction", va="center", fontsize=9, **style)


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """Sorted places moved up so that they keep a gap, then back down from the top edge."""
    up: list[float] = []
    for place in places:
        up.append(min(max(place, 0.0), 1.0) if not up else max(min(place, 1.0), up[-1] + gap))
    for i in range(len(up) - 1, -1, -1):
        limit = 1.0 if i == len(up) - 1 else up[i + 1] - gap
        up[i] = min(up[i], limit)
    return up
