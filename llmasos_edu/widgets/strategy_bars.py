"""The next token's distribution before and after each strategy, as bars that follow the sliders.

Teaches that temperature keeps every token and changes all shares, while top-k, top-p and min-p cut and leave
the rest in proportion; and that the three cut in different places when the model is sure and when it is not.
Logits go down once; the browser computes and draws.

Left out: drawing a token, and beam search, which is no distribution. Sources: see `generation.strategies`.
Explained in lesson 07.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import traitlets

from llmasos_edu.generation.decoding import Decoding
from llmasos_edu.generation.strategies import shaped
from llmasos_edu.probability import entropy, softmax
from llmasos_edu.widgets.attention_picture import percent, visible
from llmasos_edu.widgets.base import Widget, as_bytes, assemble, escape

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["StrategyBars"]

SHOWN = 12  # bars, likeliest first; the others are one bar together
BAR = 24  # signs in the longest bar of the static form
NAMES = {
    "temperature": "temperature", "top_k": "top-k", "top_p": "top-p", "min_p": "min-p",
    "repetition_penalty": "repetition penalty",
}  # fmt: skip


class StrategyBars(Widget):
    """Bars of the likeliest next tokens, before and after the strategies that the sliders set.

    Args:
        logits: The model's scores of the next token.
        token: From an id to its text.
        context: The text before the next token, to be shown.
        seen: Ids of that text, for the repetition penalty; without them its slider is not shown.
        decoding: Where the sliders stand at first; `greedy` is none of them.

    Raises:
        ValueError: If the logits are no row with a finite one, `seen` holds an id that is not among them, or
            `decoding` is greedy.

    Example:
        >>> bars = StrategyBars(np.log([0.6, 0.3, 0.1]), "abc".__getitem__, decoding=Decoding(top_k=2))
        >>> print(bars.text().splitlines()[1])
        'a': 60 % before, 67 % after
    """

    _esm = assemble("strategy_bars")
    logits = traitlets.Bytes(b"").tag(sync=True)  # float32 (V,)
    context = traitlets.Unicode("").tag(sync=True)
    ids = traitlets.List(traitlets.Int()).tag(sync=True)  # those with a bar of their own
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    seen = traitlets.List(traitlets.Int()).tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)
    top_k = traitlets.Int(0).tag(sync=True)
    top_p = traitlets.Float(1.0).tag(sync=True)
    min_p = traitlets.Float(0.0).tag(sync=True)
    repetition_penalty = traitlets.Float(1.0).tag(sync=True)

    def __init__(
        self,
        logits: Float[np.ndarray, ...] | Float[torch.Tensor, ...],
        token: Callable[[int], str],
        *,
        context: str = "",
        seen: Sequence[int] = (),
        decoding: Decoding = Decoding(),  # noqa: B008 (frozen)
    ):
        row = np.asarray(logits, dtype=np.float32)
        if row.ndim != 1 or not row.size or np.isnan(row).any() or not np.isfinite(row.max()):
            raise ValueError(
                f"logits must be one row (V,), no NaN, at least one of them finite; got shape {row.shape}"
            )
        if wrong := [id for id in seen if not 0 <= id < row.size]:
            raise ValueError(f"seen must hold ids from 0 to {row.size - 1:,}; got {wrong[0]}")
        if decoding.greedy:
            raise ValueError("greedy is no shape of the distribution: take top_k=1")
        self._row = row.astype(np.float64)
        likeliest = np.argsort(-self._row, kind="stable")[:SHOWN].tolist()
        super().__init__(
            logits=as_bytes(row),
            context=context,
            ids=likeliest,
            names=[token(id) for id in likeliest],
            seen=list(dict.fromkeys(map(int, seen))),
            **{name: getattr(decoding, name) for name in NAMES},
        )

    @property
    def decoding(self) -> Decoding:
        """Where the sliders stand, for `generate`."""
        return Decoding(**{name: getattr(self, name) for name in NAMES})

    @property
    def before(self) -> Float[np.ndarray, " V"]:
        """The model's own distribution."""
        return softmax(self._row)

    @property
    def after(self) -> Float[np.ndarray, " V"]:
        """The distribution after the strategies; 0 for what is cut."""
        seen = torch.tensor([self.seen], dtype=torch.long).reshape(1, -1)
        return softmax(shaped(torch.tensor(self._row)[None], seen, self.decoding)[0].numpy())

    def text(self) -> str:
        """How much can still be drawn, in a sentence; then the shown tokens before and after, a line each."""
        before, after = self.before, self.after
        kept = after > 0
        lines = [
            f"{visible(name)!r}: {percent(before[id])} before, {_after(after[id])}"
            for id, name in zip(self.ids, self.names, strict=True)
        ]
        sentence = (
            f"{self._settings()}: {kept.sum():,} of {len(after):,} tokens can be drawn, with "
            f"{percent(before[kept].sum())} of the model's probability; the choice is "
            f"{entropy(after):.2f} nats (before: {entropy(before):.2f}), as among "
            f"{math.exp(float(entropy(after))):.1f} equal tokens."
        )
        return "\n".join([sentence, *lines])

    def static_html(self) -> str:
        """The same as a table with bars of signs."""
        before, after = self.before, self.after
        rows = "".join(
            f"<tr><th>{escape(visible(name))}</th><td>{percent(before[id])}</td>"
            f"<td>{percent(after[id]) if after[id] > 0 else 'cut'}</td>"
            f'<td style="text-align: left" aria-hidden="true">{"▇" * round(BAR * float(after[id]))}</td></tr>'
            for id, name in zip(self.ids, self.names, strict=True)
        )
        context = f"<p>{escape(self.context)} …</p>" if self.context else ""
        head = "<tr><th>next token</th><th>before</th><th>after</th><th></th></tr>"
        return f"{context}<table>{head}{rows}</table>"

    def _settings(self) -> str:
        """What is set, the neutral left out."""
        default = Decoding()
        values = {
            name: getattr(self, name) for name in NAMES if getattr(self, name) != getattr(default, name)
        }
        said = [f"{NAMES[n]} {value if n == 'top_k' else f'{value:.2f}'}" for n, value in values.items()]
        return ", ".join(said) or "no strategy"


def _after(p: Any) -> str:
    return f"{percent(p)} after" if p > 0 else "cut"
