"""Gradients and Hessians of all quantities: exact central differences of the double loop over masks."""

import random
from fractions import Fraction as F

import pytest

from exactdropout.errors import CostLimitExceeded, InvalidInput
from exactdropout.model import Architecture, Examples, Network
from exactdropout.numeric.definition import naive_evaluation
from exactdropout.symbolic.criterion.symbols_for_entries import network_parameters
from exactdropout.symbolic.derivation import derive
from exactdropout.symbolic.free_networks import free_network

QUANTITIES = ("criterion", "risk", "penalty", "variance", "bias", "mean")
STEP = F(1, 10**9)
CASES = [
    (Architecture(2, (2,)), [F(1, 3), F(1, 4)]),
    (Architecture(1, (2, 1)), F(1, 2)),
    (Architecture(2, (), outputs=2), F(1, 3)),
    (Architecture(1, (1,), activation="leaky_relu(1/5)"), F(2, 5)),
]


def network(arch, values):
    parameters = iter(values)
    weights = [[[None] * w.shape[1] for _ in range(w.shape[0])] for w in free_network(arch).weights]
    biases = [[None] * len(w) for w in weights]
    for layer, rows in enumerate(weights):
        for unit, row in enumerate(rows):
            row[:] = [next(parameters) for _ in row]
            biases[layer][unit] = next(parameters)
    return Network(weights, biases, activation=arch.activations)


def value(arch, data, q, quantity, values):
    found = naive_evaluation(network(arch, values), data, q if isinstance(q, list) else [q] * arch.depth)
    return found.mean[0] if quantity == "mean" else getattr(found, quantity)


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_slopes_are_those_of_the_double_loop(case, quantity):
    """Off the kinks each quantity is of degree 2 at most in one weight, where central differences are exact."""
    arch, q = CASES[case]
    if quantity == "mean" and arch.outputs > 1:
        return
    rng = random.Random(case)
    data = Examples([([F(rng.randint(1, 9), 4) for _ in range(arch.inputs)], [F(2, 3)] * arch.outputs, F(1, 3)),
                     ([F(-3, 2)] * arch.inputs, [F(1, 5)] * arch.outputs, F(2, 3))])  # fmt: skip
    derivation = derive(free_network(arch), data, q)
    values = [F(rng.choice((-1, 1)) * rng.randint(1, 400), 37) for _ in range(arch.parameters)]
    numbered = network_parameters(derivation.network)
    symbols = [
        (derivation.network.biases[p.layer][p.unit] if p.source is None
         else derivation.network.weights[p.layer][p.unit, p.source])
        for p in numbered
    ]  # fmt: skip
    point = dict(zip(symbols, values, strict=True))
    gradient = derivation.gradient(quantity)
    hessian = derivation.hessian(quantity)
    assert (gradient.quantity, hessian.quantity, hessian.parameters) == (quantity, quantity, numbered)

    def at(*moves):
        moved = list(values)
        for k, step in moves:
            moved[k] += step
        return value(arch, data, q, quantity, moved)

    for k, p in enumerate(numbered):
        entry = gradient.biases[p.layer][p.unit] if p.source is None else gradient.weights[p.layer][p.unit, p.source]
        up, down = at((k, STEP)), at((k, -STEP))
        assert entry.evaluate(point) == (up - down) / (2 * STEP)
        assert hessian.matrix[k, k].evaluate(point) == (up + down - 2 * at()) / STEP**2
    a, b = 0, len(values) - 1
    mixed = sum(s * t * at((a, s * STEP), (b, t * STEP)) for s in (1, -1) for t in (1, -1)) / (4 * STEP**2)
    assert hessian.matrix[a, b].evaluate(point) == mixed


def test_what_is_refused():
    two = derive(Architecture(1, (), outputs=2))
    with pytest.raises(InvalidInput, match="several outputs"):
        two.gradient("mean")
    with pytest.raises(InvalidInput, match="'quantity' must be one of"):
        two.hessian("loss")
    with pytest.raises(CostLimitExceeded, match="max_cost"):
        derive(Architecture(3, (3,))).gradient("penalty", max_cost=5e-4)
