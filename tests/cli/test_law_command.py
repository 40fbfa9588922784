"""``exactdropout law``: several outputs, levels, pictures, and the proved band."""

from __future__ import annotations

import json
from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.cli.main import main


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    xd.Network([[[1, 2, -1], [3, -1, 2]], [[1, -1], [2, 1]]]).save("two.json")
    random = np.random.default_rng(0)
    xd.Network([random.normal(size=(50, 60)) / 5, random.normal(size=50)]).save("large.json")
    return tmp_path


SMALL = ["law", "two.json", "--q", "1/2", "--x", "1,2,3"]
LARGE = ["law", "large.json", "--q", "1/2", "--x", ",".join(["1"] * 60)]


def read(capsys, arguments):
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_all_outputs_and_own_levels(files, capsys):
    content = read(capsys, [*SMALL, "--output", "all", "--level", "1/3", "--level", "1"])
    law = xd.output_law(xd.Network.load("two.json"), (1, 2, 3), "1/2")
    assert [one["output"] for one in content["outputs"]] == [0, 1]
    for one in content["outputs"]:
        marginal = law.marginal(one["output"])
        assert F(one["mean"]) == law.mean()[one["output"]]
        assert {F(k): F(v) for k, v in one["quantiles"].items()} == {
            F(1, 3): marginal.quantile("1/3"),
            F(1): marginal.values[-1][0],
        }
        assert len(one["atoms"]) == len(marginal)
    assert content["atoms"] == content["outputs"][0]["atoms"]
    assert main([*SMALL, "--output", "1", "--output", "0"]) == 0
    out = capsys.readouterr().out
    assert out.index("Law of output 1") < out.index("Law of output 0")


@pytest.mark.parametrize("more", [[], ["--band", "--width", "10%"]])
def test_pictures(files, capsys, more):
    assert main([*SMALL, "--output", "all", "--plot", "law.svg", *more]) == 0
    text = (files / "law.svg").read_text()
    assert text.lstrip().startswith("<?xml")
    assert text.count('<g id="axes_') == 2


def test_a_refused_law_names_the_band_and_the_band_answers(files, capsys):
    assert main(LARGE) == 2
    assert "exactdropout law --band samples a confidence band with a proved probability" in capsys.readouterr().err
    content = read(capsys, [*LARGE, "--band", "--width", "0.05"])
    assert content["truth"] == "with probability at least 1 - 1e-9"
    assert content["half_width"] <= 0.025
    middle = content["quantiles"]["1/2"]
    assert content["range"]["at_least"] < middle["at_least"] < middle["at_most"] < content["range"]["at_most"]
    assert main([*LARGE, "--band", "--width", "0.05"]) == 0
    out = capsys.readouterr().out
    assert "with probability at least 1 - 1e-9" in out
    assert "for all t" in out
    assert "exact" not in out


def test_an_interrupted_band_is_printed(files, capsys, monkeypatch):
    found = xd.law_band(xd.Network.load("two.json"), (1, 2, 3), "1/2", width=0.1)
    object.__setattr__(found, "interrupted", True)
    monkeypatch.setattr(xd, "law_band", lambda *_, **__: found)
    assert main([*SMALL, "--band"]) == 130
    shown = capsys.readouterr()
    assert "with probability at least" in shown.out
    assert "interrupted" in shown.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--output", "2"], "0 <= output < 2"), (["--output", "one"], "'--output'"), (["--level", "0"], "'--level'"),
        (["--plot", "law.txt"], "'--plot'"), (["--bins", "0", "--plot", "law.svg"], "'--bins'"),
        (["--band", "--width", "0"], "'--width'"), (["--band", "--confidence", "2"], "'--confidence'"),
    ],
)  # fmt: skip
def test_bad_options_are_one_sentence(files, capsys, options, words):
    code = main([*SMALL, *options])
    if words == "'--bins'":  # few values are drawn one by one, whatever the bins
        assert code == 0
        return
    assert code == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
