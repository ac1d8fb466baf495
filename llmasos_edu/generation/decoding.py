"""How the next token is picked, as settings: which strategies, with which numbers.

Teaches that every strategy is one number, and which number leaves the model's distribution as it is. Needs no
torch, so that the command line's help is made of it. The strategies themselves: `strategies`. Explained in
lesson 07.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from llmasos_edu.config import Config, setting

__all__ = ["Decoding"]


@dataclass(frozen=True)
class Decoding(Config):
    """Which strategies shape the next token's distribution; the defaults leave it as the model gives it.

    They are applied in the order of the fields, from `repetition_penalty` down.

    Raises:
        ValueError: If a number is out of range, or `greedy` stands beside a strategy that could not matter.

    Example:
        >>> Decoding(temperature=0.8, top_p=0.9)
        Decoding(greedy=False, repetition_penalty=1.0, temperature=0.8, top_k=0, top_p=0.9, min_p=0.0)
    """

    greedy: bool = setting(False, "Always take the likeliest token; nothing is drawn.")
    repetition_penalty: float = setting(
        1.0,
        "Divide the logits (multiply negative ones) of tokens that the text has; above 1 says: not again.",
    )
    temperature: float = setting(
        1.0, "Divide the logits by it, above 0: below 1 the likely get likelier, above 1 all get more alike."
    )
    top_k: int = setting(0, "Keep only the k likeliest tokens; 0 keeps all.", "tokens", least=0)
    top_p: float = setting(
        1.0, "Keep the likeliest tokens that together have at least this share, above 0; 1 keeps all.", most=1
    )
    min_p: float = setting(
        0.0, "Keep tokens at least this share as likely as the likeliest; 0 keeps all.", least=0, most=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("repetition_penalty", "temperature", "top_p"):
            if getattr(self, name) <= 0:
                hint = "; for the likeliest token set greedy" if name == "temperature" else ""
                raise ValueError(f"{name} must be above 0{hint}; got {getattr(self, name)}")
        idle = [f.name for f in fields(self) if f.name not in ("greedy", "repetition_penalty")]
        changed = [f.name for f in fields(self) if f.name in idle and getattr(self, f.name) != f.default]
        if self.greedy and changed:
            raise ValueError(
                f"greedy takes the likeliest token, which {', '.join(changed)} cannot change: "
                "leave one of them out"
            )
