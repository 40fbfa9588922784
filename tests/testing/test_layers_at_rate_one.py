"""A layer that is wrong at rate 1 is told so, and no other fault is hidden by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from exactdropout import testing as xt
from exactdropout.errors import DropoutFault


def factory(shared: bool) -> Any:
    """Return dropout whose output is NaN at rate 1, with one mask for all rows or one for each."""

    def layer_of(q: float) -> Any:
        def layer(x: Any, key: int) -> Any:
            shape = x.shape[-1:] if shared else x.shape
            kept = np.random.default_rng(key).random(shape) >= q
            with np.errstate(all="ignore"):
                scale = np.broadcast_to(kept / np.float64(1 - q), x.shape).astype(x.dtype)
                return x * scale, lambda g: g * scale

        return layer

    return layer_of


def test_a_shared_mask_is_not_hidden_by_nan_at_rate_one() -> None:
    with pytest.raises(DropoutFault) as caught:
        xt.assert_dropout(factory(shared=True), "1/2", budget=30_000)
    first, *rest = str(caught.value).splitlines()
    assert "always share one mask" in first
    assert rest[-1] == "  also: rate 1 gives NaN (rates 0 and 1)"
    assert caught.value.check == "laws"


def test_nan_at_rate_one_alone_says_how_to_leave_it_out() -> None:
    with pytest.raises(DropoutFault) as caught:
        xt.assert_dropout(factory(shared=False), "1/2", budget=30_000)
    assert str(caught.value).startswith("rate 1 gives NaN (rates 0 and 1)\n")
    assert "no other check found a fault" in str(caught.value)
    assert "checks=[xt.skip('rates 0 and 1', 'why')]" in str(caught.value)
    left_out = [xt.skip("rates 0 and 1", "p < 1 in our models")]
    assert "no fault" in str(xt.assert_dropout(factory(shared=False), "1/2", budget=30_000, checks=left_out))
