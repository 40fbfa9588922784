"""``exactdropout phases``: what is known by hand, exit codes, the diagram, bad input."""

from __future__ import annotations

import json
import sys
from fractions import Fraction as F

import pytest

from exactdropout.certificate import phases_checker
from exactdropout.cli.main import main

POINT = ["phases", "--data", "point(1, 1)", "--architecture"]


def value(quotient, q):
    top, bottom = (sum(int(c) * q**k for k, c in enumerate(quotient[name])) for name in ("numerator", "denominator"))
    return top / bottom


def test_one_half_is_a_boundary(capsys):
    assert main([*POINT, "2-3-1 relu, no biases", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["schema"], content["version"]) == ("exactdropout/phases", 1)
    (found,) = content["widths"]
    assert found["complete"] is True
    assert [b["minimal_polynomial"] for b in found["breakpoints"]] == [["-1", "2"]]
    mixed, linear = found["pieces"]
    assert (mixed["needs_negative_weight"], linear["needs_negative_weight"]) == (True, False)
    assert linear["pattern"] == "3x+(++)"
    assert value(mixed["value"], F(1, 2)) == value(linear["value"], F(1, 2)) == F(1, 2)
    assert value(linear["value"], F(3, 4)) == F(4, 5)  # 1 − 1/((1 + 3/2)(1 + 1)), λ = 3


def test_text_lists_pieces_and_breakpoints(capsys):
    assert main([*POINT, "2-2-1 relu, no biases"]) == 0
    out = capsys.readouterr().out
    for part in ("0.3819660112501", "[1, -3, 1]", "2x+(++)", "proved for every q"):
        assert part in out
    assert "Not certified" not in out


def test_a_certificate_for_the_checker(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*POINT, "2-2-1 relu, no biases", "--plot", "diagram.svg", "--certificate", "two.json"]) == 0
    assert main([*POINT, "2-2-1 relu, no biases", "--nonnegative", "--certificate", "nonnegative.json"]) == 0
    capsys.readouterr()
    assert phases_checker.main(["two.json", "nonnegative.json"]) == 0
    two, nonnegative = capsys.readouterr().out.splitlines()
    assert "2 relu units" in two
    assert nonnegative.endswith("over non-negative weights = (4*q - 3*q^2)/(4 - 4*q + q^2) for q in (0, 1)")
    assert main([*POINT, "2-2-1 relu, no biases", "--certificate", "two.txt"]) == 2
    assert "must end in .json" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_plot_draws_all_widths(tmp_path, monkeypatch, capsys, suffix):
    monkeypatch.chdir(tmp_path)
    assert main([*POINT, "2-2-1 relu, no biases", "--plot", f"diagram.{suffix}", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [w["width"] for w in content["widths"]] == [1, 2]
    drawn = (tmp_path / f"diagram.{suffix}").read_bytes()
    assert drawn.startswith(b"<?xml" if suffix == "svg" else b"\x89PNG")


def test_out_of_time_is_exit_code_three(capsys):
    assert main(["phases", "--data", "half(1, 1)", "--architecture", "2-4-1", "--time-limit", "1/1000"]) == 3
    assert "Not certified" in capsys.readouterr().out


def test_a_file_and_nonnegative_weights(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("x1,x2,y\n1,1,0\n3,2,1\n")
    assert main(["phases", "--data", "data.csv", "--architecture", "2-1-1, no biases", "--nonnegative", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [b["minimal_polynomial"] for b in content["widths"][0]["breakpoints"]] == [["-1", "21"]]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([*POINT, "2-2-1 relu, no biases", "--max-cost", "0.1"], "allows 0.1 s, but phases with"),
        (["phases", "--data", "half(1, 1)", "--architecture", "6-2-1"], "allows 60 s, but phases with"),
        ([*POINT, "2-0-1 relu, no biases"], "a width is at least 1"),
        ([*POINT, "2-2-1 relu, no biases", "--time-limit", "0"], "'--time-limit'"),
        ([*POINT, "2-2-1 relu, no biases", "--time-limit", "__import__('os')"], "--time-limit"),
        ([*POINT, "2-2-1 relu, no biases", "--plot", "x.exe"], "--plot"),
        ([*POINT, "2-1-1 relu, no biases", "--plot", "missing/x.svg"], "cannot be written"),
        (["phases", "--data", "1,1", "--architecture", "2-1-1"], "text such as"),
        (["phases", "--data", "none.csv", "--architecture", "2-1-1"], "none.csv"),
    ],
)
def test_bad_input_is_one_sentence(arguments, part, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert part in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_plot_without_matplotlib_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([*POINT, "2-2-1 relu, no biases", "--plot", "x.svg"]) == 2
    assert "exactdropout[plot]" in capsys.readouterr().err


def test_interrupt_is_clean(tmp_path, interrupted):
    found = interrupted(["phases", "--data", "half(1, 1)", "--architecture", "2-6-1"], 1.5)
    assert found == (130, "", "exactdropout: interrupted\n")
    assert list(tmp_path.iterdir()) == []
