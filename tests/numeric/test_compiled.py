"""Kernels compile without a cache folder."""

from __future__ import annotations

import numba

from exactdropout.numeric.kernels.compiled import compiled


def test_kernels_compile_where_no_cache_can_be_written(monkeypatch):
    original = numba.njit

    def refusing(*arguments, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return original(*arguments, **options)

    monkeypatch.setattr(numba, "njit", refusing)

    def twice(x):
        return 2 * x

    assert compiled(twice)(21) == 42
