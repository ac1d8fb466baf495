"""The Attention Explorer: which token looks at which, why, and what changes it, under the finger.

It teaches that attention is a softmax over scaled scores, row by row: a hotter or smaller scale spreads a
row, a colder or larger one sharpens it, a mask takes entries away and the rest is renormalised; that heads
differ in what they do; that a head switched off changes the next word. The browser computes and draws all of
it from bytes sent once; the kernel is asked only for a new sentence, heads switched off, another layer, or
the exact numbers of another head. Leaves out: models. `llmasos_edu.explore` puts one behind it.

Sources: Vaswani et al. 2017, eq. 1 (scaled dot-product attention); Xiao et al. 2023, "Efficient Streaming
Language Models with Attention Sinks" (why token 0 takes so much, hence the switch that hides it); Vig 2019,
"A Multiscale Visualization of Attention in the Transformer Model" (heads side by side, lines). Explained in
lessons 04 and 08.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from llmasos_edu.widgets import explorer_pieces as pieces
from llmasos_edu.widgets import explorer_words as words
from llmasos_edu.widgets.attention_data import Reading, allowed, of_arrays, softmax_rows
from llmasos_edu.widgets.base import Widget, as_bytes, assemble
from llmasos_edu.widgets.export import write_page

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

MASKS = ("causal", "none", "window")
VIEWS = ("heads", "glance", "lines", "why", "table", "next")
#: What `state()` gives and `restore()` takes.
STATE = (
    "typed", "off", "layer", "head", "row", "column", "scale", "temperature", "mask", "window", "hide_first",
    "edits", "difference", "views", "measure", "palette",
)  # fmt: skip

Answer = Callable[[str, frozenset[tuple[int, int]]], Reading]


class AttentionExplorer(Widget):
    """Attention, explored: one head's map, all heads, lines, the sum behind a weight, the next word.

    Args:
        q: Queries, (T, D), (H, T, D) or (L, H, T, D), any float type.
        k: Keys, of the same shape as q but for T where `keys` is given.
        tokens: The T tokens as text.
        v: Values, for what a weight brings home.
        weights: Attention weights in place of q and k: (T, T), (H, T, T) or (L, H, T, T); shown as they are
            while nothing is changed, whatever their rows add up to.
        keys: The tokens that are looked at, where they are others (cross-attention).
        mask: "causal" (a token looks at itself and what came before) or "none"; the default is "causal" with
            q and k, and "none" with weights or keys.
        scale: What q·k is multiplied by; the default is 1/√d_head. Only with q and k.
        next_words: For each position the likeliest next tokens with their probabilities, best first.
        reading: What a model did with a text, in place of the arrays.
        before: What another model, say the same one earlier in its training, did with the same text: shown
            as what was, and as the original of the difference map.
        answer: answer(text, off) → Reading: what the model does with another text, or with the heads
            (layer, head) in `off` switched off. A ValueError refuses; its message is shown.
        roles: Role → (L, H) scores from 0 to 1, from a probe made for it, never from this text.
        views: The views that are open: some of "heads", "glance", "lines", "why", "table", "next".
        layer: The layer shown first,
        head: the head, and
        row: the query whose row is pinned first; the default is where a token looks most decidedly at
            another.
        temperature: What the scores are divided by.

    Attributes:
        summary: The pinned row in a sentence, renewed by the browser.
        typed, off, layer, head, row, column, scale, temperature, mask, window, hide_first, edits, difference,
            views, measure, palette: What the reader set; may be set here too.
        error: Why the last wish was refused, or "".

    Raises:
        ValueError: Shapes that do not fit (both are named), numbers that are not finite, negative weights,
            more than 1,024 tokens, an unknown mask or view, a scale or temperature that is not above zero.

    Example:
        >>> q = k = np.eye(3)
        >>> AttentionExplorer(q, k, ["the", "cat", "sat"], mask="none", row=2).text().splitlines()[0]
        "'sat' attends most to itself, 47 %."
    """

    _esm = assemble("attention_explorer")
    _still = False  # while many traits are set at once, nobody is asked
    meta = traitlets.Dict().tag(sync=True)
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    key_tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    next_words: traitlets.List[Any] = traitlets.List().tag(sync=True)
    next_before: traitlets.List[Any] = traitlets.List().tag(sync=True)
    pictures = traitlets.Bytes().tag(sync=True)
    exact = traitlets.Bytes().tag(sync=True)
    glance = traitlets.Bytes().tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    typed = traitlets.Unicode("").tag(sync=True)
    off: traitlets.List[Any] = traitlets.List().tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    row = traitlets.Int(0).tag(sync=True)
    column = traitlets.Int(-1).tag(sync=True)
    scale = traitlets.Float(1.0).tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)
    mask = traitlets.Enum(MASKS, "causal").tag(sync=True)
    window = traitlets.Int(4).tag(sync=True)
    hide_first = traitlets.Bool(False).tag(sync=True)
    edits: traitlets.List[Any] = traitlets.List().tag(sync=True)
    difference = traitlets.Bool(False).tag(sync=True)
    views = traitlets.List(traitlets.Enum(VIEWS)).tag(sync=True)
    measure = traitlets.Unicode("").tag(sync=True)
    palette = traitlets.Enum(("cividis", "viridis", "grey"), "cividis").tag(sync=True)

    def __init__(
        self,
        q: Any = None,
        k: Any = None,
        tokens: Sequence[str] = (),
        *,
        v: Any = None,
        weights: Any = None,
        keys: Sequence[str] | None = None,
        mask: str | None = None,
        scale: float | None = None,
        next_words: Sequence[Sequence[tuple[str, float]]] = (),
        reading: Reading | None = None,
        before: Reading | None = None,
        answer: Answer | None = None,
        roles: Mapping[str, Any] | None = None,
        views: Sequence[str] = ("heads", "table", "next"),
        layer: int | None = None,
        head: int | None = None,
        row: int | None = None,
        temperature: float = 1.0,
    ) -> None:
        if reading is None:
            causal = pieces.causal(mask, weights, keys)
            found = [list(words) for words in next_words]
            reading = of_arrays(q, k, v, weights, tokens, keys, causal=causal, scale=scale, next_words=found)
        elif any(given is not None for given in (q, k, v, weights, keys, mask, scale)) or tokens:
            raise ValueError("give arrays or a reading, not both")
        if before is not None:
            pieces.check_before(before, reading, answer)
        if unknown := [view for view in views if view not in VIEWS]:
            raise ValueError(f"views must be some of {VIEWS}; got {unknown}")
        if not 0 < temperature < float("inf"):
            raise ValueError(f"temperature must be above 0; got {temperature}")
        self._answer, self._roles = answer, pieces.check_roles(roles, reading)
        self._readings = (before or reading, reading)  # with all heads on or as it was, and as shown
        self._count = 0
        self._off: list[Any] = []  # the heads that are off in the reading shown
        self.looked = pieces.scan(reading, layer)
        layer, head, row = pieces.opening(reading, self.looked, layer, head, row)
        super().__init__(
            layer=layer, head=head, row=row, temperature=float(temperature), scale=reading.natural_scale,
            mask=reading.mask, typed=reading.text, measure=next(iter(self._measures()), ""),
            views=list(views),
        )  # fmt: skip
        self.push(**self._reading_traits(), **self._layer_traits())
        self.observe(self._moved, ["layer", "head"])
        self.observe(self._asked, ["typed", "off"])

    def update(
        self,
        q: Any = None,
        k: Any = None,
        tokens: Sequence[str] = (),
        *,
        v: Any = None,
        weights: Any = None,
        keys: Sequence[str] | None = None,
    ) -> None:
        """Show other arrays, for the same controls: arguments as at the start."""
        shown = list(tokens) or self.reading.tokens
        reading = of_arrays(q, k, v, weights, shown, keys, causal=pieces.causal(None, weights, keys))
        self._show(reading, reading, scale=reading.natural_scale, mask=reading.mask, column=-1, edits=[])

    @property
    def reading(self) -> Reading:
        """What the model did with the text, as shown."""
        return self._readings[1]

    def state(self) -> dict[str, Any]:
        """What the reader set, as plain data for JSON: `restore` brings it back."""
        return {name: _plain(getattr(self, name)) for name in STATE}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Bring back what `state()` gave: the sentence, the heads that are off, and all else.

        Raises:
            ValueError: Names that are no part of a state; or the sentence is refused.
        """
        if unknown := sorted(set(state) - set(STATE)):
            raise ValueError(f"a state has {', '.join(STATE)}; got {', '.join(unknown)}")
        asked = {name: _plain(state[name]) for name in ("typed", "off") if name in state}
        self._quietly(**asked)
        self._asked()
        if self.error:
            raise ValueError(self.error)
        self._quietly(**{name: _plain(state[name]) for name in state if name not in asked})
        self._moved()

    def weights(self, layer: int | None = None, head: int | None = None) -> Float[np.ndarray, "Tq Tk"]:
        """The weights that the map shows now (of one head), computed here as the browser computes them."""
        layer, head = self.layer if layer is None else layer, self.head if head is None else head
        edits = [edit[2:] for edit in self.edits if edit[:2] == [layer, head]]
        found = pieces.one_head(self.reading.layers[layer], head, edits)
        sums = 1.0 if found.weights is None else found.weights[0].sum(axis=-1, keepdims=True)
        scores = found.scores(self.scale)[0].astype(np.float64)
        return softmax_rows(scores, self._allowed(), self.temperature) * sums

    def text(self) -> str:
        """The pinned row in words, what is shown, what the head does, what comes next, what is off."""
        return "\n".join(words.lines(self, self._readings[0], self.weights(), self._roles))

    def static_html(self) -> str:
        """The map and the pinned row as tables."""
        return words.tables(self.reading, self.weights(), self._allowed(), self.row)

    def to_html(self, path: str | Path) -> Path:
        """Write a page that works without kernel and network: the layer in 8 bits, the shown head in full.

        Args:
            path: Where; an older file is replaced in one step.

        Returns:
            The path.
        """
        kept = self._layer_traits(alone=True)
        kept["meta"] |= {"live": False}
        title = " ".join(["Attention:", *self.reading.tokens])[:80]
        return write_page(path, self, title, **kept, summary=self.text().partition("\n")[0])

    def _allowed(self) -> Bool[np.ndarray, "Tq Tk"]:
        return allowed(self.reading.layers[0].shape, self.mask, self.window, self.hide_first)

    def _measures(self) -> dict[str, np.ndarray]:
        return pieces.measures(self._roles, self.looked)

    def _reading_traits(self) -> dict[str, Any]:
        """Tokens and next words, and the numbers by which layers × heads are coloured."""
        before, now = self._readings
        found = self._measures()
        return {
            "tokens": now.tokens, "key_tokens": now.keys or [],
            "glance": as_bytes(np.array(list(found.values()))),
            "next_words": now.next_words, "next_before": [] if before is now else before.next_words,
        }  # fmt: skip

    def _layer_traits(self, alone: bool = False) -> dict[str, Any]:
        """Pictures and exact numbers for the layer and head in hand, and what all of it is."""
        before, now = self._readings
        layer = now.layers[self.layer]  # one may have q and k, another weights alone
        found = pieces.of_layer(now, before, self.looked, self.layer, self.head, alone)
        L, H = len(now.layers), layer.heads
        labels = [pieces.label(self._roles, at, head) for at in range(L) for head in range(H)]
        return {
            "pictures": found["pictures"], "exact": found["exact"],
            "meta": {
                **found["sent"], "reading": self._count, "layers": L, "heads": H, "d_head": layer.d_head,
                "scale": now.natural_scale, "mask": now.mask, "measures": list(self._measures()),
                "labels": labels, "live": self._answer is not None,
                "answered": [self.typed, _plain(self.off)], "left_out": pieces.left_out(now, self.looked),
            },
        }  # fmt: skip

    def _show(self, before: Reading, reading: Reading, **more: Any) -> None:
        """Another reading; the reader's place is kept where there is one, edits while the tokens stay."""
        kept = {"column": self.column, "edits": self.edits} if reading.tokens == self.reading.tokens else {}
        layers, heads = len(reading.layers), reading.layers[0].heads
        if (layers, heads) != (len(self.reading.layers), self.reading.layers[0].heads):
            self._roles = {}
        self._readings, self._count, self._off = (before, reading), self._count + 1, _plain(self.off)
        place = {"layer": min(self.layer, layers - 1), "head": min(self.head, heads - 1)}
        self.looked = pieces.scan(reading, place["layer"])
        with self.hold_sync():
            row = min(self.row, len(reading.tokens) - 1)
            self._quietly(**{"column": -1, "edits": [], **kept}, **place, row=row, error="")
            self.push(**self._reading_traits(), **self._layer_traits(), **more)

    def _quietly(self, **traits: Any) -> None:
        """Set traits as `push` does, and ask nobody yet."""
        self._still = True
        try:
            self.push(**traits)
        finally:
            self._still = False

    @traitlets.validate("layer", "head", "row")
    def _within(self, proposal: Any) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        layers = self.reading.layers
        n = {"layer": len(layers), "head": layers[0].heads, "row": len(self.reading.tokens)}[name]
        if not 0 <= value < n:
            raise ValueError(f"{name} must be from 0 to {n - 1}; got {value}")
        return int(value)

    def _moved(self, change: Any = None) -> None:
        """Another layer or head: send what the browser may lack of it."""
        if not self._still:
            self.push(**self._layer_traits())

    def _asked(self, change: Any = None) -> None:
        """Another sentence, or other heads off: ask the model; what it refuses is told, the view stays."""
        if self._still or self._answer is None or self.meta["answered"] == [self.typed, _plain(self.off)]:
            return
        off = frozenset((int(layer), int(head)) for layer, head in self.off)
        try:
            same = self.meta["answered"][0] == self.typed and not self.error
            before = self._readings[0] if same else self._answer(self.typed, frozenset())
            reading = self._answer(self.typed, off) if off else before
        except Exception as error:  # whatever the model's code raises: the view tells it
            told = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            kept = _plain(self._off)  # a head that cannot be off is on: it bars no later sentence
            self._quietly(off=kept, error=told, meta={**self.meta, "answered": [self.typed, kept]})
        else:
            self._show(before, reading)


def _plain(value: Any) -> Any:
    """Lists within lists as new plain lists."""
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value
