"""The directive ``command-help`` prints the help of the command line and of each of its commands."""

from __future__ import annotations

import argparse
import os

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class CommandHelp(SphinxDirective):
    """A section per command, made from the parser itself.

    The content is what one types instead where the page is read as it is written, and is not shown.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        from exactdropout.cli.main import parser

        os.environ["COLUMNS"] = "88"  # argparse wraps its help at the width of the terminal
        top = parser()
        (commands,) = (a for a in top._actions if isinstance(a, argparse._SubParsersAction))
        result: list[nodes.Node] = [self._help(top)]
        for name, command in commands.choices.items():
            section = nodes.section(ids=[f"command-{name}"])
            section += nodes.title(text=name)
            section += self._help(command)
            result.append(section)
        return result

    def _help(self, command: argparse.ArgumentParser) -> nodes.literal_block:
        text = command.format_help()
        return nodes.literal_block(text, text, language="text")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
