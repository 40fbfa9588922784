"""The assertions on PyTorch's layers, on plain functions, and their words."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from exactdropout import testing as xt
from exactdropout.errors import DropoutFault, InvalidInput
from exactdropout.testing.report import wanted

SMALL = 6_000
THOROUGH = pytest.mark.thorough


def plain(q: float, scale: float | None = None) -> Any:
    def layer(x: Any, key: int, training: bool = True) -> Any:
        if not training:
            return x, lambda g: g
        kept = np.random.default_rng(key).random(x.shape) >= q
        factor = x.dtype.type(1 / (1 - q) if scale is None else scale)
        return np.where(kept, x * factor, 0), lambda g: np.where(kept, g * factor, 0)

    return layer


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("Dropout", "element"), ("Dropout2d", "channel"),
        *(pytest.param(*layer, marks=THOROUGH) for layer in (
            ("Dropout1d", "channel"), ("AlphaDropout", "alpha"), ("FeatureAlphaDropout", "feature_alpha"),
        )),
    ],
)  # fmt: skip
def test_layers_of_torch_are_right(torch: Any, name: str, model: str) -> None:
    x = torch.linspace(-3, 3, 16 * 12 * 3).reshape(16, 12, 3) if model != "element" else None
    if name in ("Dropout2d", "FeatureAlphaDropout"):
        x = x[..., None]
    report = xt.assert_dropout(getattr(torch.nn, name), "3/10", model=model, budget=SMALL, x=x)
    assert {"value", "gradient", "evaluation", "modes", "laws", "layers", "seed"} <= {n for n, _ in report.checked}
    assert report.log_evidence < 12


@pytest.mark.parametrize("form", ["a function", "a function with its mode", pytest.param("in place", marks=THOROUGH)])
def test_functions_of_torch_and_in_place_layers_are_right(torch: Any, form: str) -> None:
    functional = torch.nn.functional
    layers = {
        "a function": lambda x: functional.dropout(x, 0.3, True),
        "a function with its mode": lambda x, training: functional.dropout(x, 0.3, training),
        "in place": lambda q: torch.nn.Dropout(q, inplace=True),
    }
    xt.assert_dropout(layers[form], "3/10", budget=SMALL)


def test_what_happens_only_while_gradients_are_recorded_is_seen(torch: Any) -> None:
    def forward(x: Any) -> Any:
        drawn = torch.rand((1, *x.shape[1:]) if x.requires_grad else x.shape, dtype=torch.float64)
        return torch.where(drawn >= 0.5, 2 * x, 0 * x.detach()).to(x.dtype)

    with pytest.raises(DropoutFault, match=r"every 4th call|rows") as caught:
        xt.assert_dropout(forward, "1/2", budget=SMALL)
    assert caught.value.check == "laws"


def test_a_check_that_is_skipped_asks_for_no_slow_one(torch: Any) -> None:
    report = xt.assert_dropout(torch.nn.Dropout, "1/2", budget=SMALL, checks=[xt.skip("rates 0 and 1", "never used")])
    assert "slow" in dict(report.skipped)["compile"]
    assert "compile" not in dict(report.checked)


def test_all_checks_and_a_slow_one_are_all_and_not_that_one_alone() -> None:
    possible = ("laws", "compile", "seed")
    assert wanted(["all", "compile"], possible) == ({"laws", "compile", "seed"}, {})
    assert wanted(["all", xt.skip("seed", "none")], possible) == ({"laws", "compile"}, {"seed": "none"})
    assert wanted(["compile"], possible) == ({"compile"}, {})


def test_a_passing_report_says_what_was_not_checked(torch: Any) -> None:
    report = xt.assert_dropout(torch.nn.Dropout(0.5), "1/2", budget=SMALL, checks=[xt.skip("seed", "own generator")])
    skipped = dict(report.skipped)
    assert skipped["seed"] == "own generator"
    assert skipped["replicas"] == "one device"
    assert "factory" in skipped["rates 0 and 1"]
    text = str(report)
    assert "not checked: seed (own generator)" in text
    assert "no fault in" in text


def test_plain_functions_are_right_and_are_seen_through(torch: Any) -> None:
    report = xt.assert_dropout(plain(0.3), "3/10", budget=SMALL)
    assert dict(report.checked)["gradient"] == "float64; float32"
    with pytest.raises(DropoutFault, match="multiplied by 1: no scale") as caught:
        xt.assert_dropout(plain(0.3, 1.0), "3/10", budget=SMALL)
    assert caught.value.check == "value"
    xt.assert_dropout_exact(plain(0.5, 2.0), "1/2")  # at one half a scale that is always 2 is right
    with pytest.raises(DropoutFault, match="multiplied by 2"):
        xt.assert_dropout_exact(plain(0.3, 2.0), "3/10")


def test_a_failure_says_what_where_how_sure_and_how_to_repeat(torch: Any) -> None:
    def groups(x: Any) -> Any:
        bits = (torch.rand(*x.shape[:-1], -(-x.shape[-1] // 4)) >= 0.5).repeat_interleave(4, -1)
        return x * bits[..., : x.shape[-1]] * 2

    with pytest.raises(DropoutFault) as caught:
        xt.assert_dropout(groups, "1/2", seed=7)
    text = str(caught.value)
    assert text.startswith("units 0–3 of every row always share one mask")
    assert re.search(r"both kept: observed 0\.\d+ of [\d,]+, expected 1/4", text)
    assert re.search(r"evidence 1e\d+ : 1 \(alarm at 1e9 : 1\)", text)
    assert re.search(r"calls? of \(16, 12\), q = 1/2; repeat with seed=7", text)
    assert "not checked: " in text
    assert caught.value.check == "laws"
    assert 1 <= caught.value.calls < 40
    with pytest.raises(DropoutFault) as again:
        xt.assert_dropout(groups, "1/2", seed=7)
    assert str(again.value) == text


def test_a_run_leaves_the_generators_as_they_were(torch: Any) -> None:
    torch.manual_seed(3)
    np.random.seed(3)
    xt.assert_dropout(torch.nn.Dropout, "1/2", budget=2000)
    drawn = torch.rand(1), np.random.random()
    torch.manual_seed(3)
    np.random.seed(3)
    assert drawn == (torch.rand(1), np.random.random())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"q": "1"}, "'q' must satisfy 0 < q < 1"),
        ({"q": "1/2", "model": "dropblock"}, "no scheme of independent Bernoulli masks: it drops overlapping blocks"),
        ({"q": "1/2", "model": "spatial"}, "Argument 'model' must be 'element'"),
        ({"q": "1/2", "model": "recurrent"}, r"shared\(d\)"),
        ({"q": "1/2", "checks": ["law"]}, "Argument 'checks' must hold"),
        ({"q": "1/2", "budget": 3}, "Argument 'budget'"),
        ({"q": "1/2", "false_alarm": 0}, "Argument 'false_alarm'"),
        ({"q": "1/2", "scaling": "inverse"}, "Argument 'scaling'"),
        ({"q": "1/2", "seed": -1}, "Argument 'seed'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        xt.assert_dropout(plain(0.5), **arguments)


def test_what_is_no_layer_is_named() -> None:
    with pytest.raises(InvalidInput, match="Argument 'layer' must be a module"):
        xt.assert_dropout(3, "1/2")


@pytest.mark.parametrize("seed", range(12))
def test_a_mask_that_rows_share_is_named_whatever_its_few_bits_are(seed):
    """Twelve bits for 192 values make rates off as well; sharing explains them, and is what the author can mend."""

    def layer(x, key, training=True):
        if not training:
            return x, lambda g: g
        kept = np.random.default_rng([seed, key]).random(x.shape[-1]) >= 0.3
        return np.where(kept, x / 0.7, 0), lambda g: np.where(kept, g / 0.7, 0)

    with pytest.raises(DropoutFault) as caught:
        xt.assert_dropout(layer, "3/10")
    assert str(caught.value).startswith("rows 0–15 always share one mask (")


def test_what_is_always_dropped_shares_no_mask():
    def layer(x, key, training=True):
        kept = np.random.default_rng(key).random(x.shape) >= 0.3
        kept[..., -2:] = False
        return (np.where(kept, x / 0.7, 0), lambda g: np.where(kept, g / 0.7, 0)) if training else (x, lambda g: g)

    with pytest.raises(DropoutFault) as caught:
        xt.assert_dropout(layer, "3/10")
    assert "share one mask" not in str(caught.value).splitlines()[0]


def test_a_layer_that_drops_nothing_in_training_is_told_so():
    with pytest.raises(DropoutFault) as caught:
        xt.assert_dropout(lambda x, key, training=True: (x, lambda g: g), "3/10")
    assert str(caught.value).startswith("nothing is dropped: every output is its input (value)")
