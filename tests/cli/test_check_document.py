"""``exactdropout check paper.tex``: the table, JSON, the page, exit codes, Ctrl-C."""

import io
import json
import sys

import pytest

from exactdropout.cli.main import main

WRONG = "\\[\n J_D = \\mathbb{E}[(D - y)^2] \\\\\n = R + 1\n\\]\n"
LINEAR = ["--architecture", "K-1, no biases"]


@pytest.fixture
def paper(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paper.tex").write_text(WRONG, "utf-8")
    return tmp_path


def test_table(paper, capsys):
    assert main(["check", "paper.tex", *LINEAR]) == 1
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "2 steps, 1 proved, 1 refuted" in out
    assert "first wrong step: line 3, J_D = R + 1" in out
    assert "counterexample: " in out


def test_exit_codes(paper, capsys):
    for text, code in [
        (r"\[ J_D \ge R \]", 0),
        (r"\[ J_D \approx R \]", 2),
        (r"\[ \mathbb{E}[D] + \sqrt{2} > 0 \]", 3),
    ]:
        (paper / "paper.tex").write_text(text, "utf-8")
        options = ["--architecture", "1-1-1 relu, no biases", "--assume", "w >= 0"] if code == 3 else LINEAR
        assert main(["check", "paper.tex", *options]) == code
    capsys.readouterr()


def test_json_and_page(paper, capsys):
    assert main(["check", "paper.tex", *LINEAR, "--json", "--html", "page.html"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["schema"] == "exactdropout/check-document"
    assert content["first_refuted_line"] == 3
    assert [step["status"] for step in content["steps"]] == ["proved", "refuted"]
    assert (paper / "page.html").read_text("utf-8").count("<math") == 2


def test_standard_input(monkeypatch, capsys):
    class Input:
        buffer = io.BytesIO(b"\\begin{align} J_D &\\ge R \\end{align}")

    monkeypatch.setattr(sys, "stdin", Input())
    assert main(["check", "-", *LINEAR]) == 0
    assert "standard input: 1 step," in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "absent.tex", *LINEAR], "does not exist"),
        (["check", "bytes.tex", *LINEAR], "in UTF-8"),
        (["check", "paper.tex"], "line 2"),
        (["check", "J_D >= 0"], "--architecture"),
        (["check", "J_D >= 0", *LINEAR, "--html", "x.html"], "goes with a document"),
        (["check", "paper.tex", *LINEAR, "--html", "absent/x.html"], "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(paper, capsys, arguments, message):
    (paper / "bytes.tex").write_bytes(b"\\[ J_D = \xff \\]")
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_ctrl_c_ends_with_what_is_known(paper, monkeypatch, capsys):
    from exactdropout.claims.documents import document

    judge = document.check

    def once(*arguments, **options):
        monkeypatch.setattr(document, "check", interrupt)
        return judge(*arguments, **options)

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(document, "check", once)
    assert main(["check", "paper.tex", *LINEAR]) == 130
    out = capsys.readouterr().out
    assert "1 proved, 1 not reached" in out
    assert "interrupted: what is known stands above" in out


def test_a_name_that_does_not_fit_is_one_sentence_and_not_one_for_each_formula(paper, capsys):
    assert main(["check", "paper.tex", *LINEAR, "--name", "penalty=R"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("--name") == 1
    assert "not 'penalty'; a claim writes that quantity 'penalty' or" in err
