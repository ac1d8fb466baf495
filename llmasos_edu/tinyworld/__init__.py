"""TinyWorld, a small invented world whose language we know completely."""

from .setting import Bias
from .story import END, Derivation, Story, TinyWorldError
from .world import BLANK, SPECIALS, TWIN, VERSION, World

__all__ = [
    "BLANK",
    "END",
    "SPECIALS",
    "TWIN",
    "VERSION",
    "Bias",
    "Derivation",
    "Story",
    "TinyWorldError",
    "World",
]
