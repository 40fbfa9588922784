"""``exactdropout minimize``: values known by hand, exit codes, certificates written for the checker."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fractions import Fraction as F

import pytest

import exactdropout as xd
from exactdropout.certificate import checker
from exactdropout.certificate.shipped import Shipped
from exactdropout.cli.main import main

HALF = ["--architecture", "2-2-1 relu, biases", "--data", "half(1, 1)", "--q", "1/2"]
POINT = ["--architecture", "2-2-1 relu, biases", "--data", "point(1, 1)", "--q", "1/2"]


def test_the_tie_at_one_half(capsys):
    """Point mass on ((1,1), 1), three units, no biases: linear and mixed-sign networks tie at 1/2."""
    assert (
        main(["minimize", "--architecture", "2-3-1 relu, no biases", "--data", "point(1, 1)", "--q", "1/2", "--json"])
        == 0
    )
    content = json.loads(capsys.readouterr().out)
    assert (content["status"], content["lower"], content["upper"]) == ("certified", "1/2", "1/2")
    assert content["needs_negative_weight"] is False
    signs = {w.startswith("-") for m in content["minimisers"] for u in m["units"] for w in u["weights"]}
    assert signs == {True, False}


def test_output_and_certificate(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["minimize", *HALF, "--certificate", "c.json"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "certified" in out
    assert "infimum over all widths" in out
    assert "1/10" in out
    done = subprocess.run([sys.executable, checker.__file__, "c.json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "VERIFIED" in done.stdout


def test_every_width_is_bounded_and_the_certificate_says_so(tmp_path, monkeypatch, capsys):
    """Theorem: J_n >= q^K/(2(1 + q^K)) at every n, here 1/10; the certified minima of widths 1 to 12 lie between."""
    monkeypatch.chdir(tmp_path)
    assert main(["minimize", *HALF, "--every-width", "--certificate", "c.json"]) == 0
    out = capsys.readouterr().out
    assert "The certificate proves the infimum as a lower bound at every width, and the value from 2 units on." in out
    below = re.search(r"every width n, at least +1/10 \+ ([\d.]+)/\(n \+ ([\d.]+)\)", out)
    above = re.search(r"n > (\d+), at most +1/10 \+ ([\d.]+)/\(n - \1\)", out)
    assert below is not None
    assert above is not None
    for width in range(1, 13):
        least = checker.check(Shipped(inputs=2, width=width, biases=True, nonnegative=False).read()).lower
        assert F(1, 10) + F(below[1]) / (width + F(below[2])) <= least
        if width > int(above[1]):
            assert least <= F(1, 10) + F(above[2]) / (width - int(above[1]))
    statement = checker.check((tmp_path / "c.json").read_text("utf-8"))
    assert (statement.every_width, statement.lower, statement.upper) == (True, F(1, 10), F(5, 28))
    assert main(["minimize", *HALF, "--every-width", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)["every_width"]
    assert (content["infinite"], content["units"]) == ("1/10", int(above[1]))
    assert F(content["rate_below"]) >= F(below[1])
    assert F(content["offset"]) <= F(below[2])
    assert F(content["rate_above"]) <= F(above[2])


def test_the_printed_network_attains_the_value(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    best = xd.minimize(xd.Architecture(2, (2,)), xd.Examples.half((1, 1), 1), "1/3")
    assert best.status == "certified"
    for minimiser in best.minimisers:
        assert xd.evaluate(minimiser.network, xd.Examples.half((1, 1), 1), "1/3").criterion == best.value
    assert best.value > F(1, 2) * F(1, 9) / (1 + F(1, 9))  # no network on P_(1,1) is below q^K/(1+q^K)/2


def test_weight_decay_stands_beside(capsys):
    """Theorem 7: J_2(A) = (1 - A)^2/4 + lambda A/|x| at A = 1 - 2 lambda/|x|; with |x| = 5, lambda = 1/2: 9/100."""
    arguments = [
        "minimize",
        "--architecture",
        "2-2-1",
        "--data",
        "half((3, 4), 1)",
        "--q",
        "1/2",
        "--weight-decay",
        "1/2",
    ]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weight_decay"] == {"lambda": "1/2", "minimum": "9/100"}
    assert main(arguments) == 0
    assert "L2 criterion, lambda = 1/2" in capsys.readouterr().out


def test_running_out_of_time_is_an_open_interval(capsys):
    code = main(
        [
            "minimize",
            "--architecture",
            "3-6-1",
            "--data",
            "half(1, 1)",
            "--q",
            "1/2",
            "--time-limit",
            "1/1000",
            "--json",
        ]
    )
    content = json.loads(capsys.readouterr().out)
    assert (code, content["status"], content["minimisers"]) == (3, "interval", [])
    low, high = F(content["lower"]), F(content["upper"])
    assert 0 <= low < high <= F(1, 4)  # the constant 1/2 has criterion 1/4
    assert low <= F(content["nonnegative"]["upper"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--architecture", "2-2-1", "--data", "1,1:1", "--q", "1/2"], "text such as 'half(1, 1)'"),
        (["--architecture", "2-2-1", "--data", "point((1, x), 1)", "--q", "1/2"], "must hold numbers here, not 'x'"),
        (["--architecture", "2-2-1", "--data", "point((1, 1, 1), 1)", "--q", "1/2"], "must have 2 inputs per example"),
        (["--architecture", "2-0-1", "--data", "point(1, 1)", "--q", "1/2"], "a width is at least 1"),
        (["--architecture", "2-2-1 ReLU", "--data", "point(1, 1)", "--q", "1/2"], "did you mean '2-2-1 relu'"),
        (["--architecture", "2-2-2-1", "--data", "point(1, 1)", "--q", "1/2"], "one hidden layer of relu units"),
        (["--architecture", "2-2-1", "--data", "none.csv", "--q", "1/2"], "does not exist"),
        (["--architecture", "2-2-1", "--data", "point(1, 1)", "--q", "0"], "'--q' must be positive at the hidden"),
        ([*POINT, "--certificate", "c.txt"], "must end in .json"),
        ([*POINT, "--weight-decay", "0"], "'--weight-decay' must be a positive rational"),
        ([*POINT, "--time-limit", "0"], "'--time-limit' must be"),
        (["--architecture", "12-2-1", "--data", "point(1, 1)", "--q", "1/2"], "max_cost"),
    ],
)
def test_bad_input(capsys, arguments, message):
    assert main(["minimize", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
