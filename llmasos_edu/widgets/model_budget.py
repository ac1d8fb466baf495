"""What a GPT of a chosen shape weighs and costs: its numbers part by part, while the shape changes.

Teaches where a model's parameters sit and what one token costs: the blocks grow with the square of the width,
the embedding with the width and the vocabulary, and the looking back with the length of the text. The
arithmetic is GPT-2's, biases and learned positions included; `costs` counts the same from a model's config,
and a test holds the two equal.

Leaves out: activations kept for the backward pass, and shared key/value heads. Sources: Radford et al. 2019,
"Language Models are Unsupervised Multitask Learners" (the shapes); Kaplan et al. 2020, "Scaling Laws for
Neural Language Models", table 1 (operations a token). Explained in lesson 05.
"""

from __future__ import annotations

from collections.abc import Mapping

import traitlets

from llmasos_edu.rounding import number
from llmasos_edu.widgets.base import Widget, assemble

__all__ = ["ModelBudget", "budget"]

PARTS = ("token embedding", "positions", "attention", "feed-forward", "norms")
WIDTHS = (64, 128, 192, 256, 320, 384, 448, 512, 640, 768, 1024, 1280, 1600)
LAYERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 36, 48)
CONTEXTS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
STEPS = {"d_model": WIDTHS, "n_layers": LAYERS, "context_length": CONTEXTS}
BYTES_TRAINED = 16  # a float32 weight, its gradient, and AdamW's two averages


def budget(d_model: int, n_layers: int, vocab_size: int, context_length: int) -> dict[str, int]:
    """GPT-2's parameters by part, and what its last token costs.

    Args:
        d_model: Width D.
        n_layers: Blocks L.
        vocab_size: V.
        context_length: T: learned positions, and how many keys the last token looks at.

    Returns:
        Parameters under each of `PARTS`, then ``"matrices"`` and ``"looking back"``: operations
        (multiplications and additions) of one forward pass for the last token; ``"cache"``: numbers kept of
        the tokens before it.

    Example:
        >>> sum(budget(768, 12, 50257, 1024)[part] for part in PARTS)  # GPT-2 small
        124439808
    """
    d, layers = d_model, n_layers
    return {
        "token embedding": vocab_size * d,
        "positions": context_length * d,
        "attention": layers * (4 * d * d + 4 * d),
        "feed-forward": layers * (8 * d * d + 5 * d),
        "norms": (2 * layers + 1) * 2 * d,
        "matrices": 2 * (layers * 12 * d * d + vocab_size * d),
        "looking back": 4 * layers * context_length * d,
        "cache": 2 * layers * context_length * d,
    }


class ModelBudget(Widget):
    """A GPT's parameters by part, its operations a token and its bytes, under four controls.

    Args:
        vocabularies: Name → V to choose from.
        vocabulary: The one that is chosen first; by default the first.
        d_model, n_layers, context_length: The shape to begin with, each one of the steps of its slider.

    Raises:
        ValueError: If there is no vocabulary, or a number is none of its slider's steps.

    Example:
        >>> ModelBudget({"GPT-2": 50257}, d_model=768, n_layers=12).text().partition(":")[0]
        'Width 768, 12 layers, GPT-2 vocabulary (50,257), 1,024 places'
    """

    _esm = assemble("model_budget")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    sizes = traitlets.List(traitlets.Int()).tag(sync=True)
    parts = traitlets.List(traitlets.Unicode(), list(PARTS)).tag(sync=True)
    steps = traitlets.Dict(STEPS).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    d_model = traitlets.Int(768).tag(sync=True)
    n_layers = traitlets.Int(12).tag(sync=True)
    context_length = traitlets.Int(1024).tag(sync=True)

    def __init__(
        self,
        vocabularies: Mapping[str, int],
        *,
        vocabulary: str | None = None,
        d_model: int = 768,
        n_layers: int = 12,
        context_length: int = 1024,
    ):
        names = list(vocabularies)
        if not names or (vocabulary is not None and vocabulary not in names):
            raise ValueError(f"vocabulary must be one of {names}, at least one; got {vocabulary!r}")
        shape = {"d_model": d_model, "n_layers": n_layers, "context_length": context_length}
        for name, value in shape.items():
            if value not in STEPS[name]:
                raise ValueError(f"{name} must be one of {', '.join(map(str, STEPS[name]))}; got {value}")
        super().__init__(
            names=names,
            sizes=[int(vocabularies[name]) for name in names],
            chosen=0 if vocabulary is None else names.index(vocabulary),
            **shape,
        )

    def budget(self) -> dict[str, int]:
        """The numbers of the shape that is shown, as from `budget`."""
        return budget(self.d_model, self.n_layers, self.sizes[self.chosen], self.context_length)

    def text(self) -> str:
        """The shape and its sums, then a line for each part and each cost."""
        found = self.budget()
        total = sum(found[part] for part in PARTS)
        name, size = self.names[self.chosen], self.sizes[self.chosen]
        back, all_ = found["looking back"], found["matrices"] + found["looking back"]
        lines = [
            f"Width {self.d_model:,}, {_layers(self.n_layers)}, {name} vocabulary ({size:,}), "
            f"{self.context_length:,} places: {short(total)} parameters."
        ]
        lines += [f"{part}: {short(found[part])}, {percent(found[part] / total)}" for part in PARTS]
        lines.append(
            f"operations for the last token: {short(all_)}, of them looking back {percent(back / all_)}"
        )
        lines.append(
            f"bytes in float32: {short(4 * total)} to run, {short(BYTES_TRAINED * total)} to train "
            f"(activations apart), {short(4 * found['cache'])} of cache"
        )
        return "\n".join(lines)

    def static_html(self) -> str:
        """The parts as bars of text."""
        found = self.budget()
        total = sum(found[part] for part in PARTS)
        rows = "".join(
            f"<tr><td>{part}</td><td>{short(found[part])}</td><td>{percent(found[part] / total)}</td>"
            f"<td style='text-align:left'>{'█' * round(30 * found[part] / total)}</td></tr>"
            for part in PARTS
        )
        return f"<table><tr><th>part</th><th>parameters</th><th>share</th><th></th></tr>{rows}</table>"


def _layers(n: int) -> str:
    return f"{n} layer{'' if n == 1 else 's'}"


def percent(share: float) -> str:
    """A share in whole percent, as the browser rounds it."""
    return f"{int(100 * share + 0.5)} %"


def short(count: int) -> str:
    """A large count in three digits: ``"124 M"``.

    Example:
        >>> short(124439808), short(512), short(999_999)
        ('124 M', '512', '1.00 M')
    """
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if float(f"{count:.2e}") >= size:
            return f"{number(count / size)} {unit}"
    return str(count)
