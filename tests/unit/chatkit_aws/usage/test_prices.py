import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkit_aws.usage import InvalidPrices, Prices, Usage

PRICES = Prices.of(
    """{"gpt-5*": {"input": 1.25, "cached": 0.125, "output": 10.0},
        "gpt-5-mini*": {"input": 0.25, "cached": 0.025, "output": 2},
        "gpt-5-mini": {"input": 0.1, "output": 0.3},
        "local": {"input": 0, "output": 0}}"""
)
MILLION = Usage(input=1_000_000)


def test_cost_is_in_millionths_of_a_dollar() -> None:
    assert PRICES.cost("gpt-5", Usage(input=1_000_000, output=1_000_000)) == 11_250_000


def test_cached_input_has_its_own_price() -> None:
    assert PRICES.cost("gpt-5", Usage(input=1_000, cached=800)) == 350


def test_cached_input_costs_as_other_input_where_no_price_is_given() -> None:
    assert PRICES.cost("gpt-5-mini", Usage(input=1_000, cached=1_000)) == 100


def test_reasoning_is_paid_as_the_output_that_it_is_part_of() -> None:
    assert PRICES.cost("gpt-5", Usage(output=10, reasoning=9)) == 100


@pytest.mark.parametrize(("usage", "cost"), [(Usage(input=1), 2), (Usage(input=4), 5), (Usage(), 0)])
def test_fractions_are_rounded_up(usage: Usage, cost: int) -> None:
    assert PRICES.cost("gpt-5", usage) == cost


def test_sums_of_decimals_are_exact() -> None:
    """With floats it were 0.1 + 0.1 + 0.1 + ... = 3.0000000000000004 and so 4."""
    assert PRICES.cost("gpt-5-mini", Usage(output=10)) == 3


@pytest.mark.parametrize(
    ("model", "cost"),
    [("gpt-5-mini", 100_000), ("gpt-5-mini-2026", 250_000), ("gpt-5.2", 1_250_000), ("local", 0), ("gpt-4", None)],
)
def test_whole_name_goes_before_the_longest_beginning(model: str, cost: int | None) -> None:
    assert PRICES.cost(model, MILLION) == cost


@pytest.mark.parametrize("model", ["gpt-5*", "*", "", "gpt-5-mini*"])
def test_name_of_a_model_is_no_pattern(model: str) -> None:
    prices = Prices.of('{"gpt-5*": {"input": 1, "output": 1}, "gpt-5": {"input": 2, "output": 2}}')
    assert prices.cost(model, MILLION) == (1_000_000 if model.startswith("gpt-5") else None)


def test_asterisk_alone_is_for_every_other_model() -> None:
    prices = Prices.of('{"*": {"input": 1, "output": 1}, "gpt*": {"input": 2, "output": 2}}')
    assert (prices.cost("o9", MILLION), prices.cost("gpt-5", MILLION)) == (1_000_000, 2_000_000)


def test_more_cached_than_input_costs_no_less_than_all_of_it_cached() -> None:
    assert PRICES.cost("gpt-5", Usage(input=8, cached=800)) == 1


def test_no_prices_are_prices_too() -> None:
    assert Prices.of("{}").cost("gpt-5", MILLION) is None


def test_amounts_with_more_digits_than_a_float_has_are_exact() -> None:
    prices = Prices.of('{"m": {"input": 999999.000000000001, "output": 0}}')
    assert prices.cost("m", MILLION) == 999_999_000_001


@given(
    st.decimals(0, 1_000_000, places=12),
    st.decimals(0, 1_000_000, places=12),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
)
def test_cost_is_the_exact_one_rounded_up(first: Decimal, second: Decimal, asked: int, answered: int) -> None:
    prices = Prices.of(f'{{"m": {{"input": {first:f}, "output": {second:f}}}}}')
    exact = Fraction(first) * asked + Fraction(second) * answered
    assert prices.cost("m", Usage(input=asked, output=answered)) == math.ceil(exact)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the text is no JSON"),
        ("[]", "the text: Input should be"),
        ('{"m": 1}', "m: "),
        ('{"m": {"input": 1}}', "m output: Field required"),
        ('{"m": {"input": 1, "output": 1, "cache": 1}}', "m cache: Extra inputs"),
        ('{"m": {"input": -1, "output": 1}}', "m input: Input should be greater"),
        ('{"m": {"input": NaN, "output": 1}}', "m input: "),
        ('{"m": {"input": true, "output": 1}}', "m input: "),
        ('{"m": {"input": 1e999999999, "output": 1}}', "m input: "),
        ('{"m": {"input": 1e-99999999, "output": 1}}', "m input: "),
        ('{"m": {"input": 0e99999999, "output": 1}}', "m input: "),
        ('{"m": {"input": 1e99999999999999999999, "output": 1}}', "the text is no JSON"),
        ('{"m": {"input": 1, "input": 2, "output": 1}}', "twice among input, output"),
        ('{"m": {"input": "much", "output": 1}}', "m input: "),
        ('{"a*b": {"input": 1, "output": 1}}', "a*b"),
        ('{"": {"input": 1, "output": 1}}', "prices: "),
    ],
)
def test_bad_configuration_is_refused_with_the_place_and_the_reason(text: str, part: str) -> None:
    with pytest.raises(InvalidPrices) as refused:
        Prices.of(text)
    assert part in str(refused.value)
