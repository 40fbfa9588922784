"""Figure 2: the shipped data are what is said of them, and changed data or a wrong map are not proved."""

import copy
import itertools
from fractions import Fraction

import numpy as np
import pytest

from exactdropout.numeric.definition import naive_evaluation
from exactdropout.theorems.weight_decay import helmbold_2017_figure_2 as figure_2


@pytest.fixture
def data():
    return copy.deepcopy(figure_2.load())


def failed(proof):
    assert proof.verdict == "not proved"
    return " ".join(s.claim for s in proof.failed)


@pytest.mark.parametrize("power", [0, 2])
def test_only_theorem_4s_map_keeps_the_criterion(power):
    proof = figure_2.prove(power=power)
    assert proof.verdict == "not proved"
    assert {s.method for s in proof.failed} == {"derivation", "enumeration"}


def test_a_changed_figure_is_found(data):
    data["runs"][3]["exact_decay"][2]["risk"] += Fraction(1, 10**6)
    assert "are those of the networks" in failed(figure_2.prove(data))


def test_a_changed_weight_is_found(data):
    data["runs"][0]["exact_dropout"][4]["parameters"][0] += Fraction(1, 100)
    text = failed(figure_2.prove(data))
    assert "are those of the networks" in text
    assert "Four of them in fractions" in text


def test_a_changed_label_is_found(data):
    data["runs"][9]["labels"][0] *= -1
    assert "with labels" in failed(figure_2.prove(data))


def test_curves_are_not_interchangeable(data):
    for run in data["runs"]:
        run["exact_dropout"], run["exact_decay"] = run["exact_decay"], run["exact_dropout"]
    text = failed(figure_2.prove(data))
    assert "Dropout, exact criterion" in text
    assert "the mean falls from scale to scale" in text


def test_a_criterion_away_from_the_other_scales_is_found(data):
    run = data["runs"][1]
    run["exact_dropout"][0]["criterion"] *= Fraction(103, 100)
    assert "starts of its own" in failed(figure_2.prove(data))


def test_data_by_the_definition_on_one_example():
    """One example of one run, every mask written out in floats: no engine of the package is asked."""
    run = figure_2.load()["runs"][2]
    theta = np.array([float(v) for v in run["exact_dropout"][3]["parameters"]])
    w1, b1, w, b = theta[:25].reshape(5, 5), theta[25:30], theta[30:35], theta[35]
    x = np.array(run["inputs_times_1024"][0]) / 1024 * 1.25
    y = run["labels"][0]
    bits = np.array(list(itertools.product((0, 2), repeat=10)))
    outputs = (np.maximum((bits[:, :5] * x) @ w1.T + b1, 0) * bits[:, 5:]) @ w + b
    exact = naive_evaluation(
        figure_2.network(run["exact_dropout"][3]["parameters"]),
        figure_2.examples(run, Fraction(5, 4), 1),
        figure_2.HALF,
    )
    assert float(exact.criterion) == pytest.approx(float(np.mean((outputs - y) ** 2)), rel=1e-12)


def test_exact_minima_beat_sampled_training():
    """On average over the runs the exact criterion that is reached is below that of SGD, at every scale."""
    runs = figure_2.load()["runs"]
    for index in range(5):
        exact = sum(r["exact_dropout"][index]["criterion"] for r in runs)
        sampled = sum(r["sgd_dropout"][index]["criterion"] for r in runs)
        assert exact < sampled


def test_the_table_of_the_documentation_shows_the_data(repository):
    text = (repository / "docs" / "figure-2.md").read_text("utf-8")
    for kind in ("sgd_dropout", "exact_dropout", "sgd_decay", "exact_decay"):
        means = (sum(column) / len(column) for column in figure_2.curves(figure_2.load(), kind))
        assert " | ".join(f"{float(m):.3f}" for m in means) in text
