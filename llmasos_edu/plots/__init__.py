"""Figures with text twins: arrays in, one object out that shows a picture and prints its numbers beneath.

    plots.bars([" kite", " drum"], [0.785, 0.005], title="After: Mia left the red", value_name="P")

A picture has alt text; the table beneath it says the same to who cannot see it, and is what tests compare.
Colours are those of Okabe and Ito, and cividis, which colour-blind readers can tell apart; the background is
opaque, so that figures read well in Lab's dark theme too.

Sources: M. Okabe, K. Ito, Color Universal Design (2002); J. Nuñez et al., cividis, PLOS ONE 13(7) (2018).
"""

from llmasos_edu.plots.base import COLOURS, Plot
from llmasos_edu.plots.charts import bars, histogram, lines, scatter
from llmasos_edu.plots.heat import heatmap
from llmasos_edu.plots.words import TintedWords, tinted_words

__all__ = [
    "COLOURS", "Plot", "TintedWords", "bars", "heatmap", "histogram", "lines", "scatter", "tinted_words",
]  # fmt: skip
