"""Arguments of derivations and of what surrounds a claim that fit nothing: one sentence that names the argument."""

from fractions import Fraction as F

import pytest

from exactdropout import Architecture, Examples, check, derive
from exactdropout.errors import InvalidInput

ARCH = Architecture(2, (1,), biases=False)
NUMBERS = derive(ARCH, Examples.point((1, 1), 1), F(1, 2))
LONG = Architecture(1, (1, 2, 1), biases=False)


@pytest.mark.parametrize("limit", [-1, 0, float("nan"), "many", True])
def test_limits_are_positive_numbers(limit):
    for call in (
        lambda: derive(ARCH, max_cost=limit),
        lambda: NUMBERS.gradient(max_cost=limit),
        lambda: NUMBERS.hessian(max_cost=limit),
        lambda: NUMBERS.regions(max_cost=limit),
    ):
        with pytest.raises(InvalidInput, match="'max_cost' must be a positive number"):
            call()


def test_values_are_a_mapping():
    for call in (NUMBERS.penalty.evaluate, NUMBERS.penalty.subs):
        with pytest.raises(InvalidInput, match="'values' must map"):
            call([1])


def test_no_layer_at_all_is_refused():
    with pytest.raises(InvalidInput, match="'layer'"):
        derive(ARCH).derivative_q("penalty", layer=[])


@pytest.mark.parametrize(
    ("argument", "text"), [("assume", "foo bar"), ("assume", [3]), ("data", "point(x, foo)"), ("q", "foo")]
)
def test_errors_name_the_argument_that_was_read(argument, text):
    with pytest.raises(InvalidInput, match=f"Argument '{argument}'"):
        check("J_D >= 0", ARCH, **{argument: text})


def test_the_search_for_regions_tells_how_far_it_is():
    told = []
    found = derive(LONG, Examples.point((1,), 1), F(1, 2)).regions(
        "criterion", progress=lambda done, total: told.append((done, total))
    )
    assert len(found) == len(list(found))
    assert told
    assert all(0 <= done < total for done, total in told)
