"""Settings: refused when built, the same after JSON, and no kind that JSON would change."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmasos_edu.config import Config, setting


@dataclass(frozen=True)
class Oven(Config):
    loaves: int = setting(help="loaves at once", unit="loaves", least=1, most=40)
    heat: float = setting(220.0, "heat", "°C", least=0)
    steam: bool = setting(False, "steam in the first minutes")
    flour: Literal["wheat", "rye"] = setting("wheat", "which flour")
    betas: tuple[float, float] = setting((0.9, 0.95), "two rates")
    rests: tuple[int, ...] = setting((), "minutes of each rest", "minutes", least=1)
    clip: float | None = setting(1.0, "largest norm; none: not clipped", least=0)
    baker: str = setting("", "who bakes")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steam and self.flour == "rye":
            raise ValueError("steam must be false with rye; got true")


FULL = {
    "loaves": 3, "heat": 7.5, "steam": True, "flour": "wheat", "betas": [0.1, 0.2], "rests": [5, 6],
    "clip": None, "baker": "面包",
}  # fmt: skip


def test_json_is_plain_and_comes_back_equal():
    oven = Oven(3, 7.5, True, "wheat", (0.1, 0.2), (5, 6), None, "面包")
    assert json.loads(oven.to_json()) == FULL
    assert Oven.from_json(oven.to_json()) == oven
    assert hash(Oven.from_json(oven.to_json())) == hash(oven)


@given(
    st.builds(
        Oven,
        loaves=st.integers(1, 40),
        heat=st.floats(0, 1e300),
        betas=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
        rests=st.lists(st.integers(1)),
        clip=st.none() | st.floats(0, 9),
        baker=st.text(),
    )
)
def test_every_config_survives_json(oven):
    assert Oven.from_json(oven.to_json()) == oven


def test_frozen_and_replaced():
    oven = Oven(2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        oven.loaves = 3  # type: ignore[misc]
    assert oven.replace(loaves=4) == Oven(4)
    with pytest.raises(ValueError, match=r"Oven has no \['loafs'\]; it has \['loaves', 'heat'"):
        oven.replace(loafs=4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loaves": 0}, "loaves must be at least 1 loaves; got 0"),
        ({"loaves": 41}, "loaves must be at most 40 loaves; got 41"),
        ({"loaves": 2.0}, "loaves must be a whole number; got 2.0"),
        ({"loaves": True}, "loaves must be a whole number; got True"),
        ({"heat": float("nan")}, "heat must be a finite number; got nan"),
        ({"heat": "hot"}, "heat must be a finite number; got 'hot'"),
        ({"steam": 1}, "steam must be true or false; got 1"),
        ({"flour": "spelt"}, "flour must be one of 'wheat', 'rye'; got 'spelt'"),
        ({"betas": [0.9]}, "betas must be a tuple of float, float; got [0.9]"),
        ({"betas": [0.9, None]}, "betas must be a finite number; got [0.9, None]"),
        ({"rests": [5, 0]}, "rests must be at least 1 minutes; got 0"),
        ({"clip": -1}, "clip must be at least 0; got -1.0"),
        ({"baker": None}, "baker must be a text; got None"),
        ({"flour": "rye"}, "steam must be false with rye; got true"),
    ],
)
def test_a_wrong_value_is_refused_by_name(change, said):
    with pytest.raises(ValueError, match=r".") as refused:
        Oven.from_json(json.dumps(FULL | change))
    assert str(refused.value) == said


def test_whole_numbers_lists_and_numpys_numbers_become_what_json_gives():
    assert Oven(1, heat=200).heat.__class__ is float
    oven = Oven(np.int64(3), heat=np.float32(0.5))
    assert (oven.loaves.__class__, oven.heat.__class__) == (int, float)
    assert Oven.from_json(oven.to_json()) == oven
    assert Oven(1, rests=[1, 2]).rests == (1, 2)


def test_unknown_missing_and_foreign_json():
    with pytest.raises(ValueError, match=r"Oven has no \['hat'\]"):
        Oven.from_json(json.dumps(FULL | {"hat": 1}))
    short = {k: v for k, v in FULL.items() if k not in ("heat", "clip")}
    with pytest.raises(ValueError, match=r"Oven lacks \['heat', 'clip'\]"):
        Oven.from_json(json.dumps(short))
    with pytest.raises(ValueError, match="must be a JSON object"):
        Oven.from_json("[1]")
    with pytest.raises(ValueError, match="settings must be JSON; Expecting"):
        Oven.from_json("{")


def test_each_field_carries_help_and_unit():
    by_name = {f.name: f.metadata for f in dataclasses.fields(Oven)}
    assert by_name["heat"]["help"] == "heat"
    assert by_name["heat"]["unit"] == "°C"
