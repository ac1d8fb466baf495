"""Comparing what a function gave with what was expected, and saying the difference in numbers.

Lenient where it does no harm (float32 for float64, a tuple for a list, a NumPy number for a Python one),
exact about kind, shape and value. Knows torch tensors without importing torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from llmasos_edu.rounding import number

__all__ = ["describe", "difference", "has_evidence", "not_finite"]

PRECISION = (
    4  # a value may be off by this many units of its own type's resolution: float16 4e-3, bfloat16 3e-2
)
CONVERT = {
    ("list", "array"): "np.array(…) makes one",
    ("number", "array"): "is an axis missing, or one reduced too many?",
    ("tensor", "array"): "tensor.numpy() makes one",
    ("array", "tensor"): "torch.from_numpy(…) makes one",
    ("list", "tensor"): "torch.tensor(…) makes one",
    ("array", "list"): "array.tolist() makes one",
    ("tensor", "list"): "tensor.tolist() makes one",
    ("text", "list"): "a list with one text is written [text]",
    ("array", "number"): "is a sum or a mean missing?",
    ("tensor", "number"): "is a sum or a mean missing?",
}


def describe(x: Any) -> str:
    """A value in a few words, such as "a NumPy array of shape (3, 4), float64"."""
    kind = _kind(x)
    if kind == "array":
        return f"a NumPy array of shape {x.shape}, {x.dtype}"
    if kind == "tensor":
        return f"a torch tensor of shape {tuple(x.shape)}, {str(x.dtype).removeprefix('torch.')}"
    if kind == "number":
        return f"the number {number(x)}" if not isinstance(x, bool | np.bool_) else str(bool(x))
    if kind == "list":
        return f"a {type(x).__name__} of {len(x)} item{'s' if len(x) != 1 else ''}"
    if kind == "dict":
        return f"a dict of {len(x)} key{'s' if len(x) != 1 else ''}"
    if kind == "text":
        return f"the {'bytes' if isinstance(x, bytes) else 'text'} {_short(x)}"
    return "None" if x is None else f"a {type(x).__name__}"


def difference(got: Any, expected: Any, tolerance: float) -> str | None:
    """What tells `got` from `expected`, or None where they agree.

    Args:
        got: What the function gave.
        expected: What it should give; its kind (array, tensor, number, list, dict, text) is what must come.
        tolerance: Relative and absolute; coarser types than float32 get what their resolution allows.
            Infinite: kinds and shapes are compared, not values and not the length of lists.

    Returns:
        A sentence with numbers, or None.

    Example:
        >>> difference(np.array([0.25, 0.25]), np.array([0.5, 0.25]), 1e-6)
        'at [0] got 0.250, expected 0.500 (1 of 2 values differs)'
    """
    here, there = _kind(got), _kind(expected)
    if there == "number" and here in ("array", "tensor") and tuple(got.shape) == ():
        here = "number"
    if here != there:
        tip = "" if isinstance(expected, tuple) else CONVERT.get((here, there), "")
        return f"got {describe(got)}, expected {describe(expected)}{': ' + tip if tip else ''}"
    if there in ("array", "tensor", "number"):
        return _numbers(got, expected, tolerance)
    if there == "list":
        return _lists(got, expected, tolerance)
    if there == "dict":
        return _dicts(got, expected, tolerance)
    if tolerance == math.inf:
        return None
    if there == "text":
        return _texts(got, expected)
    return None if bool(got == expected) else f"got {_short(got)}, expected {_short(expected)}"


def not_finite(got: Any, expected: Any) -> str | None:
    """Where `got` holds NaN or infinity and `expected` does not, in a sentence; None where nowhere."""
    if _kind(expected) == "list" and _kind(got) == "list":
        return next((told for a, b in zip(got, expected, strict=False) if (told := not_finite(a, b))), None)
    if _kind(expected) not in ("array", "tensor", "number"):
        return None
    a, b = _as_array(got), _as_array(expected)
    bad = ~np.isfinite(a) & np.isfinite(b)
    if not bad.any():
        return None
    where = np.unravel_index(int(bad.argmax()), bad.shape)
    what = "NaN" if np.isnan(a[where]) else "infinite"
    if not a.ndim:
        return f"the result is {what}, expected {_number(b[where], 3)}"
    return f"{int(bad.sum())} of {bad.size} values are not finite, the first at {_place(where)} is {what}"


def has_evidence(x: Any) -> bool:
    """Whether a value can tell one mistake from another: an array of NaN alone cannot."""
    if _kind(x) in ("array", "tensor", "number"):
        a = _as_array(x)
        return a.dtype.kind not in "biufc" or bool(np.isfinite(a).any())
    return x is not None


def _kind(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return "array"
    if type(x).__module__.split(".")[0] == "torch" and hasattr(x, "detach"):
        return "tensor"
    if isinstance(x, bool | int | float | complex | np.generic) and not isinstance(x, np.str_ | np.bytes_):
        return "number"
    if isinstance(x, str | bytes):
        return "text"
    if isinstance(x, Mapping):
        return "dict"
    if isinstance(x, list | tuple):
        return "list"
    return "other"


def _as_array(x: Any) -> np.ndarray:
    """Any numeric value as a NumPy array; bfloat16, which NumPy lacks, as float32."""
    if _kind(x) == "tensor":
        x = x.detach().cpu()
        x = x.float() if str(x.dtype) == "torch.bfloat16" else x
        return np.asarray(x.numpy())
    return np.asarray(x)


def _resolution(x: Any) -> float:
    """The relative step of a value's own type; 0 for whole numbers."""
    if "bfloat16" in str(getattr(x, "dtype", "")):
        return 2.0**-7
    dtype = _as_array(x).dtype
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0


def _numbers(got: Any, expected: Any, tolerance: float) -> str | None:
    tolerance = max(tolerance, PRECISION * max(_resolution(got), _resolution(expected)))
    a, b = _as_array(got), _as_array(expected)
    if a.shape != b.shape:
        return f"got shape {a.shape}, expected {b.shape}"
    if (a.dtype == bool) != (b.dtype == bool) and a.ndim:
        return f"got values of type {a.dtype}, expected {b.dtype}"
    if a.dtype.kind not in "biufc":
        return f"got values of type {a.dtype}, expected {b.dtype}"
    if tolerance == math.inf:
        return None
    x, y = (v.astype(np.result_type(v.dtype, np.float64)) for v in (a, b))
    with np.errstate(all="ignore"):
        off = ~np.isclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True)
        if not off.any():
            return None
        gap = np.where(off, np.nan_to_num(np.abs(x - y), nan=np.inf), -1)
    where = np.unravel_index(int(gap.argmax()), gap.shape)
    values = f"got {_two(a[where], b[where])}"
    if not a.ndim:
        return values
    count = int(off.sum())
    return (
        f"at {_place(where)} {values} ({count} of {off.size} values {'differs' if count == 1 else 'differ'})"
    )


def _place(where: tuple[Any, ...]) -> str:
    return "[" + ", ".join(str(int(i)) for i in where) + "]"


def _two(got: Any, expected: Any) -> str:
    """Both numbers, with as many digits as it takes to see that they differ."""
    for digits in range(3, 12):
        a, b = (_number(x, digits) for x in (got, expected))
        if a != b:
            break
    return f"{a}, expected {b}"


def _number(x: Any, digits: int) -> str:
    x = np.asarray(x)[()]
    return str(x) if np.iscomplexobj(x) else "NaN" if np.isnan(x) else number(x, digits)


def _lists(got: Sequence[Any], expected: Sequence[Any], tolerance: float) -> str | None:
    for i, (a, b) in enumerate(zip(got, expected, strict=False)):
        told = difference(a, b, tolerance)
        if told:
            return f"item {i}: {told}"
    if len(got) != len(expected) and tolerance < math.inf:
        return f"got {len(got)} items, expected {len(expected)}"
    return None


def _dicts(got: Mapping[Any, Any], expected: Mapping[Any, Any], tolerance: float) -> str | None:
    missing = [k for k in expected if k not in got]
    extra = [k for k in got if k not in expected]
    if missing or extra:
        parts = [f"{_short(missing[0])} is missing"] if missing else []
        parts += [f"{_short(extra[0])} should not be there"] if extra else []
        return f"got {len(got)} keys, expected {len(expected)}: " + ", and ".join(parts)
    for key, b in expected.items():
        told = difference(got[key], b, tolerance)
        if told:
            return f"for {_short(key)}: {told}"
    return None


def _texts(got: str | bytes, expected: str | bytes) -> str | None:
    if got == expected:
        return None
    if type(got) is not type(expected):
        return f"got {describe(got)}, expected {describe(expected)}"
    return f"got {_short(got)}, expected {_short(expected)}"


def _short(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "…"
