"""TinyWorld, a small invented world whose language we know completely."""

from .dirt import Dirt, Document
from .setting import Bias
from .state import Event
from .story import END, Derivation, Story, TinyWorldError
from .views import Question, Turn
from .vocabulary import Colour, Job, Person, Place, Thing
from .world import BLANK, SPECIALS, TWIN, VERSION, World

__all__ = [
    "BLANK", "END", "SPECIALS", "TWIN", "VERSION", "Bias", "Colour", "Derivation", "Dirt", "Document",
    "Event", "Job", "Person", "Place", "Question", "Story", "Thing", "TinyWorldError", "Turn", "World",
]  # fmt: skip
