"""Generated code against exact values: equal in Fractions; doubles within intervals of the same source."""

import ctypes
import random
import re
import subprocess
from fractions import Fraction as F

import mpmath
import numpy as np
import pytest
import sympy
from mpmath.ctx_iv import MPIntervalContext

from exactdropout import Architecture, Examples, Network, derive
from exactdropout.errors import InvalidInput

Q = sympy.Symbol("q")


def problems():
    relu = derive(Architecture(2, (2,)))
    deep = derive(Architecture(2, (1, 1), activation=["relu", "leaky_relu(1/10)"]), q=[F(1, 3), Q, 0])
    linear = derive(Architecture(3, (2,), activation="linear"), q=F(2, 7))
    small = derive(Architecture(2, (1,)))
    gradient = small.gradient()
    kept = derive(Network([[["1/3", 2], [5, -7]], [1, "-9/8"]]), q=Q)
    formulas = [f for d in (relu, deep, linear, kept) for f in (d.criterion, d.penalty, d.variance, d.bias, *d.mean)]
    return [*formulas, *gradient.weights[0].flat, *gradient.biases[0]]


FORMULAS = problems()


def points(formula, seed, count=6):
    """Return points whose coordinates are doubles: small dyadic rationals, some 0, and q in [0, 1)."""
    random_ = random.Random(seed)
    for _ in range(count):
        yield {
            str(s): F(random_.randint(0, 63), 64) if str(s) == "q" else F(random_.randint(-200, 200), 32)
            for s in formula.symbols
        }


def run(source, name="formula"):
    """Run source that the package generated, and return its function."""
    scope = {}
    exec(source, scope)
    return scope[name]


@pytest.mark.parametrize("number", range(len(FORMULAS)))
def test_python_code_is_exact(number):
    formula = FORMULAS[number]
    function = run(formula.code("python"))
    for point in points(formula, number):
        value = function(*point.values())
        assert isinstance(value, F)
        assert value == formula.evaluate(point)


@pytest.mark.parametrize("number", range(0, len(FORMULAS), 3))
def test_sympy_code_is_exact(number):
    formula = FORMULAS[number]
    expression = run(formula.code("sympy"))(*formula.symbols)
    for point in points(formula, number, 2):
        values = {s: sympy.Rational(point[str(s)].numerator, point[str(s)].denominator) for s in formula.symbols}
        value = expression.xreplace(values).doit()
        assert F(int(value.p), int(value.q)) == formula.evaluate(point)


class Intervals:
    """What the generated NumPy source needs of ``np``, on intervals with outward rounding to 53 bits.

    Every operation of the source is one operation here, so the interval contains both the exact value and what doubles
    give for the same source.
    """

    def __init__(self):
        self.context = MPIntervalContext()
        self.context.prec = 53

    def maximum(self, z, _):
        z = self.context.mpf(z)
        low, high = max(mpmath.mpf(z.a), 0), max(mpmath.mpf(z.b), 0)
        return self.context.mpf([low, high])

    def where(self, condition, yes, no):
        return self.context.mpf(yes if condition else no) if condition is not None else self.context.mpf([no, yes])


def enclosure(formula, point):
    source = formula.code("numpy").replace("import numpy as np\n", "")
    numbers = re.sub(r"(?<![\w.])(\d+\.\d+(?:e[-+]?\d+)?)", r'number("\1")', source)
    intervals = Intervals()
    scope = {"np": intervals, "number": lambda text: intervals.context.mpf(float(text))}
    exec(numbers, scope)
    found = scope["formula"](*(intervals.context.mpf(float(v)) for v in point.values()))
    found = intervals.context.mpf(found)
    return exact(found.a), exact(found.b)


def exact(end):
    """Return an end of an interval as the rational that it is."""
    sign, mantissa, exponent, _ = mpmath.mpf(end)._mpf_
    return (-1) ** sign * int(mantissa) * F(2) ** int(exponent)


@pytest.mark.parametrize("number", range(len(FORMULAS)))
def test_numpy_code_stays_in_its_interval(number):
    formula = FORMULAS[number]
    function = run(formula.code("numpy"))
    chosen = list(points(formula, number))
    arrays = {name: np.array([float(p[name]) for p in chosen]) for name in chosen[0]}
    values = np.broadcast_to(function(*arrays.values()), (len(chosen),))
    for value, point in zip(values, chosen, strict=True):
        low, high = enclosure(formula, point)
        true = formula.evaluate(point)
        assert low <= true <= high
        assert low <= F(float(value)) <= high
        assert high - low <= F(1, 10**9) * max(1, abs(low), abs(high))


def test_c_code_stays_in_its_interval(external, tmp_path):
    sources = [f.code("c", f"f_{i}") for i, f in enumerate(FORMULAS)]
    (tmp_path / "formulas.c").write_text("\n".join(sources))
    library = tmp_path / "formulas.so"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-ffp-contract=off"]
    done = subprocess.run(
        [external("cc"), *flags, "-shared", "-fPIC", "-o", str(library), "formulas.c"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    compiled = ctypes.CDLL(str(library))
    for number, formula in enumerate(FORMULAS):
        function = compiled[f"f_{number}"]
        function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * len(formula.symbols)
        for point in points(formula, number):
            value = F(function(*(float(point[str(s)]) for s in formula.symbols)))
            low, high = enclosure(formula, point)
            assert low <= value <= high
            assert low <= formula.evaluate(point) <= high


def test_atoms_and_factors_are_computed_once():
    source = derive(Architecture(2, (2,))).criterion.code("c")
    assert len(re.findall(r" \? ", source)) == len(set(re.findall(r"double (r\d+) =", source)))
    values = re.findall(r"= (.*);", source)
    assert len(values) == len(set(values))


def test_names_are_checked_and_words_avoided():
    odd = Network([[sympy.Symbol("lambda"), sympy.Symbol("r0")]])
    formula = derive(odd, Examples.point((1, 1), 0), F(1, 2)).criterion
    for language in ("python", "numpy", "sympy", "c"):
        assert "lambda_" in formula.code(language)
    assert run(formula.code("python"))(F(1, 3), 2) == formula.evaluate({"lambda": F(1, 3), "r0": 2})
    for name in ("2x", "a b", "x;", "for", "r0", "", None, "import", "é"):
        with pytest.raises(InvalidInput, match="'name'"):
            formula.code("python", name)
    with pytest.raises(InvalidInput, match="'language'"):
        formula.code("fortran")
    hostile = derive(Network([[sympy.Symbol("x):\n    import os #")]]), Examples.point((1,), 0)).criterion
    with pytest.raises(InvalidInput, match="identifiers"):
        hostile.code("python")
    root = derive(Network([[sympy.sqrt(2)]]), Examples.point((1,), 0)).mean[0]
    with pytest.raises(InvalidInput, match="no exact code"):
        root.code("c")
    names = [sympy.Symbol("lambda"), sympy.Symbol("lambda_")]
    with pytest.raises(InvalidInput, match="underscore"):
        derive(Network([names]), Examples.point((1, 1), 0)).criterion.code("c")


def test_large_constants():
    big, tiny = F(10**40 + 1, 3**50), F(1, 10**400)
    x = sympy.Symbol("x")
    formula = derive(Network([[big]]), Examples.point((x,), 0), 0).mean[0]
    assert run(formula.code("python"))(F(2, 7)) == formula.evaluate({"x": F(2, 7)})
    assert run(formula.code("numpy"))(1.0) == float(big)
    for value in (tiny, 1 / tiny):
        beyond = derive(Network([[value]]), Examples.point((x,), 0), 0).mean[0]
        with pytest.raises(InvalidInput, match="range of doubles"):
            beyond.code("c")
        assert run(beyond.code("python"))(1) == value
