"""Activation regions: counts known from elsewhere, and random points of weight space against the double loop."""

import itertools
import random
from fractions import Fraction as F

import pytest
import sympy

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network
from exactdropout.symbolic.ring.relu import relu


def ones(arch):
    return Examples.point([1] * arch.inputs, [F(2, 3)] * arch.outputs)


@pytest.mark.parametrize(("inputs", "count"), [(1, 2), (2, 6), (3, 32), (4, 370)])
def test_cones_of_a_unit(inputs, count):
    arch = Architecture(inputs, (1,), biases=False)
    found = derive(arch, ones(arch)).regions()
    assert (len(found), found.complete) == (count, True)
    two = Architecture(inputs, (2,), biases=False)
    assert len(derive(two, ones(two), F(1, 2)).regions()) == count**2


@pytest.mark.parametrize(("inputs", "count"), [(1, 4), (2, 14), (3, 104)])
def test_cones_of_a_unit_with_a_bias_are_the_threshold_functions(inputs, count):
    arch = Architecture(inputs, (1,))
    assert len(derive(arch, ones(arch), F(1, 2)).regions("criterion")) == count  # OEIS A000609


def test_a_region_of_known_shape():
    arch = Architecture(2, (1,), biases=False)
    found = derive(arch, ones(arch), F(1, 2)).regions()
    region = found.at({"W[1,1]": 3, "W[1,2]": -1})
    assert sorted(str(f) for f in region.inequalities) == ["-W[1,2]", "W[1,1] + W[1,2]"]
    v, a, b = map(sympy.Symbol, ("w[1]", "W[1,1]", "W[1,2]"))
    # masks {1} and {1, 2} leave the unit on, at 4a and 4a + 4b
    half, y = sympy.Rational(1, 2), sympy.Rational(2, 3)
    wanted = sum(half * half * ((half * (4 * v * z - y) ** 2) + half * y**2) for z in (a, a + b)) + y**2 * half
    assert sympy.expand(region.criterion.expr - wanted) == 0


CASES = [
    (Architecture(2, (2,), biases=False), F(1, 2), "penalty"),
    (Architecture(2, (1,)), [F(1, 3), F(1, 4)], "penalty"),
    (Architecture(1, (2,), outputs=2), F(1, 3), "criterion"),
    (Architecture(2, (1,), activation="leaky_relu(1/5)"), F(1, 2), "penalty"),
    (Architecture(1, (2, 1), biases=False), F(1, 2), "penalty"),
    (Architecture(2, (2, 1), biases=False), F(1, 3), "criterion"),
    (Architecture(1, (1, 1)), F(1, 2), "penalty"),
    (Architecture(1, (2, 2), biases=False), [0, F(1, 2), F(1, 2)], "penalty"),
    (Architecture(1, (1, 1, 1), biases=False), F(1, 2), "penalty"),
    (Architecture(2, (1, 1), biases=False, activation=("linear", "relu")), F(1, 2), "penalty"),
    (Architecture(1, (1, 1), biases=False, activation="leaky_relu(1/2)"), F(1, 2), "penalty"),
]


def network_at(symbols, values):
    def mapped(array):
        return None if array is None else [values[s] for s in array]

    weights = [[mapped(row) for row in w.tolist()] for w in symbols.weights]
    biases = [mapped(b) for b in symbols.biases]
    return Network(
        weights, biases if any(b is not None for b in biases) else None, activation=symbols.architecture.activations
    )


def every_symbol(network):
    return [s for a in (*network.weights, *(b for b in network.biases if b is not None)) for s in a.flat]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_each_random_point_lies_in_one_region_with_its_polynomial(case):
    arch, q, quantity = CASES[case]
    network, data = free_network(arch), ones(arch)
    derivation = derive(network, data, q)
    found = derivation.regions(quantity)
    assert found.complete
    listed = [region.signs for region in found]
    assert len(set(listed)) == len(listed) == len(found)
    rates = q if isinstance(q, list) else [q] * arch.depth
    rng = random.Random(case)
    for _ in range(8):
        values = {s: F(rng.choice((-1, 1)) * rng.randint(1, 400), 37) for s in every_symbol(network)}
        region = found.at(values)
        assert [other.signs for other in found if other.contains(values)] == [region.signs]
        wanted = naive_evaluation(network_at(network, values), data, rates)
        assert region.criterion.evaluate(values) == wanted.criterion
        if quantity == "penalty":
            assert region.penalty.evaluate(values) == wanted.penalty
            assert region.risk.evaluate(values) == wanted.risk
        assert not region.criterion.expr.has(relu)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_every_region_holds_its_sample(case):
    arch, q, quantity = CASES[case]
    network, data = free_network(arch), ones(arch)
    derivation = derive(network, data, q)
    found = derivation.regions(quantity)
    for region in itertools.islice(found, 0, None, max(1, len(found) // 20)):
        assert region.contains(region.sample)
        signs = [(z > 0) - (z < 0) for z in (h.evaluate(region.sample) for h in found.hinges)]
        assert tuple(signs) == region.signs
        assert region.criterion.evaluate(region.sample) == derivation.criterion.evaluate(region.sample)


@pytest.mark.parametrize(
    ("arch", "count"),
    [(Architecture(1, (2, 1), biases=False), 18), (Architecture(1, (1, 1), biases=False), 4)],
)
def test_all_regions_of_a_deep_network_are_met_by_random_points(arch, count):
    """The other half of completeness: no region is listed that random points do not meet."""
    network = free_network(arch)
    found = derive(network, ones(arch), F(1, 2)).regions()
    rng = random.Random(1)
    met = set()
    for _ in range(400):
        met.add(found.at({s: F(rng.randint(-99, 99) or 1) for s in every_symbol(network)}).signs)
    assert met == {region.signs for region in found}
    assert len(found) == count


def test_numbers_among_the_weights_and_known_signs():
    a, b = sympy.symbols("a b")
    w = sympy.Symbol("w", nonnegative=True)
    found = derive(Network([[[a, 1], [w, -2]], [[1, -1]], [b]]), Examples.point((1, 2), 1), F(1, 2)).regions()
    assert found.complete
    assert all(region.sample[w] > 0 for region in found)
    rng = random.Random(5)
    derivation = derive(Network([[[a, 1], [w, -2]], [[1, -1]], [b]]), Examples.point((1, 2), 1), F(1, 2))
    for _ in range(25):
        values = {a: F(rng.randint(-999, 999), 101), b: F(3), w: F(rng.randint(1, 999), 101)}  # off boundaries
        region = found.at(values)
        assert region.criterion.evaluate(values) == derivation.criterion.evaluate(values)


def test_many_regions_are_counted_and_not_made():
    arch = Architecture(3, (3,), biases=False)
    found = derive(arch, ones(arch)).regions()
    assert len(found) == 32**3
    assert repr(found) == "<Regions: 32768, complete>"
    assert found[-1].signs == found[32**3 - 1].signs
    assert len(found[5:8]) == 3
    with pytest.raises(IndexError):
        found[32**3]


def test_refusals():
    arch = Architecture(3, (3,), biases=False)
    with pytest.raises(CostLimitExceeded, match="max_cost"):
        derive(arch, ones(arch)).regions(max_cost=0.25)
    with pytest.raises(CostLimitExceeded, match="max_cost"):
        derive(Architecture(6, (1,), biases=False), Examples.point([1] * 6, 1), F(1, 2)).regions(max_cost=2.5)
    with pytest.raises(InvalidInput, match="data"):
        derive(arch).regions()
    with pytest.raises(InvalidInput, match="data"):
        derive(Architecture(1, (1,)), Examples.point((1,), 1)).regions()  # q is a symbol, and there are biases
    with pytest.raises(InvalidInput, match="quantity"):
        derive(arch, ones(arch)).regions("mean")
    small = Architecture(1, (1,))
    found = derive(small, ones(small), F(1, 2)).regions("criterion")
    with pytest.raises(InvalidInput, match="quantity"):
        _ = found[0].penalty
    with pytest.raises(InvalidInput, match="values"):
        found.at({"W[1,1]": 0, "b[1]": 0})


@pytest.mark.thorough
def test_three_hidden_layers_are_decided():
    """No sign pattern is excluded that occurs: 600 random points lie in regions that are listed."""
    arch = Architecture(1, (2, 2, 1), biases=False)
    network = free_network(arch)
    found = derive(network, ones(arch), F(1, 2)).regions()
    assert found.complete
    assert len({region.signs for region in found}) == len(found)
    rng = random.Random(5)
    for _ in range(600):
        values = {
            s: F(rng.choice((-1, 1)) * 2 ** rng.randint(0, 9) * rng.randint(32, 63), 64) for s in every_symbol(network)
        }
        found.at(values)


def test_a_search_announces_its_hinges(capsys):
    """Three lines through the origin of the plane cut six cones, a point of the line two.

    With widths 2, 2, 1 a unit of the first layer has three masked inputs, and the second layer one sign for each weight
    (where one unit is kept) and one hinge for each masked input (where both are).
    """
    for hidden, activation, told in (
        ((1,), "relu", "3 hinges in level 1, at most 6 sign patterns"),
        ((1,), "linear", "no hinges: one region"),
        ((2, 1), "relu", f"8 hinges in level 1, at most {6 * 6 * 2 * 2} sign patterns; 3 in level 2, at most 2^3"),
    ):
        found = derive(Architecture(2, hidden, activation=activation, biases=False), Examples.point((1, 1), 1), F(1, 2))
        found.regions(progress=True)
        assert f"regions: {told}" in capsys.readouterr().err
        found.regions()
        assert capsys.readouterr().err == ""
