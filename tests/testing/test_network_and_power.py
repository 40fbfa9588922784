"""Whole networks against their exact law; how much a number of calls sees; the pytest plugin."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy

from exactdropout import testing as xt
from exactdropout.errors import DropoutFault, InvalidInput
from exactdropout.testing.regression import compare_formulas, read_stored, stored_text

DATA = [((1.0, -2.0), 1.0), ((0.5, 1.0), 0.0)]


def network(torch: Any, first: Any, second: Any) -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(first, torch.nn.Linear(2, 2), torch.nn.ReLU(), second, torch.nn.Linear(2, 1))


def test_a_network_of_torch_follows_its_law(torch: Any) -> None:
    module = network(torch, torch.nn.Dropout(0.5), torch.nn.Dropout(0.3))
    report = xt.assert_network(module, DATA, q=("1/2", "3/10"))
    assert report.q == (Fraction(1, 2), Fraction(3, 10))
    assert report.observed_criterion == pytest.approx(report.criterion, rel=0.2)
    with pytest.raises(DropoutFault, match="the rates of the network are"):
        xt.assert_network(module, DATA, q="1/2")


def test_layers_that_are_right_one_by_one_and_wrong_together_are_seen(torch: Any) -> None:
    class Dropout(torch.nn.Dropout):  # type: ignore[misc, name-defined]
        masks: list[Any] = []  # noqa: RUF012  # the fault: one mask for two layers

        def forward(self, x: Any) -> Any:
            if not self.training:
                return x
            mask = self.masks.pop() if self.masks else torch.rand_like(x) >= self.p
            if not hasattr(self, "second"):
                self.masks.append(mask)
            return x * mask / (1 - self.p)

    first, second = Dropout(0.5), Dropout(0.5)
    second.second = True
    with pytest.raises(DropoutFault, match="another law than independent masks give"):
        xt.assert_network(network(torch, first, second), DATA)


def test_a_wrong_gradient_is_seen(torch: Any) -> None:
    class Dropout(torch.nn.Dropout):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            y = super().forward(x)
            return y.detach() + 2 * (y - y.detach())

    with pytest.raises(DropoutFault, match="output with its gradient are those of no mask"):
        xt.assert_network(network(torch, torch.nn.Dropout(0.5), Dropout(0.5)), DATA)


def test_too_many_masks_are_refused(torch: Any) -> None:
    module = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(40, 1))
    with pytest.raises(InvalidInput, match="at most 14 droppable units, not 40"):
        xt.assert_network(module, [((1.0,) * 40, 0.0)])


def test_a_plan_is_what_mutants_need() -> None:
    found = xt.plan("element", (16, 12), "1/2", effect=0.01)
    kept = np.random.default_rng(5).random((2 * found.calls, 192)) >= 0.51
    from exactdropout.testing.masks import bits_log

    looks = np.arange(192, kept.size, 192)
    evidence = bits_log(np.cumsum(kept.ravel())[looks - 1], looks, 0.5)
    alarm = int(np.argmax(evidence >= np.log(12 * 20e9)))
    assert found.calls / 3 < alarm < 2 * found.calls
    assert "not seen with them" in str(found)
    smallest = xt.smallest_effect("element", (16, 12), "1/2", calls=found.calls)
    assert smallest.rate == pytest.approx(0.01, rel=0.02)
    assert xt.smallest_effect("batch", (4, 3), "1/2", calls=4).position is None
    with pytest.raises(InvalidInput, match="Argument 'effect'"):
        xt.plan("element", (16, 12), "1/2", effect=2)


def test_formulas_are_compared_by_proof() -> None:
    a, b, q = sympy.symbols("a b q")
    assert compare_formulas((a + b) ** 2 / (1 - q), (a**2 + 2 * a * b + b**2) / (1 - q)) == ("equal", "")
    assert compare_formulas(a * b, a * b + a * (a - 1)) == ("different", "a = -1, b = 1: -1 was 1")
    assert compare_formulas(sympy.Abs(a * b), sympy.Abs(a) * sympy.Abs(b))[0] in ("equal", "undecided")
    with pytest.raises(InvalidInput):
        read_stored("symbols: a\n__import__('os')\n", "f")


def test_a_stored_derivation_is_read_back() -> None:
    import exactdropout as xd

    found = xd.derive(xd.Architecture(2, (1,), biases=True), xd.Examples.point((1, 1), 2))
    text = stored_text(found)
    assert compare_formulas(found.criterion.expr, read_stored(text, "f")) == ("equal", "")
    assert len(text.splitlines()) > 5


PAGE = """
import pytest
import exactdropout as xd

pytest_plugins = ()

@pytest.mark.dropout
def test_layer(assert_dropout):
    import numpy as np
    def layer(x, key):
        kept = np.random.default_rng(key).random(x.shape) >= 0.5
        return np.where(kept, 2 * x, 0), lambda g: np.where(kept, 2 * g, 0)
    assert_dropout(layer, "1/2", budget=5000)

def test_formula(derivation_regression):
    derivation_regression.check(xd.derive(xd.Architecture(1, (), biases=False)).penalty)
"""


SESSION = """
import pathlib, sys, pytest

stored = pathlib.Path("test_page/test_formula.txt")

def run(name, *arguments):
    print(f"<{name}>", flush=True)
    pytest.main(["-p", "no:cacheprovider", *arguments])

run("first", "--strict-markers")
run("again")
text = stored.read_text()
stored.write_text(text.replace("q", "2*q", 3).replace("symbols: 2*q", "symbols: q"))
run("changed")
run("regenerated", "--regen")
print("<stored>", stored.read_text() == text)
run("last")
"""


def test_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text(PAGE)
    command = [sys.executable, "-c", SESSION]  # one process: each that starts Python and SymPy anew costs seconds
    text = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    parts = dict(part.split(">", 1) for part in text.split("\n<") if ">" in part) | {"first": text.split("<again>")[0]}
    assert "did not exist and was written" in parts["first"]
    assert "dropout layers" in parts["first"]
    assert "not checked: layers (one layer; give a factory of q)" in parts["first"]
    assert "2 passed" in parts["again"]
    assert "the derived formula is not the stored one" in parts["changed"]
    assert "2 passed" in parts["regenerated"]
    assert parts["stored"].strip() == "True"
    assert "2 passed" in parts["last"]


BROKEN = """
import numpy as np
from exactdropout import testing as xt

def layer(x, key, training=True):
    if not training:
        return x, lambda g: g
    kept = np.random.default_rng(key).random(x.shape) >= 0.2
    return np.where(kept, x, 0), lambda g: np.where(kept, g, 0)

def test_mine():
    xt.assert_dropout(layer, "1/5")
"""


def test_a_failure_shows_its_words_and_none_of_our_frames(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(BROKEN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "kept values are multiplied by 1: no scale, expected 1/p = 1.25 (value)" in done.stdout
    assert 'xt.assert_dropout(layer, "1/5")' in done.stdout
    assert "exact_checks.py" not in done.stdout
    assert "raise trial.fault" not in done.stdout


def test_loading_the_plugin_loads_no_engine() -> None:
    heavy = "{'numpy', 'sympy', 'numba', 'torch', 'scipy'}"
    code = f"import exactdropout.testing.plugin, sys; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
