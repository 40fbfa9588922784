"""``exactdropout derive``: formulas known by hand, in text, LaTeX and JSON, which ``check`` proves."""

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from fractions import Fraction as F

import pytest

from exactdropout.claims import check, parse_claim
from exactdropout.cli.main import main
from exactdropout.model import Examples, Network
from exactdropout.numeric.definition import naive_evaluation


def test_the_linear_penalty(capsys):
    assert main(["derive", "--architecture", "2-1, no biases", "--quantity", "penalty"]) == 0
    assert capsys.readouterr().out == "penalty = q*(w[1]^2*x[1]^2 + w[2]^2*x[2]^2)/(1 - q)\n"


def test_figure_1(capsys):
    arguments = ["--architecture", "1-1-1 relu, no biases", "--data", "point((1), 8)", "--q", "1/2"]
    assert main(["derive", *arguments, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["schema"] == "exactdropout/derive"
    claims = {name: content[name] for name in ("criterion", "risk", "penalty", "mean", "variance")}
    for forms in claims.values():
        assert parse_claim(forms["text"]) == parse_claim(forms["latex"])
    # D = 4 relu(W) w with probability 1/4, else 0; without dropout relu(W) w
    assert claims["mean"]["text"] == "E[D] = w[1]*relu(W[1,1])"
    assert main(["check", claims["variance"]["text"], *arguments]) == 0
    assert main(["check", "Var[D] = 3*w[1]^2*relu(W[1,1])^2", *arguments]) == 0


def test_latex_breaks_long_sums(capsys):
    assert main(["derive", "--architecture", "3-1", "--quantity", "criterion", "--latex", "--width", "40"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("\\begin{split}\nJ_D &= ")
    assert out.count(r"&\quad") >= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--architecture", "K-1"], "numbers as sizes"),
        (["--architecture", "2-1", "--data", "point((1, c), y)"], "must hold numbers"),
        (["--architecture", "2-1", "--width", "3"], "--width"),
        (["--architecture", "9-9-9-1 relu"], "--max-cost"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message, capsys):
    assert main(["derive", *arguments]) == 2
    captured = capsys.readouterr()
    assert (captured.out, message in captured.err) == ("", True)


def test_theorem_18_in_closed_form(capsys):
    arguments = [
        "--architecture",
        "K-n^(d-1)-1 relu, no biases",
        "--data",
        "point(1, y)",
        "--q",
        "1/2",
        "--quantity",
        "variance",
    ]
    assert main(["derive", *arguments, "--assume", "weights = c, c >= 0, y = K*n^(d-1)*c^d"]) == 0
    assert capsys.readouterr().out.startswith("Var[D] = y^2*((1 + 1/K)*(1 + 1/n)^(d - 1) - 1) if weights = c")


def test_styles_of_latex(capsys):
    arguments = ["derive", "--architecture", "2-1-1-1 relu", "--quantity", "mean", "--latex"]
    assert main([*arguments, "--name", "w=a", "--index", "superscript-layer", "--environment", "align"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("\\begin{align}\n")
    assert "W^{(1)}_{1,2}" in out
    assert "a_{1}" in out
    assert main([*arguments, "--standalone"]) == 0
    assert capsys.readouterr().out.startswith("\\documentclass")
    for name, message in [("w", "such as w=a"), ("w=x", "keep symbols apart"), ("w=J", "is the criterion")]:
        assert main([*arguments, "--name", name]) == 2
        assert message in capsys.readouterr().err


def test_mathml_and_code(capsys):
    arguments = ["derive", "--architecture", "2-1, no biases", "--quantity", "penalty", "--q", "1/3"]
    assert main([*arguments, "--mathml"]) == 0
    assert ET.fromstring(capsys.readouterr().out).tag == "math"
    assert main([*arguments, "--mathml", "--json"]) == 0
    assert ET.fromstring(json.loads(capsys.readouterr().out)["penalty"]["mathml"]).tag == "math"
    assert main([*arguments, "--code", "python"]) == 0
    scope = {}
    exec(capsys.readouterr().out, scope)
    assert scope["penalty"](2, 3, 5, 7) == F(1, 2) * (4 * 25 + 9 * 49)
    assert main([*arguments, "--code", "c", "--json"]) == 0
    assert "double penalty(" in json.loads(capsys.readouterr().out)["penalty"]["code"]
    assert main(["derive", "--architecture", "K-1", "--code", "c", "--closed-form"]) == 2
    assert "numbers" in capsys.readouterr().err


def test_derivatives_of_the_linear_penalty(capsys):
    assert main(["derive", "--architecture", "2-1, no biases", "--derivative-q", "penalty", "--hessian"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "d^2 criterion / d w[1] d w[1] = 2*x[1]^2/(1 - q)",
        "d^2 criterion / d w[1] d w[2] = 2*x[1]*x[2]",
        "d^2 criterion / d w[2] d w[2] = 2*x[2]^2/(1 - q)",
        "d penalty / d q = (w[1]^2*x[1]^2 + w[2]^2*x[2]^2)/(1 - q)^2",
    ]


def test_gradients_of_a_quantity(capsys):
    arguments = ["derive", "--architecture", "2-1, no biases", "--gradient", "penalty", "--hessian", "variance"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines() == [
        "d penalty / d w[1] = 2*q*w[1]*x[1]^2/(1 - q)",
        "d penalty / d w[2] = 2*q*w[2]*x[2]^2/(1 - q)",
        "d^2 variance / d w[1] d w[1] = 2*q*x[1]^2/(1 - q)",
        "d^2 variance / d w[1] d w[2] = 0",
        "d^2 variance / d w[2] d w[2] = 2*q*x[2]^2/(1 - q)",
    ]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["gradient"]["quantity"], found["gradient"]["entries"][0]["parameter"]) == ("penalty", "w[1]")
    assert main([*arguments, "--latex"]) == 0
    assert (
        r"\frac{\partial \text{penalty}}{\partial w_{1}} &= \frac{2 q w_{1} x_{1}^{2}}{1 - q}"
        in capsys.readouterr().out
    )


def test_stretches_of_figure_1(capsys, tmp_path):
    path = str(tmp_path / "net.json")
    Network([[[1, 1], [1, 1]], [1, 1]]).save(path)
    arguments = ["derive", "--architecture", path, "--data", "point((1, -1), 8)", "--monotone", "criterion"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "criterion: decreasing on (0, 1/2)",
        "criterion: increasing on (1/2, 1)",
    ]
    assert main([*arguments, "--json", "--quantity", "risk"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [s["high"]["value"] for s in content["monotone"]["criterion"]["stretches"]] == ["1/2", "1"]
    assert content["risk"]["text"] == "R = 64"


def test_regions_and_stationary_points(capsys):
    arguments = [
        "--architecture",
        "2-1-1 relu, no biases",
        "--data",
        "point(1, 1)",
        "--q",
        "1/2",
        "--regions",
        "--stationary",
    ]
    assert main(["derive", *arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["regions"]
    assert (found["count"], found["complete"], found["undecided"]) == (6, True, 0)
    assert len(found["regions"]) == 6
    for region in found["regions"]:
        assert parse_claim(f"criterion = {region['criterion']['text']} if {', '.join(region['inequalities'])}")
        assert {name: F(value) for name, value in region["sample"].items()}.keys() == {
            "w[1]", "W[1,1]", "W[1,2]"
        }  # fmt: skip
    assert main(["derive", *arguments, "--limit", "2"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert (out[0], out[-1]) == ("6 regions (complete)", "... and 4 more")
    assert "    W[1,1] = -1/2, W[1,2] = 1/4, w[1] = 1: criterion 7/8; rescaling of w[1]; 1 more free dimension" in out


def test_regions_print_the_quantity_that_is_asked_for(capsys):
    arguments = [
        "derive",
        "--architecture",
        "1-1-1 relu, hidden biases",
        "--data",
        "point(1, 1)",
        "--q",
        "1/2",
        "--regions",
    ]
    assert main([*arguments, "--quantity", "penalty", "--quantity", "variance", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["regions"]["count"], content["regions"]["quantities"]) == (6, ["penalty"])
    for region in content["regions"]["regions"]:
        assert "criterion" not in region
        w, b, v = (F(region["sample"][name]) for name in ("W[1,1]", "b[1]", "w[1]"))
        network = Network([[[w]], [v]], [[b], [0]])
        # the printed polynomial at the sample point, against the double loop; the verdict there is about numbers alone
        at = f"W[1,1] = {w}, b[1] = {b}, w[1] = {v}"
        expected = naive_evaluation(network, Examples.point([1], 1), (F(1, 2), F(1, 2))).penalty
        assert (
            check(f"{region['penalty']['text']} = {expected}", "1-1-1 relu, hidden biases", assume=at).status
            == "proved"
        )
    # the signs of b and b + 2 W: two lines through the plane; the penalty has b + W, too
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("4 regions (complete)\n")


def test_names_are_used_in_text_and_json(capsys):
    arguments = ["derive", "--architecture", "2-1, no biases", "--quantity", "penalty", "--name", "w=a"]
    assert main(arguments) == 0
    text = capsys.readouterr().out.strip()
    assert text == "penalty = q*(a[1]^2*x[1]^2 + a[2]^2*x[2]^2)/(1 - q)"
    assert check(text, "2-1, no biases", names={"w": "a"}).status == "proved"
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["penalty"]
    assert (found["text"], "a_{1}" in found["latex"], "w" in found["latex"]) == (text, True, False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--architecture", "2-1-1", "--regions"], "must hold numbers"),
        (["--architecture", "2-1", "--monotone", "penalty"], "q alone"),
        (["--architecture", "2-1", "--hessian", "--limit", "0"], "--limit"),
        (["--architecture", "2-1", "--hessian", "--stationary"], "--regions"),
        (["--architecture", "2-1", "--hessian", "--name", "w=x"], "keep symbols apart"),
        (["--architecture", "2-1-1 linear", "--q", "0, 1/2", "--derivative-q", "penalty"], "'--q' must hold q"),
        (["--architecture", "K-1", "--hessian"], "numbers as sizes"),
        (["--architecture", "4-4-1", "--hessian", "--max-cost", "0.001"], "--max-cost"),
    ],
)
def test_bad_options_are_one_sentence(arguments, message, capsys):
    assert main(["derive", *arguments]) == 2
    captured = capsys.readouterr()
    assert (captured.out, message in captured.err) == ("", True)
    assert captured.err.count("\n") == 1


def test_the_derivative_moves_only_the_rates_that_are_q(capsys):
    arguments = ["derive", "--architecture", "1-1-1 linear, no biases", "--derivative-q", "penalty", "--q"]
    # penalty = q/(1 - q) (w W x)^2 with q on the hidden unit alone
    assert main([*arguments, "0, q"]) == 0
    assert capsys.readouterr().out == "d penalty / d q = w[1]^2*W[1,1]^2*x[1]^2/(1 - q)^2\n"
    # (1/(1 - q)^2 - 1) (w W x)^2 with q on both: the slope is 2/(1 - q)^3
    assert main([*arguments, "1/2"]) == 0
    assert capsys.readouterr().out == "d penalty / d q at q = 1/2 = 16*w[1]^2*W[1,1]^2*x[1]^2\n"
    assert main([*arguments, "1/2", "--latex", "--name", "w=a", "--name", "q=theta"]) == 0
    assert capsys.readouterr().out == (
        r"\left. \frac{\mathrm{d}}{\mathrm{d} \theta} \text{penalty} \right|_{\theta = \frac{1}{2}} "
        r"= 16 a_{1}^{2} W_{1,1}^{2} x_{1}^{2}" + "\n"
    )


def test_regions_in_latex_are_cases_and_signs_stand_as_one_writes_them(capsys):
    arguments = [
        "derive",
        "--architecture",
        "2-1-1 relu, no biases",
        "--data",
        "point(1, 1)",
        "--q",
        "1/2",
        "--regions",
    ]
    assert main([*arguments, "--latex", "--stationary", "--name", "W=u"]) == 0
    out = capsys.readouterr().out
    assert r"J_D = \begin{cases}" in out
    assert r"1, & u_{1,1} < 0,\ u_{1,2} < 0 \\" in out
    assert r"$u_{1,1} = \frac{1}{6}$, $u_{1,2} = \frac{1}{6}$, $w_{1} = 1$, with $J_D = \frac{2}{3}$" in out
    assert "W[" not in out
    assert main([*arguments, "--latex", "--limit", "1", "--environment", "align"]) == 0
    out = capsys.readouterr().out
    assert out.count(r"\begin{align}") == 1
    assert r"\ldots, & \text{in 5 more regions}" in out
    assert main([*arguments, "--limit", "1"]) == 0
    assert "region 1: W[1,1] < 0, W[1,2] < 0" in capsys.readouterr().out


WRITTEN_OUT = [
    ["--architecture", "2-1-1 relu, no biases", "--data", "point(1, 1)", "--q", "1/2", "--regions", "--stationary"],
    ["--architecture", "2-1-1 relu, biases", "--data", "point((1, -1), 1)", "--q", "1/2", "--regions",
     "--quantity", "penalty", "--index", "superscript-layer", "--name", "w=a"],
    ["--architecture", "1-2-1 relu, hidden biases", "--data", "point(1, 1)", "--q", "0, q", "--regions", "--hessian",
     "--derivative-q", "penalty", "--environment", "align"],
    ["--architecture", "1-1-1-1 relu, no biases", "--data", "half(1, 1)", "--regions", "--limit", "3",
     "--index", "bracket"],
    ["--architecture", "1-1-1 leaky_relu(1/5), no biases", "--q", "1/2", "--derivative-q", "criterion"],
]  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [*WRITTEN_OUT[:2], *(pytest.param(a, marks=pytest.mark.thorough) for a in WRITTEN_OUT[2:])]
)
def test_what_stands_beside_the_formulas_compiles_and_fits_the_page(arguments, capsys, external, tmp_path):
    pdflatex = external("pdflatex")
    assert main(["derive", *arguments, "--standalone"]) == 0
    (tmp_path / "out.tex").write_text(capsys.readouterr().out)
    done = subprocess.run(
        [pdflatex, "-interaction=nonstopmode", "-halt-on-error", "out.tex"], cwd=tmp_path, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    wide = [float(size) for size in re.findall(r"Overfull \\hbox \(([\d.]+)pt", done.stdout)]
    assert max(wide, default=0) < 25  # a few letters, in the margin


def test_compact_formulas_are_proved_by_check(capsys):
    arguments = ["--architecture", "2-1-1 relu, no biases", "--q", "1/2"]
    assert main(["derive", *arguments, "--compact"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" = ")[0] for line in lines] == ["J_D", "penalty", "Var[D]"]
    assert lines[0].count("relu(W[1,1]*x[1] + W[1,2]*x[2])") == 2  # a residual and a spread for each masked input
    for line in lines:
        assert check(line, "2-1-1 relu, no biases", q="1/2").status == "proved"
    assert main(["derive", *arguments, "--compact", "--quantity", "mean"]) == 2
    assert "--quantity" in capsys.readouterr().err
    assert main(["derive", "--architecture", "K-1", "--compact", "--closed-form"]) == 2


def test_code_and_mathml_of_derivatives(capsys):
    arguments = ["derive", "--architecture", "1-1 linear, no biases", "--quantity", "penalty", "--gradient", "penalty"]
    arguments += ["--hessian", "penalty", "--derivative-q", "penalty"]
    assert main([*arguments, "--code", "python"]) == 0
    scope: dict[str, object] = {}
    exec(capsys.readouterr().out, scope)
    half = F(1, 2)  # penalty = q/(1 - q) v^2 x^2 at q = 1/2, v = 3, x = 5
    assert scope["penalty"](half, 3, 5) == 225
    assert scope["d_penalty_d_w_1"](half, 3, 5) == 150
    assert scope["d2_penalty_d_w_1_d_w_1"](half, 5) == 50
    assert scope["d_penalty_d_q"](half, 3, 5) == 4 * 225
    assert main([*arguments, "--mathml", "--json"]) == 0
    forms = json.loads(capsys.readouterr().out)
    assert "<msup><mo>∂</mo><mn>2</mn></msup>" in forms["d2_penalty_d_w_1_d_w_1"]["mathml"]
    for form in (forms["penalty"], forms["d_penalty_d_q"], forms["d_penalty_d_w_1"]):
        assert ET.fromstring(form["mathml"]).tag == "math"
    assert main([*arguments, "--monotone", "penalty", "--code", "c"]) == 2
    assert "--monotone" in capsys.readouterr().err


def test_what_nobody_could_print_is_refused_with_what_to_ask_for(capsys):
    # sizes at which a derivation is quick and its formula is not: 32,768 terms and more
    assert main(["derive", "--architecture", "8-8-1 relu, no biases", "--quantity", "criterion"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    for word in ("terms for criterion", "--code", "--compact", "--closed-form", "risk"):
        assert word in captured.err
    assert main(["derive", "--architecture", "8-8-1 relu, no biases", "--quantity", "risk"]) == 0
    assert capsys.readouterr().out.startswith("R = ")
    assert main(["derive", "--architecture", "20-20-1 relu"]) == 2
    assert "h of one core" in capsys.readouterr().err


def test_data_of_a_file_may_have_any_number_of_examples(capsys, tmp_path):
    path = tmp_path / "data.json"
    Examples([((1, 2), 3, "1/3"), ((0, -1), 1, "2/3")]).save(path)
    arguments = ["derive", "--architecture", "2-1 linear, no biases", "--data", str(path), "--quantity"]
    assert main([*arguments, "penalty"]) == 0
    # q/(1 − q) Σ_k w_k² Σ P x_k²: ⅓·1, and ⅓·4 + ⅔·1 = 2
    text = capsys.readouterr().out.split(" = ")[1].strip()
    claim = f"{text} = q/(1 - q)*(w[1]^2/3 + 2*w[2]^2)"
    assert check(claim, "2-1 linear, no biases").status == "proved"
