"""Wrong invocations of ``derive`` and ``check``: exit code 2 and one sentence that names what was wrong."""

import re

import pytest

from exactdropout.cli.main import main

HINGE = ["--architecture", "2-1-1 relu, no biases"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "penalty >= 0", "--architecture", "2-3-2 relu"], "must have one output and end in -1"),
        (["derive", "--architecture", "2-2-2-2"], "xd.derive"),
        (["derive", "--architecture", "1000000-1"], "--max-cost"),
        (["derive", "--architecture", "2-1-1 leaky relu"], "'leaky_relu(1/100)'"),
        (["check", "penalty = 1/0", *HINGE], "Argument 'claim' must not divide by 0, as 1/0 does."),
        (["check", "penalty >= 0", *HINGE, "--data", "point((1/0, 1), 1)"], "Argument '--data' must not divide by 0"),
        (["check", "penalty >= 0", *HINGE, "--assume", "w = 1/0"], "Argument '--assume' must not divide by 0"),
        (["check", "penalty >= 0", *HINGE, "--assume", "x[5] >= 0"], "names x[5], which does not exist"),
        (["check", "penalty >= 0", *HINGE, "--assume", "W[2] >= 0"], "names W[2], which does not exist"),
        (["check", "penalty >= 0", *HINGE, "--assume", "W[1,3] >= 0"], "names W[1][1][3], which does not exist"),
        (["check", "penalty >= 0", "--architecture", "K-n-1 relu", "--assume", "b[2] >= 0"], "b[l] is hidden layer l"),
        (["check", "penalty = Sum(x[i], i=1..100000)", *HINGE], "at most 20000, not 100000"),
        (["check", "penalty(q) >= 0", *HINGE], "at position 8: '*' is needed, since penalty(q) reads two ways"),
        (["check", r"\text{penalty}(y) \ge 0", *HINGE], "reads two ways"),
        (["derive", *HINGE, "--name", "y=q"], "q and y both become q"),
        (["derive", *HINGE, "--name", "w=x"], "w and x both become x"),
        (["derive", *HINGE, "--name", "foo=a"], "'--name' must rename a symbol of the formulas, not 'foo'"),
        (["derive", *HINGE, "--gradient", "--name", "foo=a"], "'--name' must rename a symbol"),
        (["derive", "--architecture", "K-1", "--assume", "w > 0, w < 0"], "Argument '--assume' contradicts itself"),
        (["derive", "--architecture", "K-1", "--assume", "q > 2"], "Argument '--assume' contradicts itself"),
        *(  # a KeyError once: an input or a weight in an exponent, a subscript or a range
            (["check", claim, "--architecture", architecture], "numbers, sizes and indices alone")
            for claim in ("2^x[1] = 1", "x[1]^x[1] >= 0", "(-1)^w[1] <= 1", "w[x[1]] = 1", "Sum(w[i], i=1..x[1]) = 0")
            for architecture in ("2-1 linear, no biases", "K-n-1 relu")
        ),
    ],
)
def test_one_sentence(arguments, message, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("exactdropout: error: Argument ")
    assert message in captured.err


def test_what_only_looked_wrong(capsys):
    assert main(["check", "penalty(w) >= 0", "--architecture", "K-1"]) == 0
    assert main(["check", "J_D(w) >= R(w)", "--architecture", "K-1"]) == 0
    assert main(["check", "W[1,2] >= 0", *HINGE, "--assume", "W[1,2] >= 0"]) == 0
    assert main(["check", "W[1][1,2] = 3", *HINGE, "--assume", "W[1,2] = 3"]) == 0
    assert main(["check", "b[1][2] >= 0", "--architecture", "2-2-1 relu", "--assume", "b[1] >= 0"]) == 0
    assert main(["derive", "--architecture", "1-1-1 leaky relu(1/3), no biases", "--quantity", "risk"]) == 0
    assert (
        main(["derive", "--architecture", "K-1", "--assume", "w = c", "--name", "c=theta", "--quantity", "mean"]) == 0
    )
    capsys.readouterr()


def test_a_layer_of_biases_beside_one_of_its_units(capsys):
    """With one hidden layer b[1] is the layer in an assumption and a unit in a claim."""
    arguments = ["--architecture", "2-2-1 relu", "--assume", "b[1] >= 0"]
    assert main(["check", "b[2] >= 0", *arguments]) == 2
    assert "reads two ways" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "announced"),
    [
        (
            ["derive", "--architecture", "3-2-2-1 relu, no biases", "--data", "point(1, 1)", "--q", "1/2", "--regions"],
            r"(regions: 18 hinges in level 1, at most .* sign patterns; .*\n)?",
        ),
        (["check", "Var[D] is nondecreasing in q", "--architecture", "4-4-1 relu, no biases"], ""),  # 19 s of CPU
    ],
)
def test_ctrl_c_ends_a_long_search_in_one_line(interrupted, arguments, announced):
    status, output, told = interrupted(arguments, 2.5)
    assert (status, output) == (130, "")
    assert re.fullmatch(announced + r"exactdropout: interrupted\n", told)


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("penatly >= 0", "did you mean 'penalty'?"),
        ("critreion >= 0", "did you mean 'criterion'?"),
        ("loss >= 0", "did you mean 'J_D' (the criterion) or 'R' (the risk)?"),
        ("var >= 0", "did you mean 'Var[D]'?"),
        ("penalty => 0", "'=>' is no relation; write '>=', or 'conclusion if condition'"),
        ("penalty =< y", "'=<' is no relation; write '<='."),
        ("w1 >= 0", "'w1' reads two ways; write w[1] for an entry."),
        ("penalty >= 0 if x12 >= 0", "write x[12] for an entry"),
    ],
)
def test_what_was_likely_meant(claim, told, capsys):
    assert main(["check", claim, "--architecture", "K-1, no biases"]) == 2
    assert told in capsys.readouterr().err
