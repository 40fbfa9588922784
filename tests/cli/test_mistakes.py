"""What people type by mistake: each is one sentence that names what they typed and says what to write instead."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.cli.main import main
from exactdropout.errors import ExactDropoutError

COMMAND_LINES = {
    # the command
    "evalute net.json data.csv --q 1/2": "did you mean evaluate?",
    "Evaluate net.json data.csv --q 1/2": "did you mean evaluate?",
    "eval net.json data.csv --q 1/2": "did you mean evaluate?",
    "verfy": "did you mean verify?",
    "prove": "did you mean verify?",
    "simplify": "did you mean derive?",
    "minimise --q 1/2": "did you mean minimize?",
    "phase": "did you mean phases?",
    "train": "did you mean minimize?",
    "help": "did you mean --help?",
    "version": "did you mean --version?",
    "report": "verify --report FOLDER",
    "test mylayer.py": "exactdropout.testing.assert_dropout",
    "plot net.json data.csv": "--plot FILE of evaluate",
    # a newcomer's first hour
    "evaluate": "such as network.json diabetes.csv; exactdropout example . writes both",
    "evaluate net.json data.csv --q 1/2 --plot": "as in --plot FILE",
    "evaluate net.json data.csv --q-grid 0..1": "or START:STOP:COUNT, such as 0:9/10:10",
    "evaluate net.json data.csv --q-grid 0:1:5": "such as 0:9/10:10, not '1'",
    "derive --architecture '2-2-1 relu' --monotone penalty": "Argument '--monotone' must depend on q alone",
    "derive --architecture '2-2-1 relu' --html page.html": "--html is an option of check",
    "check penalty = 0 --architecture K-1": "stands in quotes: check 'penalty = 0'",
    "minimize --architecture '2-2-1 relu' --data '(1, 1), 1' --q 1/2": "did you mean 'point((1, 1), 1)'?",
    "minimize --architecture '2-2-1 relu' --data 'point(1, 1)'": "required: --q, such as --q 1/2",
    "minimize --architecture 'point(1, 1)' --data '2-2-1' --q 1/2": "that is data, which comes behind",
    "phases --architecture '2-2-1 relu' --data 'point(1, 1)' --q 1/2": "answers for every q, exactdropout minimize for",
    "law net.json --q 1/2": "required: --x, such as --x 1,-1",
    "verify helmbold-2017-figure-1": "an entry is chosen by --only",
    "estimate net.json data.csv --q 1/2 --width 5": "5 % is 0.05",
    "run": "choose from 'verify'",
    "-v": "did you mean --version?",
    "--hepl": "did you mean --help?",
    "": "required: COMMAND; exactdropout --help lists them",
    # options
    "verify --only=--": "argument --only: a value is expected, not '--'",
    "evaluate net.json data.csv --q=--": "argument --q: a value is expected, not '--'",
    "evaluate net.json data.csv --p 1/2": "did you mean --q?",
    "evaluate net.json data.csv --rate 1/2": "did you mean --q?",
    "evaluate net.json data.csv --dropout 1/2": "did you mean --q?",
    "evaluate net.json data.csv -q 1/2": "did you mean --q?",
    "evaluate net.json data.csv --q 1/2 --labels y": "did you mean --label?",
    "evaluate net.json data.csv --q 1/2 --Label y": "did you mean --label?",
    "evaluate net.json data.csv --q 1/2 --prob p": "did you mean --probability?",
    "evaluate net.json data.csv --q 1/2 --max_cost 3": "did you mean --max-cost?",
    "evaluate net.json data.csv --q 1/2 --maxcost 3": "did you mean --max-cost?",
    "evaluate net.json data.csv --q 1/2 --jsn": "did you mean --json?",
    "evaluate net.json data.csv --q 1/2 --thread 2": "did you mean --threads?",
    "evaluate net.json data.csv --q 1/2 --cores 2": "did you mean --threads?",
    "evaluate net.json data.csv --q 1/2 --per_example": "did you mean --per-example?",
    "evaluate net.json data.csv --q 1/2 --presicion 30": "did you mean --precision?",
    "evaluate net.json data.csv --q 1/2 --checkpoints f": "did you mean --checkpoint?",
    "evaluate net.json data.csv --q 1/2 --verbose": "exactdropout evaluate --help lists its options",
    "phases --architecture '1-1-1 relu' --data 'half(1, 1)' --q 1/2": "answers for every q, exactdropout minimize",
    "derive --arch 2-1": "did you mean --architecture for --arch?",
    "derive --architecture 2-1 --closedform": "did you mean --closed-form?",
    "derive --architecture 2-1 --tex": "did you mean --latex?",
    "derive --architecture 2-1 --quantities risk": "did you mean --quantity?",
    "check 'penalty >= 0' --archtecture 2-1": "did you mean --architecture?",
    "minimize --arch 2-3-1 --q 1/2": "did you mean --architecture for --arch?",
    "estimate net.json data.csv --q 1/2 --second 3": "did you mean --seconds?",
    "law net.json --q 1/2 --X 1,2": "did you mean --x for --X?",
    "compare net.json data.csv --q 1/2 --sample 3": "did you mean --samples?",
    # words without their option, texts without quotes
    "derive 2-3-1": "did you mean --architecture '2-3-1'?",
    "derive '2-3-1 relu, no biases'": "did you mean --architecture '2-3-1 relu, no biases'?",
    "derive K-1": "did you mean --architecture 'K-1'?",
    "minimize net.json data.csv --q 1/2": "did you mean --architecture 'net.json' --data 'data.csv'?",
    "phases 1-1-1 'half(1, 1)'": "did you mean --architecture '1-1-1' --data 'half(1, 1)'?",
    "derive --architecture 2-3-1 relu": "a text with spaces stands in quotes: --architecture '2-3-1 relu'",
    "derive --architecture 2-3-1 relu, no biases": "in quotes: --architecture '2-3-1 relu, no biases'",
    "check 'penalty >= 0' --assume w >= 0": "in quotes: --assume 'w >= 0'",
    "check penalty is positive --architecture 2-1": "stands in quotes: check 'penalty is positive'",
    "evaluate net.json data.csv --q 1/2 1/3": "rates of several layers are written --q 1/2,1/3",
    "evaluate net.json data.csv --q 0 1/2": "rates of several layers are written --q 0,1/2",
    "evaluate net.json": "required: data",
    "check": "required: claim",
    # choices
    "derive --architecture 2-1 --quantity penalties": "did you mean penalty?",
    "derive --architecture 2-1 --quantity Penalty": "did you mean penalty?",
    "derive --architecture 2-1 --quantity crit": "did you mean criterion?",
    "derive --architecture 2-1 --gradient risks": "did you mean risk?",
    "derive --architecture 2-1 --code Python": "did you mean python?",
    "derive --architecture 2-1 --code fortran": "choose from 'python'",
    "derive --architecture 2-1 --environment equations": "did you mean equation?",
    "compare net.json data.csv --q 1/2 --method samples": "did you mean sampling?",
    "evaluate net.json data.csv --q 1/2 --header y": "choose from 'yes', 'no'",
    "evaluate net.json data.csv --q 1/2 --moments 3": "choose from 2, 4",
    "derive --architecture 2-1 --latex --text": "not allowed with argument --latex",
    "evaluate net.json data.csv --q 1/2 --workers 2 --threads 2": "not allowed with argument --workers",
    "evaluate net.json data.csv --q 1/2 --threads two": "invalid int value: 'two'",
    # rates and numbers
    "evaluate net.json data.csv": "'--q' must be given: a drop probability such as 1/2",
    "evaluate net.json data.csv --q 50%": "a percentage is written 50/100",
    "evaluate net.json data.csv --q 12.5%": "a percentage is written 125/1000",
    "evaluate net.json data.csv --q 0,5": "a decimal has a point: 0.5",
    "evaluate net.json data.csv --q half": "write 1/2",
    "evaluate net.json data.csv --q 50": "for a percentage write '50/100'",
    "evaluate net.json data.csv --q 1": "q is the probability of dropping",
    "evaluate net.json data.csv --q -0.1": "'--q' must satisfy 0 <= q < 1, not -1/10",
    "evaluate net.json data.csv --q 1/0": "must not have denominator 0",
    "evaluate net.json data.csv --q=": "a decimal such as 0.25, not ''",
    "evaluate net.json data.csv --q 1/2,1/3,1/4": "one per droppable layer (2: the inputs and 1 hidden), not 3",
    "evaluate net.json data.csv --q 1/2 --max-cost 1h": "'--max-cost' must be an integer",
    "evaluate net.json data.csv --q 1/2 --max-cost 0": "'--max-cost' must be positive",
    "evaluate net.json data.csv --q 1/2 --threads 0": "'--threads' must be a positive integer",
    "evaluate net.json data.csv --q 1/2 --precision -3": "'--precision' must satisfy 1 <= precision",
    "evaluate net.json data.csv --q 1/2 --strategy Walk": "'--strategy' must be one of",
    "evaluate net.json data.csv --q-grid 0:1": "START:STOP:COUNT",
    "evaluate net.json data.csv --q-grid 0:1:0.1": "COUNT from 2 to 1000",
    "evaluate net.json data.csv --q 1/2 --plot out.xyz": "must end in .svg, .png or .pdf",
    "estimate net.json data.csv --q 1/2 --confidence 95%": "a percentage is written 95/100",
    "estimate net.json data.csv --q 1/2 --confidence 95": "0 < confidence < 1",
    "estimate net.json data.csv --q 1/2 --width 0": "must be positive, such as 5% or 0.05",
    "estimate net.json data.csv --q 1/2 --seconds -1": "'--seconds' must be a positive number of seconds",
    "law net.json --x '1 2' --q 1/2": "'--x' must be an integer",
    "law net.json --x 1,2,3 --q 1/2": "'--x' must have 2 entries",
    "law net.json --x 1,2 --q 1/2 --level 95": "0 < level <= 1",
    "compare net.json data.csv --q 1/2 --samples 0": "'--samples' must be a positive integer",
    # files
    "evaluate nett.json data.csv --q 1/2": "does not exist; did you mean 'net.json'?",
    "evaluate net.json dat.csv --q 1/2": "does not exist; did you mean 'data.csv'?",
    "evaluate net.json sub/dta.csv --q 1/2": "did you mean 'sub/data.csv'?",
    "evaluate net.json qqqq.csv --q 1/2": "File 'qqqq.csv' does not exist.",
    "evaluate data.csv net.json --q 1/2": "must end in .json or .npz for a network, not 'data.csv'",
    "evaluate net.json net.json --q 1/2": "must be of the format 'exactdropout-examples'",
    "evaluate net.json data.xlsx --q 1/2": "must be a file ending in .csv, .tsv",
    "evaluate net.pt data.csv --q 1/2": "is a pickle, which is never loaded",
    "evaluate net.json empty.csv --q 1/2": "must hold at least one example; it is empty",
    "evaluate net.json . --q 1/2": "must be a file ending in",
    "evaluate net.json data.csv --q 1/2 --label Y": "did you mean 'y'?",
    "evaluate net.json data.csv --q 1/2 --label x_1": "did you mean 'x1'?",
    "evaluate net.json data.csv --q 1/2 --label price": "must name a column ('x1, x2, y'), not 'price'.",
    "verify 4.3": "must be a Python file ending in .py",
    "verify none.py": "does not exist",
    "check draft2.tx --architecture K-1": "no such file as 'draft2.tx'; did you mean 'draft.tex'?",
    "check net.json --architecture K-1": "must be a document ending in .tex, .md",
    "check drft.tex": "which does not exist; did you mean 'draft.tex'?",
    "check draft.tex": "Document 'draft.tex' has in line 1 a setting that is not read",
    "evaluate net.json data.csv --q 1/2 --checkpoint j": "'--checkpoint' is for the float64 engine",
    "evaluate net.json data.csv --q 1/2 --exact --float64": "'--exact' and '--float64' exclude each other",
    "law net.json --x 1,2 --q 1/2 --band": "write --float64 to estimate the network of the nearest floats",
    "evaluate wide.json wide.csv --q 1/2 --exact --max-cost 1/1000": "exactdropout estimate gives",
    "evaluate wide.json wide.csv --q 1/2 --max-cost 1/1000 --precision 20": "raise --max-cost to allow it",
    "law wide.json --x 1,1,1,1,1,1,1,1,1,1 --q 1/2 --max-cost 1/10000": "exactdropout law --band samples",
    "derive --architecture 3-3-1 --regions --max-cost 1/1000": "use exactdropout evaluate for numbers, or closed forms "
    "for all sizes (--closed-form).",
    "evaluate other.npz data.csv --q 1/2": "a network has weights_0",
    "check nofile.tex": "which does not exist",
    # architectures and data
    "derive --architecture '2-3-1 relu no bias'": "did you mean '2-3-1 relu, no biases'?",
    "derive --architecture '2-3-1 relu, no bias'": "did you mean '2-3-1 relu, no biases'?",
    "derive --architecture '2-3-1 ReLU'": "did you mean '2-3-1 relu'?",
    "derive --architecture '2-3-1 rleu'": "did you mean '2-3-1 relu'?",
    "derive --architecture 2-3-1relu": "did you mean '2-3-1 relu'?",
    "derive --architecture 2,3,1": "did you mean '2-3-1'?",
    "derive --architecture '[2, 3, 1]'": "did you mean '2-3-1'?",
    "derive --architecture 2x3x1": "did you mean '2-3-1'?",
    "derive --architecture '2 3 1'": "did you mean '2-3-1'?",
    "derive --architecture '2-3-1 tanh'": "the activation must be 'relu'",
    "derive --architecture 2-0-1": "a width is at least 1",
    "derive --architecture 2--1": "a width is missing",
    "derive --architecture 'K-n-1 relu, no biases'": "or --closed-form on the command line",
    "derive --architecture '2-1, no biases' --data half": "'half(1, 1)'",
    "derive --architecture '2-1, no biases' --name z=p": "must rename a symbol of the formulas",
    "minimize --architecture '2-3-3-1 relu, no biases' --data 'half(1, 1)' --q 1/2": "must have one hidden layer",
    # claims
    "check 'penalty >= 0'": "--architecture 'K-1, no biases'",
    "check 'penatly >= 0' --architecture '2-1, no biases'": "not 'penatly'",
    "check 'penalty => 0' --architecture '2-1, no biases'": "position 9",
    "check 'penalty >= w[3]' --architecture '2-1, no biases'": "names w[3], which does not exist",
    "check 'penalty >= foo(w)' --architecture '2-1, no biases'": "not 'foo'",
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a network and examples, and go there."""
    monkeypatch.chdir(tmp_path)
    xd.Network([[["1/3", 1], [1, 1]], [1, 1]]).save("net.json")
    (tmp_path / "sub").mkdir()
    wide = np.random.default_rng(0).normal(size=(30, 10)), np.ones((1, 30))
    xd.Network(wide).save("wide.json")
    np.savez("other.npz", a=np.ones((2, 2)), inputs=np.ones(2))
    np.savez("more.npz", a=np.ones((2, 2)), inputs=np.ones((2, 2)), labels=np.ones(2))
    for name, text in {
        "draft.tex": "% exactdropout: architecture = K-1\n$$penalty = 0$$\n",
        "wide.csv": ",".join(["1"] * 11) + "\n",
        "data.csv": "x1,x2,y\n1,-1,8\n",
        "sub/data.csv": "1,2,3\n",
        "empty.csv": "",
        "net.pt": "",
    }.items():
        Path(name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(("line", "says"), COMMAND_LINES.items(), ids=list(COMMAND_LINES))
def test_a_command_line_that_was_meant_otherwise(
    files: Path, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    try:
        code: Any = main(shlex.split(line))
    except SystemExit as left:
        code = left.code
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    sentences = [text for text in captured.err.splitlines() if not text.startswith(("usage:", " "))]
    assert len(sentences) == 1
    assert "error: " in sentences[0]
    assert says in sentences[0]
    assert "Traceback" not in captured.err


NETWORK = xd.Network([[[1, 2], [3, 4]], [[1, 1]]])
CALLS = {
    "weights that are one matrix": (lambda: xd.Network([[1, 2], [3, 4]]), "one matrix per layer, such as [[[1, 2],"),
    "a bias that is a word": (lambda: xd.Network([[[1, 2]]], bias=True), "no argument 'bias'; did you mean 'biases'?"),
    "examples as two arguments": (lambda: xd.Examples(np.ones((2, 2)), np.ones(2)), "write Examples((X, y))"),
    "an example as two arguments": (lambda: xd.evaluate(NETWORK, (1, -1), 8), "one example is written [((1, -1), 8)]"),
    "the probability of keeping": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], p="1/2"), "probability of dropping"),
    "a rate": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], rate="1/2"), "did you mean 'q'?"),
    "a quantity to derive": (lambda: xd.derive("2-1", quantity="penalty"), "attributes, such as derive(...).penalty"),
    "one q of phases": (lambda: xd.phases("2-2-1 relu", "point(1, 1)", q="1/2"), "it answers for every q"),
    "data before the architecture": (lambda: xd.minimize("point(1, 1)", "2-2-1", "1/2"), "that is data, which comes"),
    "the law of examples": (
        lambda: xd.output_law(NETWORK, xd.Examples([((1, 2), 1)]), "1/2"), "'x' must be the inputs of one example"
    ),
    "a grid up to 1": (lambda: xd.over_q(NETWORK, [((1, 2), 1)], np.linspace(0, 1, 5)), "0 <= q < 1, such as"),
    "names that are a list": (lambda: xd.check("penalty >= 0", "K-1", names=["w=a"]), "such as {'w': 'a'}"),
    "the name of a document": (lambda: xd.claims.check_document("paper.tex", "K-1"), "write Path('paper.tex')."),
    "a width of five": (lambda: xd.estimate(NETWORK, [((1, 2), 1)], "1/2", width=5), "5 % is 0.05"),
    "q as text of a percentage": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], "50%"), "a percentage is written 50/100"),
    "q with a comma": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], "0,5"), "a decimal has a point: 0.5"),
    "q as a percentage": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], 50), "for a percentage write '50/100'"),
    "q = 1": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], 1), "q is the probability of dropping"),
    "no q": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)]), "'q' must be a number here, such as '1/2'"),
    "too many q": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], [0, 0, 0]), "one per droppable layer"),
    "q as a set": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], {0, 1}), "per droppable layer in order"),
    "q as words": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], "half"), "write 1/2"),
    "q as a boolean": (lambda: xd.evaluate(NETWORK, [((1, 2), 1)], True), "q"),
    "a misspelled activation": (lambda: xd.Architecture("2-3-1 rleu"), "did you mean '2-3-1 relu'?"),
    "an architecture as a list": (lambda: xd.Architecture("[2, 3, 1]"), "did you mean '2-3-1'?"),
    "an activation of another kind": (lambda: xd.Architecture("2-3-1 gelu"), "the activation must be"),
    "ragged weights": (lambda: xd.Network([[[1, 2], [3]]]), "weights"),
    "layers that do not fit": (lambda: xd.Network([[[1, 2]], [[1, 2]]]), "weights"),
    "weights that are text": (lambda: xd.Network([[["a"]]]), "must be an integer, a fraction"),
    "weights that are not finite": (lambda: xd.Network([[[float("nan")]]]), "finite"),
    "examples of another size": (lambda: xd.evaluate(NETWORK, [((1, 2, 3), 1)], "1/2"), "2 inputs"),
    "no examples": (lambda: xd.evaluate(NETWORK, [], "1/2"), "at least one example"),
    "inputs without labels": (lambda: xd.evaluate(NETWORK, [(1, 2, 3, 4)], "1/2"), "data"),
    "arrays of different lengths": (
        lambda: xd.evaluate(NETWORK, (np.ones((3, 2)), np.ones(2)), "1/2"), "'labels' must have 3 rows"
    ),
    "probabilities that do not add up": (lambda: xd.Examples([((1, 2), 1, "1/2")]), "must sum to 1"),
    "a symbol as a network": (lambda: xd.evaluate("net", [((1, 2), 1)], "1/2"), "network"),
    "a file that is not there": (lambda: xd.Network.load("nothing.json"), "does not exist"),
    "a table as a network": (lambda: xd.Network.load("data.csv"), "must end in .json or .npz"),
    "a negative cost": (
        lambda: xd.evaluate(NETWORK, [((1, 2), 1)], "1/2", max_cost=-1),
        "'max_cost' must be a positive number of seconds"),
    "derivation with symbols as sizes": (lambda: xd.derive("K-n-1 relu"), "closed"),
    "derivation of a misspelled text": (lambda: xd.derive("2-1", "hlf(1, 1)"), "half(1, 1)"),
    "a claim without architecture": (
        lambda: xd.check("penalty >= 0"), "needs also 'architecture', text such as '2-3-1 relu'."),
    "training of a text alone": (
        lambda: xd.train("2-3-1 relu"), "needs also 'data', such as [((1, -1), 8)]; and 'q', such as '1/2'."),
    "training of an architecture": (
        lambda: xd.train("2-3-1 relu", [((1, 2), 1)], "1/2"), "an architecture has no weights: write xd.Network("),
    "an evaluation of a network alone": (lambda: xd.evaluate(NETWORK), "needs also 'data'"),
    "an estimate of a network alone": (lambda: xd.estimate(NETWORK), "needs also 'data'"),
    "a minimum without data": (lambda: xd.minimize("2-3-1 relu"), "needs also 'data', such as [((1, -1), 8)]."),
    "phases without data": (lambda: xd.phases("2-3-1 relu"), "needs also 'data'"),
    "a law without an input": (lambda: xd.output_law(NETWORK), "needs also 'x', such as (1, -1); and 'q'"),
    "nothing to derive": (xd.derive, "needs also 'architecture'"),
    "a misspelled argument": (
        lambda: xd.evaluate(NETWORK, [((1, 2), 1)], "1/2", max_costs=3),
        "has no argument 'max_costs'; did you mean 'max_cost'?"),
    "too many arguments": (
        lambda: xd.evaluate(NETWORK, [((1, 2), 1)], "1/2", 30), "takes 3 arguments by place, not 4; others have names"),
    "a text to draw": (lambda: xd.tikz_drawing("2-3-1 relu"), "'network' must be a Network, not '2-3-1 relu'"),
    "a journal of the exact engine": (
        lambda: xd.evaluate(NETWORK, [((1, 2), 1)], "1/2", checkpoint="j"), "leave it out for the exact engine"),
    "an archive of other arrays as a network": (
        lambda: xd.Network.load("other.npz"), "a network has weights_0, biases_0"),
    "an archive of other arrays as examples": (lambda: xd.Examples.load("other.npz"), "it holds 'a, inputs'"),
    "an archive with one array more": (
        lambda: xd.Examples.load("more.npz"), "examples have inputs and labels, and may have probabilities"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "says"), CALLS.values(), ids=list(CALLS))
def test_a_call_that_was_meant_otherwise(files: Path, call: Any, says: str) -> None:
    with pytest.raises((ExactDropoutError, TypeError)) as caught:
        call()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["evaluate", "estimate", "compare", "derive", "check", "minimize", "phases", "plan",
    "over_q", "output_law", "law_band", "train", "evaluator", "latex", "tikz_drawing", "plot_network"])  # fmt: skip
def test_a_call_without_arguments_is_a_type_error_as_pythons_own(name: str) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(xd, name)()
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(TypeError, match=r"no argument 'nonsense'|unexpected keyword argument 'nonsense'|missing 1"):
        getattr(xd, name)(nonsense=1)


def test_a_call_without_a_rate_is_one_too() -> None:
    for function in (xd.evaluate, xd.plan, xd.estimate, xd.compare):
        with pytest.raises(TypeError, match="'q' must be a number here"):
            function(NETWORK, [((1, 2), 1)])


def test_there_are_about_150_of_them() -> None:
    assert len(COMMAND_LINES) + len(CALLS) >= 150


def test_a_verdict_is_compared_with_no_text() -> None:
    """It was silently different from 'proved'."""
    verdict = xd.check("penalty >= 0", "K-1 linear, no biases")
    with pytest.raises(TypeError, match=r"write verdict\.status == 'proved'"):
        assert verdict == "proved"
    again = xd.check("penalty >= 0", "K-1 linear, no biases")
    assert verdict == again
    assert hash(verdict) == hash(again)
    assert verdict != xd.check("penalty >= 0", "K-1 linear, biases")
    assert verdict != 1


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("evalute", "did you mean 'evaluate'?"), ("assert_dropout", "it is exactdropout.testing.assert_dropout"),
        ("from_torch", "it is exactdropout.interop.from_torch"), ("Dropout", "has no attribute 'Dropout'"),
    ],
)  # fmt: skip
def test_a_name_that_is_not_here(name: str, says: str) -> None:
    with pytest.raises(AttributeError) as left:
        getattr(xd, name)
    assert says in str(left.value)
