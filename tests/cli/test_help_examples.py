"""The example at the end of each command's help runs as it stands."""

import shlex

import pytest

from exactdropout.cli.examples import EXAMPLES
from exactdropout.cli.main import main, parser


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("example")
    assert main(["example", str(made)]) == 0
    return made


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_runs(name, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    words = shlex.split(EXAMPLES[name])
    assert words[:2] == ["exactdropout", name]
    assert main(words[1:]) == 0
    assert capsys.readouterr().out.strip()


def test_every_help_that_needs_arguments_shows_one(capsys):
    for name in EXAMPLES:
        with pytest.raises(SystemExit):
            parser().parse_args([name, "--help"])
        assert EXAMPLES[name] in " ".join(capsys.readouterr().out.split())
