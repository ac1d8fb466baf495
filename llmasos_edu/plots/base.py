"""What every figure has: a picture, alt text, a table twin; and letters that the machine can draw.

Where no installed font has a character (中文 on a machine without a CJK font), the picture shows "#3" for the
third label, and the twin beneath, which is text, shows the label itself. No font is shipped.
"""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from llmasos_edu.rounding import table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "INK", "Plot", "Row", "drawable", "few", "new_figure", "visible"]

Row = Sequence[Any] | np.ndarray  # numbers in a row

# Okabe–Ito, without the yellow that white swallows
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
INK = "#222222"
TWIN_LINES = 12
DPI = 144  # one and a half pixels for each of a plain screen: sharp enough on fine ones, and still small
COLOURS_KEPT = 96
CJK = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC",
    "Hiragino Sans GB", "Heiti SC", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Sans CJK JP",
    "Arial Unicode MS",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure with its alt text and its table twin. At the end of a cell it shows both.

    Attributes:
        figure: For whoever wants to draw on.
        alt: What the picture shows, in a sentence or two.
        header: Titles of the twin's columns.
        rows: The twin's rows; at most 10.
    """

    figure: Figure
    alt: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def __post_init__(self) -> None:
        if len(self.rows) > TWIN_LINES - 2:
            raise ValueError(f"a twin has at most {TWIN_LINES - 2} rows; got {len(self.rows)}")

    def twin(self) -> str:
        """The numbers of the picture as a text table, at most 12 lines."""
        return table(self.rows, self.header)

    def png(self) -> bytes:
        """The picture, in few colours so that a notebook stays small; the same bytes for the same figure."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # drawn only when it is shown
        from PIL import Image

        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")  # laid out once: drawing again would move things by a hair
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        buffer = io.BytesIO()
        picture.quantize(COLOURS_KEPT, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
        return buffer.getvalue()

    def picture(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture and its metadata (alt text, size), as IPython's `display` takes them with raw=True."""
        width, height = (round(96 * inches) for inches in self.figure.get_size_inches())
        about = {"alt": self.alt, "width": width, "height": height}
        return {"image/png": self.png(), "text/plain": self.alt}, {"image/png": about}

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, metadata = self.picture()
        display(data, raw=True, metadata=metadata)
        print(self.twin())

    def __repr__(self) -> str:
        return f"{self.alt}\n{self.twin()}"


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure with one axes in this project's style, outside pyplot: nothing global is touched.

    Args:
        width: Inches.
        height: Inches.

    Returns:
        The figure and its axes.
    """
    figure_class = _quiet_matplotlib().figure.Figure
    figure = figure_class(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.add_subplot(facecolor="white")
    axes.spines[["top", "right"]].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#888888")
    axes.tick_params(colors=INK, labelsize=9)
    return figure, axes


@functools.cache
def _quiet_matplotlib() -> Any:
    """Matplotlib, imported without its news about the font cache, which the first import may build."""
    log = logging.getLogger("matplotlib")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        import matplotlib
        import matplotlib.figure
        import matplotlib.font_manager

        return matplotlib
    finally:
        log.setLevel(before)


@functools.cache
def _fonts() -> tuple[list[str], frozenset[int]]:
    """The families to draw with, and the characters that they have."""
    manager = _quiet_matplotlib().font_manager
    installed = {f.name: f.fname for f in manager.fontManager.ttflist}
    families = ["DejaVu Sans", *[name for name in CJK if name in installed][:1]]
    characters = {code for name in families for code in manager.get_font(installed[name]).get_charmap()}
    return families, frozenset(characters)


def drawable(labels: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Labels as the machine can draw them, and the font to draw them with.

    Args:
        labels: Any texts; spaces at their ends are made visible.

    Returns:
        The labels, "#3" for the third where a character is missing; keywords for matplotlib's text.
    """
    families, characters = _fonts()
    shown = [
        label if all(ord(c) in characters for c in label) else f"#{i}"
        for i, label in enumerate(map(visible, labels), start=1)
    ]
    return shown, {"fontfamily": families, "color": INK, "parse_math": False}


def visible(label: str) -> str:
    """A label whose outer spaces and line breaks can be seen.

    Example:
        >>> visible(" kite"), visible("a b"), visible("\\n")
        ('·kite', 'a b', '⏎')
    """
    inner = label.strip(" ")
    left = len(label) - len(label.lstrip(" "))
    right = len(label) - len(inner) - left
    inner = inner.replace("\n", "⏎").replace("\t", "⇥").replace("\r", "←")
    return "·" * left + inner + "·" * right


def few(count: int, limit: int = TWIN_LINES - 2) -> list[int]:
    """At most `limit` positions out of `count`, evenly spread, the first and the last among them.

    Example:
        >>> few(3), few(101, 5)
        ([0, 1, 2], [0, 25, 50, 75, 100])
    """
    if count <= limit:
        return list(range(count))
    return [round(i * (count - 1) / (limit - 1)) for i in range(limit)]
