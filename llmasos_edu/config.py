"""Settings as frozen dataclasses: checked when built, each with its unit, to JSON and back.

Teaches: an experiment is its settings, so they are one value that prints, compares, is stored beside the
weights, and cannot change while a run goes on. Leaves out: files that are executed, and values that mean
"unset". A kind is int, float, bool, str, a Literal, a tuple of these, or one of these or None.
"""

from __future__ import annotations

import dataclasses
import json
import math
import numbers
import types
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["Config", "setting"]

C = TypeVar("C", bound="Config")


def setting(
    default: Any = MISSING,
    help: str = "",
    unit: str = "",
    *,
    least: int | float | None = None,
    most: int | float | None = None,
) -> Any:
    """A field of a `Config`: its default (left out: must be given), what it does, its unit, its bounds."""
    return field(default=default, metadata={"help": help, "unit": unit, "least": least, "most": most})


@dataclass(frozen=True)
class Config:
    """The base of every config. A subclass adds what must fit together after `super().__post_init__()`.

    Raises:
        ValueError: If a value is of the wrong kind or out of bounds; names the field and what it must be.

    Example:
        >>> @dataclass(frozen=True)
        ... class Walk(Config):
        ...     steps: int = setting(10, "how many steps", "steps", least=1)
        >>> Walk.from_json(Walk(steps=3).to_json())
        Walk(steps=3)
    """

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for f in dataclasses.fields(self):
            try:
                value = _as_kind(hints[f.name], getattr(self, f.name))
            except ValueError as e:
                raise ValueError(f"{f.name} must be {e}; got {getattr(self, f.name)!r}") from None
            _refuse_out_of_bounds(f, value if isinstance(value, tuple) else (value,))
            object.__setattr__(self, f.name, value)  # lists as tuples, whole numbers as floats

    def replace(self: C, **changes: Any) -> C:
        """The same settings with some changed, checked again."""
        self._only_known(changes)
        return dataclasses.replace(self, **changes)

    def to_json(self) -> str:
        """Every field as a JSON object, in order."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls: type[C], text: str) -> C:
        """Read what `to_json` wrote.

        Raises:
            ValueError: If a field is unknown, missing or of the wrong kind; names it and what is allowed.
        """
        try:
            found = json.loads(text)
        except json.JSONDecodeError as e:
            raise ValueError(f"settings must be JSON; {e}") from None
        if not isinstance(found, dict):
            raise ValueError(f"settings must be a JSON object with {cls._names()}; got {text[:60]!r}")
        cls._only_known(found)
        if missing := [name for name in cls._names() if name not in found]:
            raise ValueError(f"{cls.__name__} lacks {missing}; it must have {cls._names()}")
        return cls(**found)

    @classmethod
    def _names(cls) -> list[str]:
        return [f.name for f in dataclasses.fields(cls)]

    @classmethod
    def _only_known(cls, found: dict[str, Any]) -> None:
        if unknown := [name for name in found if name not in cls._names()]:
            raise ValueError(f"{cls.__name__} has no {unknown}; it has {cls._names()}")


def _refuse_out_of_bounds(f: dataclasses.Field[Any], values: tuple[Any, ...]) -> None:
    unit = f" {f.metadata['unit']}" if f.metadata.get("unit") else ""
    for sign, word in ((1, "least"), (-1, "most")):
        bound: Any = f.metadata.get(word)
        for value in values:
            if None not in (bound, value) and sign * value < sign * bound:
                raise ValueError(f"{f.name} must be at {word} {bound}{unit}; got {value!r}")


def _as_kind(kind: Any, value: Any) -> Any:
    """`value` as a field of this kind holds it; otherwise ValueError with what it must be."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        if type(value) in {type(part) for part in parts} and value in parts:
            return value
        raise ValueError("one of " + ", ".join(map(repr, parts)))
    if origin in (Union, types.UnionType):  # X | None
        (kind,) = (part for part in parts if part is not types.NoneType)
        return None if value is None else _as_kind(kind, value)
    if origin is tuple:
        if isinstance(value, list | tuple) and (parts[-1] is ... or len(value) == len(parts)):
            kinds = parts[:1] * len(value) if parts[-1] is ... else parts
            return tuple(map(_as_kind, kinds, value))
        raise ValueError("a tuple of " + ", ".join("more" if p is ... else p.__name__ for p in parts))
    wider = {int: numbers.Integral, float: numbers.Real}.get(kind, kind)  # NumPy's numbers too
    fits = isinstance(value, wider) and (
        kind is bool or not isinstance(value, bool)
    )  # True is no number here
    if kind is float and not (fits and math.isfinite(value)):
        raise ValueError("a finite number")
    if not fits:
        raise ValueError({int: "a whole number", bool: "true or false", str: "a text"}.get(kind, str(kind)))
    return kind(value)
