"""The command line as a user meets it: output, JSON, exit codes, and no traceback on bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction as F

import pytest

import exactdropout as xd
from exactdropout.cli.main import main

HOSTILE = "__import__('os').mkdir('exploded')"


@pytest.fixture
def figure_1(tmp_path, monkeypatch):
    """Write the network of Figure 1 and its example, and go there."""
    monkeypatch.chdir(tmp_path)
    xd.Network([[[1, 1], [1, 1]], [1, 1]]).save("net.json")
    (tmp_path / "data.csv").write_text("x1,x2,y\n1,-1,8\n")
    return tmp_path


def run_json(capsys, *arguments):
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_evaluate_prints_figure_1(figure_1, capsys):
    assert main(["evaluate", "net.json", "data.csv", "--q", "1/2"]) == 0
    out = capsys.readouterr().out
    for line in ("criterion   54", "risk        64", "penalty     -10"):
        assert line in out
    assert "all 2^4 masks" in out
    assert out.count("exact") >= 5


def test_evaluate_json(figure_1, capsys):
    code, content = run_json(capsys, "evaluate", "net.json", "data.csv", "--q", "1/2", "--per-example")
    assert code == 0
    assert (content["schema"], content["version"]) == ("exactdropout/evaluate", 1)
    assert (content["criterion"], content["risk"], content["penalty"]) == ("54", "64", "-10")
    assert set(content["error_bounds"].values()) == {"0"}
    assert content["per_example"][0]["output"] == ["0"]
    # E (D−8)² = 54; D is 0, 4, 8 with 13/16, 2/16, 1/16, so E (D−8)⁴ = (13·4096 + 2·256)/16 = 3360
    assert content["per_example"][0]["squared_error_variance"] == str(3360 - 54**2)
    low, high = content["standard_error"]["100"]
    assert F(low) ** 2 <= F(3360 - 54**2, 100) <= F(high) ** 2
    assert high - low < 1e-14


def test_evaluate_float_exact_and_precise_agree(figure_1, capsys):
    xd.Network([[[0.1, -0.7], [1.3, 0.2]], [1.0, -2.5]], [[0.3, 0.1], 0.05]).save("float.npz")
    (figure_1 / "d.csv").write_text("0.3,-1.7,0.1\n2,1,1/3\n")
    _, exact = run_json(capsys, "evaluate", "float.npz", "d.csv", "--exact", "--q", "1/3,1/5")
    _, floats = run_json(capsys, "evaluate", "float.npz", "d.csv", "--q", "1/3,1/5")
    _, precise = run_json(capsys, "evaluate", "float.npz", "d.csv", "--q", "1/3,1/5", "--precision", "40")
    assert (exact["exactness"], floats["exactness"], precise["exactness"]) == ("exact", "float64", "interval")
    for name in ("criterion", "risk", "penalty", "variance", "bias"):
        value = F(exact[name])
        assert abs(F(floats[name]) - value) <= F(floats["error_bounds"][name])
        assert abs(F(precise[name]) - value) <= F(precise["error_bounds"][name]) + abs(value) / 10**39


def test_grid_and_plot(figure_1, capsys):
    code, content = run_json(capsys, "evaluate", "net.json", "data.csv", "--q-grid", "0:1/2:3", "--plot", "g.svg")
    assert code == 0
    assert [row["q"] for row in content["grid"]] == ["0", "1/4", "1/2"]
    assert content["grid"][0]["penalty"] == "0"
    assert content["grid"][2]["penalty"] == "-10"
    assert (figure_1 / "g.svg").read_text().lstrip().startswith("<?xml")
    assert main(["evaluate", "net.json", "data.csv", "--q-grid", "0,1/2"]) == 0
    assert "-10" in capsys.readouterr().out


def test_plan_starts_nothing(figure_1, capsys):
    xd.Network([[[F(3**k, k + 1) for k in range(60)]], [1]]).save("big.json")
    (figure_1 / "big.csv").write_text(",".join(["1"] * 61) + "\n")
    assert main(["evaluate", "big.json", "big.csv", "--q", "1/2", "--plan"]) == 0
    assert "2^61 per example" in capsys.readouterr().out
    assert main(["evaluate", "big.json", "big.csv", "--q", "1/2", "--moments", "4"]) == 2
    assert "no --max-cost makes that practical" in capsys.readouterr().err
    code, content = run_json(capsys, "evaluate", "net.json", "data.csv", "--q", "1/2", "--plan")
    assert (code, content["mask_bits"]) == (0, 4)


def test_a_layer_that_must_be_met_is_evaluated_without_fourth_moments(figure_1, capsys):
    """2^38 masks are too many for fourth moments; second moments by meet are not."""
    columns = [[F((7 * i + 3 * k) % 11 - 5, 8) + F(i * k, 1024) for k in range(38)] for i in (1, 2)]
    xd.Network([[[float(v) for v in row] for row in columns], [[1.0, -1.0]]]).save("wide.json")
    (figure_1 / "wide.csv").write_text(",".join(["1"] * 39) + "\n")
    call = ["evaluate", "wide.json", "wide.csv", "--q", "1/2", "--strategy", "meet", "--plan"]
    code, content = run_json(capsys, *call)
    assert (code, content["strategy"]) == (0, "meet")
    assert main([*call, "--moments", "4"]) == 2
    assert "second moments only" in capsys.readouterr().err
    code, content = run_json(capsys, "evaluate", "wide.json", "wide.csv", "--q", "1/2", "--plan")
    assert (code, content["mask_bits"]) == (0, 40)
    assert content["cost"] < 6e10


def test_the_standard_error_is_left_out_with_second_moments_only(figure_1, capsys):
    code, content = run_json(
        capsys, "evaluate", "net.json", "data.csv", "--q", "1/2", "--strategy", "meet", "--per-example"
    )
    assert (code, content["criterion"], content["standard_error"]) == (0, "54", None)
    assert "squared_error_variance" not in content["per_example"][0]
    assert main(["evaluate", "net.json", "data.csv", "--q", "1/2", "--strategy", "meet"]) == 0
    out = capsys.readouterr().out
    assert "No standard error" in out
    assert "Monte-Carlo" not in out
    assert main(["evaluate", "net.json", "data.csv", "--q", "1/2", "--moments", "2"]) == 0
    assert "standard error" not in capsys.readouterr().out


def test_costs_that_are_infinite_are_no_json_numbers(figure_1, capsys):
    assert main(["evaluate", "net.json", "data.csv", "--q", "1/2", "--plan", "--json"]) == 0

    def refused(constant):
        raise AssertionError(constant)

    content = json.loads(capsys.readouterr().out, parse_constant=refused)
    assert None in [other["cost"] for other in content["runners_up"]]


def test_law(figure_1, capsys):
    code, content = run_json(capsys, "law", "net.json", "--q", "1/2", "--x", "1,-1")
    assert code == 0
    assert content["atoms"] == [
        {"value": "0", "probability": "13/16"},
        {"value": "4", "probability": "1/8"},
        {"value": "8", "probability": "1/16"},
    ]
    assert content["quantiles"]["19/20"] == "8"
    assert main(["law", "net.json", "--q", "1/2", "--x=-1,1"]) == 0
    assert "13/16" in capsys.readouterr().out


def test_example_then_evaluate(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["example"]) == 0
    assert "exactdropout evaluate network.json diabetes.csv" in capsys.readouterr().out
    code, content = run_json(capsys, "evaluate", "network.json", "diabetes.csv", "--q", "1/2")
    assert code == 0
    assert content["exactness"] == "float64"
    assert 0 < content["error_bounds"]["criterion"] < 1e-6 * content["criterion"]
    assert main(["example"]) == 2  # never overwrites
    assert "must not hold network.json already" in capsys.readouterr().err


BAD = [
    (["evaluate", "none.json", "data.csv", "--q", "1/2"], "does not exist"),
    (["evaluate", "net.json", "none.csv", "--q", "1/2"], "does not exist"),
    (["evaluate", "net.json", "data.csv", "--q", "1"], "0 <= q < 1"),
    (["evaluate", "net.json", "data.csv", "--q=-1/2"], "0 <= q < 1"),
    (["evaluate", "net.json", "data.csv", "--q=nan"], "'--q' must be"),
    (["evaluate", "net.json", "data.csv", "--q", HOSTILE], "'--q' must be"),
    (["evaluate", "net.json", "data.csv", "--q", "1/2,1/2,1/2"], "one per droppable layer"),
    (["evaluate", "net.json", "data.csv", "--q", "1/2", "--label", "z"], "'--label' must name a column"),
    (["evaluate", "net.json", "wide.csv", "--q", "1/2"], "must have 2 inputs per example"),
    (["evaluate", "net.json", "bad.csv", "--q", "1/2"], "'row 2, column y'"),
    (["evaluate", "net.json", "empty.csv", "--q", "1/2"], "at least one example"),
    (["evaluate", "net.json", "prob.csv", "--q", "1/2", "--probability", "p"], "must sum to 1, not 3/4"),
    (["evaluate", "cut.json", "data.csv", "--q", "1/2"], "is not complete JSON"),
    (["evaluate", "hostile.json", "data.csv", "--q", "1/2"], "must be an integer, a fraction"),
    (["evaluate", "nan.json", "data.csv", "--q", "1/2"], "numbers must be finite"),
    (["evaluate", "deep.json", "data.csv", "--q", "1/2"], "nested too deeply"),
    (["evaluate", "huge.json", "data.csv", "--q", "1/2"], "digits"),
    (["evaluate", "pickle.npz", "data.csv"], "cannot be read"),
    (["evaluate", "net.json", "data.csv", "--q", "1/2", "--max-cost", "1e-9"], "raise --max-cost"),
    (["evaluate", "net.json", "data.csv", "--q", "1/2", "--max-cost", "-1"], "'--max-cost' must be positive"),
    (["evaluate", "net.json", "data.csv", "--q", "1/2", "--precision", "0"], "'--precision' must satisfy"),
    (["evaluate", "net.json", "data.csv", "--q-grid", "0:1:0"], "'--q-grid' must have a COUNT"),
    (["evaluate", "net.json", "data.csv", "--q-grid", "0:1:3"], "0 <= q < 1"),
    (["evaluate", "net.json", "data.csv", "--q-grid", "0:1"], "START:STOP:COUNT"),
    (["evaluate", "net.json", "data.csv", "--q", "1/2", "--plot", "x.exe"], "'--plot' must end in"),
    (["evaluate", "net.json", "data.csv", "--q", "1/2", "--plot", "no/x.svg"], "cannot be written"),
    (["evaluate", "net.json", "data.csv", "--q", "1/2", "--strategy", "walk"], "'--strategy' must be one of"),
    (["evaluate", "net.json", "data.csv", "--q", "1/2", "--workers", "2"], "'--workers' is for float64 networks"),
    (["law", "net.json", "--q", "1/2", "--x", "1"], "'--x' must have 2 entries"),
    (["law", "net.json", "--q", "1/2", "--x", HOSTILE], "'--x' must be"),
    (["law", "net.json", "--q", "1/2", "--x", "1,1", "--output", "1"], "0 <= output < 1"),
    (["verify", "none.py"], "none.py"),
    (["verify", "--only", "no such theorem"], "'--only' must be part of an id"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(a)[:60] for a, _ in BAD])
def test_bad_input_is_one_sentence_and_exit_code_2(figure_1, capsys, arguments, message):
    files = {
        "wide.csv": "1,2,3,4\n",
        "bad.csv": "x1,x2,y\n1,2,abc\n",
        "empty.csv": "",
        "prob.csv": "x1,x2,y,p\n1,2,3,1/4\n1,2,3,1/2\n",
        "cut.json": (figure_1 / "net.json").read_text()[:-9],
        "nan.json": '{"format": "exactdropout-network", "weights": [NaN]}',
        "deep.json": "[" * 200_000,
        "huge.json": '{"format": "exactdropout-network", "version": ' + "9" * 500_000 + "}",
        "pickle.npz": "cos\nmkdir\n(S'exploded'\ntR.",
    }
    hostile = json.loads((figure_1 / "net.json").read_text())
    hostile["weights"][0][0][0] = HOSTILE
    files["hostile.json"] = json.dumps(hostile)
    for name, text in files.items():
        (figure_1 / name).write_text(text)
    before = sorted(p.name for p in figure_1.iterdir())
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("exactdropout: error: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert sorted(p.name for p in figure_1.iterdir()) == before  # nothing written, nothing executed


def test_version_module_and_usage_errors():
    result = subprocess.run(
        [sys.executable, "-m", "exactdropout", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == f"exactdropout {xd.__version__}"
    usage = subprocess.run(
        [sys.executable, "-m", "exactdropout", "nothing"], capture_output=True, text=True, check=False
    )
    assert usage.returncode == 2
    assert "Traceback" not in usage.stderr


@pytest.mark.parametrize("exact", [True, False])
def test_ctrl_c_stops_a_long_evaluation_cleanly(tmp_path, interrupted, exact):
    inputs, rows = (14, 5000) if exact else (36, 1)  # hours of work, little memory
    rows_of_weights = [[F(7 ** (k + 11 * j) % 101 - 50, k + 1) for k in range(inputs)] for j in range(3)]
    network = xd.Network([rows_of_weights, [[1, 2, -1]]])  # no equal units, and below no equal examples
    if exact:
        network.save(tmp_path / "n.json")
    else:  # two hidden layers: no strategy is quick
        wide = [[F(5**k % 31 - 15, i + k + 1) for k in range(20)] for i in range(20)]
        first = [[F(7**k % 101 - 50, k + i + 1) for k in range(inputs)] for i in range(20)]
        xd.Network([first, wide, [[1] * 20]]).float64().save(tmp_path / "n.json")
    lines = [",".join(str(1 + i * (k + 1) % 4999) for k in range(inputs + 1)) for i in range(rows)]
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n")
    found = interrupted(["evaluate", "n.json", "d.csv", "--q", "1/2", "--max-cost", "inf"], 2)
    assert found == (130, "", "exactdropout: interrupted\n")


def test_interrupt_exits_with_130(figure_1, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(xd, "evaluate", interrupted)
    assert main(["evaluate", "net.json", "data.csv", "--q", "1/2"]) == 130
    assert capsys.readouterr().err == "exactdropout: interrupted\n"
