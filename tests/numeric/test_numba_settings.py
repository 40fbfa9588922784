"""Kernels where no cache folder can be made, and where Numba is told not to compile."""

from __future__ import annotations

import os
import subprocess
import sys

KERNEL = """
from exactdropout.numeric.kernels.simd.compiled import compiled

@compiled
def twice(x):
    return 2 * x

if __name__ == "__main__":
    print(twice(21), twice.nopython_signatures != [])
"""


def test_kernels_compile_where_every_cache_folder_is_a_file(tmp_path):
    """Root may write into any folder, but nobody into a file as if it were one."""
    script = tmp_path / "script.py"
    script.write_text(KERNEL)
    for name in ("__pycache__", "cache", "home"):
        (tmp_path / name).write_text("a file")
    blocked = {"XDG_CACHE_HOME": "home", "HOME": "home", "NUMBA_CACHE_DIR": "cache"}
    for names in (("XDG_CACHE_HOME", "HOME"), tuple(blocked)):
        environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
        environment |= {name: str(tmp_path / blocked[name]) for name in names}
        done = subprocess.run(
            [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.stdout, done.stderr) == ("42 True\n", "")
    assert {path.name for path in tmp_path.iterdir()} == {"script.py", "__pycache__", "cache", "home"}


SUBROUTINE = """
import numpy as np
from exactdropout.numeric.kernels.simd.compiled import compiled, subroutine

@subroutine
def ratio(x, y):
    return x / y

@compiled
def ratios(x, y):
    return ratio(x, y), ratio(x + 0, 2), ratio(x, 4)

print(ratios(1.0, 0.0), ratio(3, 4))
"""


def test_a_subroutine_follows_ieee_in_kernels_and_is_plain_python_outside(tmp_path):
    """Compiled without the kernels' options, 1/0 would be an exception."""
    script = tmp_path / "script.py"
    script.write_text(SUBROUTINE)
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("(inf, 0.5, 0.25) 0.75\n", "")


INTERPRETED = """
import exactdropout as xd
from fractions import Fraction
network = xd.Network([[[0.5, -1.25, 2.0], [1.0, 0.75, -0.5]], [[1.5, -1.0]]], [[0.25, 0.0], [0.125]])
data = xd.Examples([((1.0, 2.0, -0.5), 1.5), ((0.25, -1.0, 1.0), -2.0)])
exact = xd.evaluate(network.exact(), data.exact(), "1/4")
for options in ({}, {"moments": 4}, {"gradient": True}, {"strategy": "meet"}):
    found = xd.evaluate(network, data, "1/4", **options)
    assert abs(Fraction(found.criterion) - exact.criterion) <= Fraction(found.error_bound) < 1e-10
    print(found.plan.strategy)
deep = xd.Network([[[0.5, -1.25], [1.0, 0.75]], [[1.5, -1.0], [0.5, 0.25]], [[1.0, -2.0]]])
data = xd.Examples([((1.0, 2.0), 1.5), ((0.25, -1.0), -2.0)])
exact = xd.evaluate(deep.exact(), data.exact(), "1/4", gradient=True).gradient
found = xd.evaluate(deep, data, "1/4", gradient=True).gradient
for layer in range(3):
    for row, bounds, true in zip(
        found.weights[layer], found.error_bounds.weights[layer], exact.weights[layer], strict=True
    ):
        for v, bound, w in zip(row, bounds, true, strict=True):
            assert abs(Fraction(float(v)) - w) <= Fraction(float(bound)) < 1e-10
print("deep")
"""


def test_a_small_network_is_evaluated_with_numba_disabled():
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETED],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.split() == ["walk", "walk", "walk", "meet", "deep"]
