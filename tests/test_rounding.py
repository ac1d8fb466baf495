import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmasos_edu.rounding import number, numbers, table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (-0.0, "0"), (1, "1"), (1234567, "1,234,567"), (True, "True"),
        (0.0001234, "0.000123"), (0.00001234, "1.23e-05"), (9.996, "10.0"), (99.96, "100"), (1e9, "1.00e+09"),
        (-2.5, "-2.50"), (float("nan"), "nan"), (float("-inf"), "-inf"), (np.float32(0.1), "0.100"),
        (np.int64(7), "7"),
    ],
)  # fmt: skip
def test_number(value, text):
    assert number(value) == text


@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_number_is_within_half_a_unit_of_the_third_digit(x):
    assert abs(float(number(x).replace(",", "")) - x) <= 0.00501 * abs(x) + 1e-300


def test_digits_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1; got 0"):
        number(1.5, digits=0)


def test_numbers_and_table():
    assert numbers(np.array([0.25, 3.0])) == "[0.250, 3.00]"
    text = table([["风筝", 0.5], ["kite", 12]], ["word", "P"])
    assert text.splitlines() == ["word      P", "----  -----", "风筝  0.500", "kite     12"]
    with pytest.raises(ValueError, match="row 0 must have 2 cells"):
        table([["a"]], ["x", "y"])
