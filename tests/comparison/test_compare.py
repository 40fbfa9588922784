"""``xd.compare`` and ``exactdropout compare``: errors that contain the exact ones, words that never claim more."""

from __future__ import annotations

import json
import math
from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.cli.main import main
from exactdropout.errors import CostLimitExceeded, InvalidInput, MixedNumbers
from exactdropout.estimation.result import Interval

METHODS = ("sampling", "diagonal", "gaussian", "second-order", "scaled")
QUANTITIES = ("criterion", "risk", "penalty", "variance", "bias")


def small() -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(3)
    net = xd.Network([random.normal(size=(4, 5)), random.normal(size=(2, 4))], [random.normal(size=4), [0.5, -1.0]])
    return net, xd.Examples((random.normal(size=(3, 5)), random.normal(size=(3, 2))))


def large() -> tuple[xd.Network, xd.Examples]:
    random = np.random.default_rng(4)
    net = xd.Network([random.normal(size=(40, 60)) / 5, random.normal(size=40) / 6])
    return net, xd.Examples((random.normal(size=(6, 60)), random.normal(size=6)))


def test_the_shipped_network_by_five_methods():
    """−39 % in the variance by diagonal moments; +0.1 % with their covariances."""
    network, data = xd.data.diabetes()
    found = xd.compare(network, data, "1/2", max_cost=30)
    assert [a.name for a in found.approximations] == list(METHODS)
    assert found.relative_error("diagonal", "variance").middle == pytest.approx(-0.390448, abs=1e-6)
    assert found.relative_error("gaussian", "variance").middle == pytest.approx(0.000969, abs=1e-6)
    assert found["scaled"].criterion == pytest.approx(found.evaluation.risk)
    away = abs(found.error("sampling").middle)
    assert away < 5 * found.sampling_error[1]


@pytest.mark.parametrize("kind", ["float64", "exact"])
def test_errors_contain_the_exact_ones(kind):
    network, data = small()
    if kind == "exact":
        network, data = network.exact(), data.exact()
    exact = xd.evaluate(network.exact(), data.exact(), "1/3")
    found = xd.compare(network, data, "1/3", gradient=True, laws=[0, 2])
    for a in found.approximations:
        for quantity in QUANTITIES:
            error = F(getattr(a, quantity)) - getattr(exact, quantity)
            assert error in found.error(a.name, quantity)
            assert error / abs(getattr(exact, quantity)) in found.relative_error(a.name, quantity)
        assert a.penalty == pytest.approx(a.criterion - a.risk, abs=1e-12)
        assert a.bias == pytest.approx(a.penalty - a.variance, abs=1e-12)
        errors = found.rows(a.name)
        assert np.allclose(errors.variance, a.row_variance - exact.per_example.variance.astype(float))
        assert errors.worst_variance == pytest.approx(np.abs(errors.variance / errors.exact_variance).max())
    assert found.gradient_error("scaled") > 0.05
    assert {(d.row, d.output) for d in found.laws} == {(0, 0), (0, 1), (2, 0), (2, 1)}
    assert all(0 <= d.distance <= 1 for d in found.laws)


def test_a_gradient_of_sampling_comes_closer_with_more_masks():
    network, data = small()
    errors = [xd.compare(network, data, "1/3", methods=["sampling"], samples=t, gradient=True) for t in (100, 40_000)]
    few, many = (found.gradient_error("sampling") for found in errors)
    assert many < few / 5
    assert many < 0.05


def test_where_an_approximation_is_exact_its_gradient_is():
    network, data = small()
    found = xd.compare(network, data, (0, "1/4"), gradient=True, methods=["diagonal", "gaussian", "second-order"])
    for name in ("diagonal", "gaussian", "second-order"):
        assert found.gradient_error(name) < 1e-12
        assert abs(found.relative_error(name).middle) < 1e-12


def test_the_error_of_sampling_is_the_one_that_was_announced():
    """200 seeds: their root mean square error is the exact standard error, within what 200 squares allow."""
    network, data = small()
    runs = [xd.compare(network, data, "1/2", methods=["sampling"], samples=20, seed=s) for s in range(200)]
    low, high = runs[0].sampling_error
    assert low <= high <= low * (1 + 1e-12)
    size = math.sqrt(np.mean([run.error("sampling").middle ** 2 for run in runs]))
    assert 0.8 * low < size < 1.25 * high


def test_beyond_enumeration_the_truth_is_an_interval():
    network, data = large()
    found = xd.compare(network, data, "1/2", width=0.05, methods=["gaussian", "scaled"])
    assert found.evaluation is None
    assert found.truth.criterion.relative_width <= 0.05
    assert "with probability at least 1 - 1e-9" in repr(found)
    assert "with probability at least" in found.latex()
    assert found.relative_error("scaled", "variance") == Interval(-1.0, -1.0) or found.relative_error("scaled").high < 0
    wide, gaussian = found.relative_error("gaussian"), found["gaussian"].criterion
    assert 0.01 < wide.width < 0.06
    assert gaussian - found.truth.criterion.high <= found.error("gaussian").middle <= gaussian
    assert "exact" not in found.lines()[0][0]
    assert found.rows_proved_wrong("scaled") == 1  # a variance of 0
    rows, deviation = found.truth.rows, np.sqrt(found["gaussian"].row_variance)
    wrong = [deviation[i, 0] not in rows.deviation(i) for i in range(6)]
    assert found.rows_proved_wrong("gaussian") == np.mean(wrong) < 1
    with pytest.raises(InvalidInput, match="needs an exact evaluation"):
        found.rows("gaussian")
    with pytest.raises(CostLimitExceeded):
        xd.compare(network, data, "1/2", gradient=True)


def test_relative_errors_of_a_truth_that_may_be_zero():
    """An exact 0 that is met is no error; a 0 known within a bound leaves the relative error open."""
    net, data = xd.Network([[[1, 1]], [1]]), xd.Examples.point((1, 2), 1)
    found = xd.compare(net, data, 0, methods=["gaussian", "scaled"])
    assert found.relative_error("gaussian", "variance") == Interval(0.0, 0.0)
    moved = xd.compare(net, data, (0, "1/2"), methods=["scaled"])
    assert moved.relative_error("scaled", "bias") == Interval(0.0, 0.0)
    assert moved.relative_error("scaled", "variance").middle == pytest.approx(-1)
    floats = xd.compare(net.float64(), data, 0, methods=["gaussian"])
    assert floats.relative_error("gaussian", "variance") == Interval(-math.inf, math.inf)
    assert 0 in floats.error("gaussian", "variance")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"methods": "diagonal"}, "'methods' must be a list"), ({"methods": ["exact"]}, "'methods' must hold names"),
        ({"samples": 1}, "'samples' must be at least 2"), ({"samples": 2.5}, "'samples'"), ({"seed": -1}, "'seed'"),
        ({"gradient": 1}, "'gradient' must be True or False"), ({"laws": 0}, "'laws' must be a list of rows from 0"),
        ({"laws": [3]}, "'laws' must hold rows from 0 to 2"), ({"q": None}, "'q'"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(options, words):
    with pytest.raises(InvalidInput, match=words):
        xd.compare(*small(), options.pop("q", "1/2"), **options)


def test_symbols_and_costs_are_refused():
    with pytest.raises(MixedNumbers):
        xd.compare(xd.free_network("2-2-1"), [((1, 1), 1)], "1/2")
    network, data = large()
    with pytest.raises(CostLimitExceeded, match="leave 'gaussian' out of methods"):
        xd.compare(network, data, "1/2", methods=["gaussian"], max_cost=1e-6)
    with pytest.raises(CostLimitExceeded, match="lower samples"):
        xd.compare(network, data, "1/2", samples=10**9, methods=["sampling"])
    cheap = xd.compare(network, data, "1/2", samples=10**9, width=0.1)
    assert list(cheap.left_out) == ["sampling"]
    assert "lower samples" in cheap.left_out["sampling"]
    assert [a.name for a in cheap.approximations] == list(METHODS[1:])
    found = xd.compare(*small(), "1/2", methods=["scaled"])
    with pytest.raises(InvalidInput, match="rows are exact"):
        found.rows_proved_wrong("scaled")
    for ask in (
        lambda: found["sampling"],
        lambda: found.error("scaled", "mean"),
        lambda: found.gradient_error("scaled"),
    ):
        with pytest.raises(InvalidInput):
            ask()


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, (network, data) in (("small", small()), ("large", large())):
        network.save(f"{name}.json")
        data.save(f"{name}-data.json")
    return tmp_path


def test_the_command_prints_what_python_returns(files, capsys):
    call = ["compare", "small.json", "small-data.json", "--q", "1/2", "--gradient", "--law", "1", "--per-example"]
    assert main(call) == 0
    out = capsys.readouterr().out
    for words in (
        "moments, diagonal",
        "weights times p",
        "the mean over all 2^9 masks",
        "gradient, relative",
        "distance",
    ):
        assert words in " ".join(out.split())
    assert main([*call, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    found = xd.compare(*small(), "1/2", gradient=True, laws=[0])
    assert [m["name"] for m in content["methods"]] == list(METHODS)
    for method in content["methods"]:
        assert method["variance"]["value"] == found[method["name"]].variance
        low, high = found.error(method["name"], "variance")
        assert method["variance"]["error"] == {"at_least": low, "at_most": high}
        assert method["gradient_error"] == found.gradient_error(method["name"])
        assert method["per_example"][2]["mean"] == found[method["name"]].row_mean[2].tolist()
        assert {d["row"] for d in method["laws"]} == {1}
    assert content["certain"] is True
    assert main([*call[:5], "--latex", "--method", "scaled"]) == 0
    out = capsys.readouterr().out
    assert r"\begin{tabular}" in out
    assert "weights times p" in out
    assert "moments" not in out


def test_the_command_says_when_the_truth_is_an_interval(files, capsys):
    call = ["compare", "large.json", "large-data.json", "--q", "1/2", "--seconds", "0.5", "--method", "diagonal"]
    assert main([*call, "--plot", "errors.svg", "--per-example"]) == 0
    out = capsys.readouterr().out
    assert "outside its proved interval" in out
    assert "proved, and the standard deviation" in out
    assert "in the interval with probability at least 1 - 1e-9" in " ".join(out.split())
    assert "exact" not in out
    assert (files / "errors.svg").read_text().lstrip().startswith("<?xml")
    assert main([*call, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["certain"] is False
    assert 0 <= content["methods"][0]["rows_proved_wrong"] <= 1
    assert (
        content["methods"][0]["criterion"]["error"]["at_least"] < content["methods"][0]["criterion"]["error"]["at_most"]
    )


def test_a_plot_shows_rows_where_all_masks_were_evaluated(files, capsys):
    assert main(["compare", "small.json", "small-data.json", "--q", "1/2", "--plot", "errors.svg"]) == 0
    text = (files / "errors.svg").read_text()
    assert text.count('<g id="axes_') == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--law", "9"], "'--law' must be a row from 1 to 3"), (["--plot", "x.txt"], "'--plot'"),
        (["--samples", "1"], "'--samples' must be at least 2"), (["--seed=-1"], "'--seed'"),
    ],
)  # fmt: skip
def test_bad_options_are_one_sentence(files, capsys, options, words):
    assert main(["compare", "small.json", "small-data.json", "--q", "1/2", *options]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_a_notebook_shows_the_table_and_axes_can_be_given():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    found = xd.compare(*small(), "1/2")
    html = found._repr_html_()
    assert html.count("<tr>") == 7
    assert "The truth is exact" in html
    figure, (left, right) = pyplot.subplots(1, 2)
    assert found.plot(left) is left
    assert found.plot_rows(right) is right
    assert [t.get_text() for t in left.get_yticklabels()] == [a.title for a in found.approximations]
    assert [len(p) for p in left.containers] == [5, 5]
    assert len(right.lines) == 6
    pyplot.close(figure)


def test_the_command_says_which_methods_it_left_out(files, capsys):
    assert main(["compare", "small.json", "small-data.json", "--q", "1/2", "--samples", "1000000000"]) == 0
    shown = capsys.readouterr()
    assert "without 'sampling'" in shown.err
    assert "lower --samples" in shown.err or "lower samples" in shown.err
    assert "weights times p" in shown.out
