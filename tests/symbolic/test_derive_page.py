"""The examples on the page about derivations print what the page says."""

import doctest
import re

from exactdropout.cli.main import main


def test_every_example_on_the_page(repository):
    text = (repository / "docs" / "derive.md").read_text("utf-8")
    examples = doctest.DocTestParser().get_doctest(text, {}, "derive.md", "derive.md", 0)
    assert len(examples.examples) > 15
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(examples)
    assert runner.failures == 0


def test_the_command_on_the_page(repository, capsys):
    text = (repository / "docs" / "derive.md").read_text("utf-8")
    command, wanted = re.search(r"\$ exactdropout (derive .*)\n((?:.*\n)*?)```", text).groups()
    words = [a or b for a, b in re.findall(r"'([^']*)'|(\S+)", command)]
    assert main(words) == 0
    assert capsys.readouterr().out == wanted
