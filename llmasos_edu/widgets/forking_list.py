"""The forking list: the next words that a language model offers, and the text that grows from your choices.

It teaches that a language model writes no sentence: it gives a list of next words with their probabilities,
somebody chooses, and the probability of the text is the product of what was chosen. Going back and choosing
otherwise forks the text; the texts left behind stay in view with their probabilities.

Left out: choosing by chance (lesson 07), and the tokens' own numbers. The list is asked for anew from the
text each time, so a text typed in halves of a word may be cut into other tokens than those that were chosen.

Source: the chain rule of probability; Bengio et al. 2003, "A Neural Probabilistic Language Model", eq. 1.
Explained in lesson 00.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import traitlets

from llmasos_edu.rounding import number
from llmasos_edu.widgets.base import Widget, assemble, escape

__all__ = ["ForkingList"]

Words = Sequence[tuple[str, float]]  # tokens with their probabilities, the likeliest first
BROKEN = "\ufffd"  # how half a character decodes; it cannot go on as text
KEPT = 6  # texts left behind that stay in view
BAR = 24  # signs in the longest bar of the static form


class ForkingList(Widget):
    """The list of next words after a text, to choose from.

    Args:
        prompt: The text to begin with.
        next_words: Gives the list after a text: ``(token, probability)`` pairs, the likeliest first, as
            `real_llm.next_words` does. Called in the kernel for every new text, once.

    Attributes:
        summary: The choices and the list in a sentence.

    Raises:
        ValueError: The list that came is empty, or its probabilities are none.

    Example:
        >>> fork = ForkingList("Mia had a", lambda text: [(" red", 0.75), (" kite", 0.25)])
        >>> fork.choose(" kite")
        >>> fork.full_text, fork.probability
        ('Mia had a kite', 0.25)
    """

    _esm = assemble("forking_list")
    prompt = traitlets.Unicode("").tag(sync=True)
    chosen = traitlets.List[list[Any]]().tag(sync=True)  # [token, probability] each
    options = traitlets.List[list[Any]]().tag(sync=True)  # the list after the text: [token, probability] each
    left = traitlets.List[list[Any]]().tag(sync=True)  # texts left behind: a list like `chosen` each
    error = traitlets.Unicode("").tag(sync=True)
    wish = traitlets.Dict().tag(
        sync=True
    )  # set by the browser: {tokens: all to be chosen, seq: the state it was made on}

    def __init__(self, prompt: str, next_words: Callable[[str], Words]) -> None:
        self._ask = next_words
        self._lists: dict[str, list[Any]] = {}
        super().__init__(prompt=prompt, options=self._list(prompt))

    @property
    def full_text(self) -> str:
        """The prompt and everything chosen."""
        return self.prompt + "".join(token for token, _ in self.chosen)

    @property
    def probability(self) -> float:
        """The product of the chosen probabilities; 1 where nothing is chosen."""
        return math.prod((p for _, p in self.chosen), start=1.0)

    def choose(self, *tokens: str) -> None:
        """Choose these tokens, one after the other, each from the list after those before.

        Raises:
            ValueError: A token is not in its list; says what is.
        """
        self._go([*(token for token, _ in self.chosen), *tokens])

    def back(self, keep: int = 0) -> None:
        """Go back to the first `keep` chosen tokens; what is left behind stays in view.

        Raises:
            ValueError: `keep` is not from 0 to the number of chosen tokens.
        """
        if not 0 <= keep <= len(self.chosen):
            raise ValueError(f"keep must be from 0 to {len(self.chosen)}; got {keep}")
        self._go([token for token, _ in self.chosen[:keep]])

    def _go(self, tokens: Sequence[str]) -> None:
        """Stand after the prompt and these tokens."""
        path = []
        for i, token in enumerate(tokens):
            offered = dict(self._list(self.prompt + "".join(tokens[:i])))
            if token not in offered or BROKEN in token:
                shown = ", ".join(repr(t) for t in offered if BROKEN not in t)
                raise ValueError(f"{token!r} cannot be chosen here; the list is {shown}")
            path.append([token, offered[token]])
        options, left = self._list(self.prompt + "".join(tokens)), self._behind(path)
        with self.hold_sync():  # the browser reads the sentence aloud when the rest comes
            self.push(chosen=path, options=options, left=left, error="")
            self.summary = self._sentence()

    def _list(self, text: str) -> list[Any]:
        if text not in self._lists:
            found = [(token, float(p)) for token, p in self._ask(text)]
            if not found or not all(0 <= p <= 1 for _, p in found) or sum(p for _, p in found) > 1.001:
                raise ValueError(f"next_words must give (token, probability) pairs; got {found[:3]}")
            self._lists[text] = [list(pair) for pair in found]
        return self._lists[text]

    def _behind(self, path: list[Any]) -> list[Any]:
        """Every text that was tried and is neither the beginning of `path` nor of another one."""
        tried: list[Any] = []
        for text in (*self.left, self.chosen):
            if text not in tried and not _begins(path, text):
                tried.append(text)
        whole = [t for t in tried if not any(_begins(other, t) for other in tried if other is not t)]
        return whole[-KEPT:]

    @traitlets.observe("wish")
    def _fulfil(self, change: dict[str, Any]) -> None:
        """Go where the reader wants to, unless the wish was made before the last answer came."""
        wish = change["new"]
        if wish.get("seq") != self.seq:
            return
        try:
            self._go(wish["tokens"])
        except Exception as e:  # whatever the function raises is shown to the reader, not lost in a log
            self.push(error=f"{type(e).__name__}: {e}")

    def _sentence(self) -> str:
        n = len(self.chosen)
        words = (
            "nothing chosen"
            if n == 0
            else f"{n} {'word' if n == 1 else 'words'} chosen, {_odds(self.chosen)}"
        )
        token, p = self.options[0]
        return f"{self.full_text!r}: {words}; the likeliest next is {token!r} with {number(p)}."

    def text(self) -> str:
        """What is chosen and its probability, then the list, then the texts left behind."""
        rest = max(0.0, 1 - math.fsum(p for _, p in self.options))
        offered = ", ".join(f"{token!r} {number(p)}" for token, p in self.options)
        lines = [self._sentence(), f"the list: {offered}; all others {number(rest)}"]
        lines += [f"left behind: {self.prompt + _joined(path)!r}, {_odds(path)}" for path in self.left]
        return "\n".join(lines)

    def static_html(self) -> str:
        """The text and the list as a table with bars of signs."""
        text = f"<p>{escape(self.prompt)}<b>{escape(_joined(self.chosen)) if self.chosen else ''}</b> …</p>"
        rows = "".join(
            f"<tr><th>{escape(token)}</th><td>{number(p)}</td>"
            f'<td style="text-align: left" aria-hidden="true">{"▇" * round(BAR * p)}</td></tr>'
            for token, p in self.options
        )
        return f"{text}<table><tr><th>next</th><th>P</th><th></th></tr>{rows}</table>"


def _begins(path: list[Any], text: list[Any]) -> bool:
    """Whether `path` begins with `text`."""
    return path[: len(text)] == text


def _joined(path: list[Any]) -> str:
    return "".join(token for token, _ in path)


def _odds(path: list[Any]) -> str:
    p = math.prod(p for _, p in path)
    return f"probability {number(p)}" + (f", 1 in {number(round(1 / p))}" if p > 0 else "")
