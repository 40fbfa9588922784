"""``exactdropout check``: verdicts known by hand, exit codes, and one sentence for bad input."""

import json

import pytest

from exactdropout.cli.main import main
from exactdropout.model import Examples, Network

LINEAR = ["--architecture", "K-1, no biases"]


def test_a_proof_prints_scope_assumptions_and_steps(capsys):
    assert main(["check", "penalty = q/(1-q) * Sum(x[i]^2 * w[i]^2, i=1..K)", *LINEAR]) == 0
    out = capsys.readouterr().out
    assert out.startswith("proved: penalty = ")
    assert "all sizes: K >= 1" in out
    assert "0 <= q < 1" in out
    assert "1. " in out


def test_a_refutation_prints_both_sides_and_the_slip(capsys):
    claim = r"\text{penalty} = \frac{1-q}{q} \sum_{i=1}^{K} w_i^2 x_i^2"
    assert main(["check", claim, *LINEAR, "--assume", "q > 0", "--json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["schema"] == "exactdropout/check"
    assert content["status"] == "refuted"
    point = content["counterexample"]
    assert (point["left"], point["relation"], point["right"]) == ("1/2", "=", "2")
    assert point["values"] == {"K": "1", "q": "1/3", "x[1]": "1", "y": "1", "w[1]": "1"}
    assert content["near_miss"].startswith("p and q are swapped")


def test_undecided_is_not_false(capsys):
    assert main(["check", "E[D] + sqrt(2) > 0", "--architecture", "1-1-1 relu, no biases", "--assume", "w >= 0"]) == 3
    assert "undecided" in capsys.readouterr().out


def test_files(tmp_path, capsys):
    Network([[[1, 1], [1, 1]], [1, 1]]).save(tmp_path / "figure-1.json")
    Examples.point((1, -1), 8).save(tmp_path / "data.json")
    files = ["--architecture", str(tmp_path / "figure-1.json"), "--data", str(tmp_path / "data.json"), "--q", "1/2"]
    assert main(["check", "J_D = 54", *files]) == 0
    assert main(["check", "J_D = 64", *files]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["penalty = ", *LINEAR], "position 11"),
        (["penalty = 0", "--architecture", "2-3"], "must have one output"),
        (["penalty = 0", *LINEAR, "--q", "3/2"], "0 <= q < 1"),
        (["penalty = 0", *LINEAR, "--data", "point(2)"], "Argument '--data'"),
        (["x[3] = 0", "--architecture", "2-1"], "does not exist"),
        (["penalty = 0", "--architecture", "9-9-1 relu"], "mask bits"),
        (["penalty = 0", "--architecture", "6-6-1 relu", "--max-cost", "0.01"], "--max-cost"),
        (["penalty = 0", "--architecture", "missing.json"], "missing.json"),
        (["penalty = 0", *LINEAR, "--assume", "__import__('os')"], "a prime makes another symbol"),
        (["penalty = 0", *LINEAR, "--assume", "__import__(os)"], "a symbol or a parenthesis is expected"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, capsys):
    assert main(["check", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert "Traceback" not in captured.err


def test_claims_in_own_letters(capsys):
    claim = r"J_D - R = \frac{q}{p} \sum_{i=1}^{K} a_i^2 x_i^2"
    assert main(["check", claim, "--architecture", "K-1, no biases", "--name", "w=a"]) == 0
    assert main(["check", claim, "--architecture", "K-1, no biases", "--name", "w"]) == 2
    assert "such as w=a" in capsys.readouterr().err


def test_latex_of_a_proof_and_of_a_counterexample(capsys):
    assert main(["check", "penalty >= 0", *LINEAR, "--latex"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(r"\begin{theorem}")
    assert r"\begin{proof}" in shown
    assert main(["check", "penalty >= 0", "--architecture", "2-2-1 relu, no biases", "--latex", "--standalone"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(r"\documentclass")
    assert "is false at" in shown


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--standalone"], "'--standalone' goes with '--latex'"),
        (["--latex", "--json"], "exclude each other"),
        (["--html", "page.html"], "'--html' goes with a document"),
    ],
)
def test_options_that_do_not_go_together(options, told, capsys):
    assert main(["check", "penalty >= 0", *LINEAR, *options]) == 2
    assert told in capsys.readouterr().err
