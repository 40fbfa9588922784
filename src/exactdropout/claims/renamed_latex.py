r"""LaTeX that speaks in the names of the grammar, put into an author's own: $W_{j,i}$ becomes $V_{j,i}$."""

from __future__ import annotations

import re
from collections.abc import Mapping

from exactdropout.claims.language.syntax import Name, expression_latex
from exactdropout.notation.style import Style

__all__ = ["in_other_names", "renamed_latex"]

_MATH = re.compile(r"\$[^$]*\$|\\begin\{equation\*\}.*?\\end\{equation\*\}", re.DOTALL)
_TOKENS = re.compile(
    r"(?P<kept>W\(x\)|\\(?:text|mathrm|emph|texttt|mathbb)\*?\{[^{}]*\}|\\(?:begin|end)\{[^{}]*\}(?:\[b\])?)"
    r"|(?P<other>\\operatorname\*?\{[^{}]*\})|(?P<command>\\[A-Za-z]+)|(?P<letter>[A-Za-z])"
)


def renamed_latex(texts: tuple[str, ...], style: Style) -> tuple[str, ...] | None:
    r"""Return texts with formulas between dollars or in ``equation*`` under the names of a style.

    None where a name already stands for something else in one of the texts, so that two meanings would look the same.

    >>> renamed_latex((r"Here $W(x) = \sum_j w_j h_j$.",), Style(names={"w": "theta"}))
    ('Here $W(x) = \\sum_j \\theta_j h_j$.',)
    >>> renamed_latex((r"Here $W(x) = \sum_j w_j h_j$.",), Style(names={"w": "h"})) is None
    True
    """
    new = {name: _latex_name(name, style.names) for name in _changed(style)}
    formulas = [formula for text in texts for formula in _MATH.findall(text)]
    old = {token for formula in formulas for token in _symbols(formula)}
    if any(printed in old - new.keys() for printed in new.values()):
        return None

    def token(match: re.Match[str]) -> str:
        if match["kept"] or match["other"]:
            return match[0]
        found = new.get(match[0])
        if found is None:
            return match[0]
        following = match.string[match.end() : match.end() + 1]
        return f"{found} " if found.startswith("\\") and found[-1].isalpha() and following.isalpha() else found

    return tuple(_MATH.sub(lambda formula: _TOKENS.sub(token, formula[0]), text) for text in texts)


def in_other_names(style: Style) -> str:
    r"""Return what the names of the grammar stand for.

    >>> in_other_names(Style(names={"w": "h", "W": "V"}))
    '$w$ is what is called $h$ above, $W$ what is called $V$'
    """
    new = [(expression_latex(Name(name)), _latex_name(name, style.names)) for name in _changed(style)]
    told = [f"${old}$ {'is what' if not k else 'what'} is called ${own}$" for k, (old, own) in enumerate(new)]
    keeps = ["$p = 1 - q$"] if "q" in _changed(style) else []
    return ", ".join([*(f"{first} above" for first in told[:1]), *told[1:], *keeps])


def _changed(style: Style) -> list[str]:
    """Return the symbols that have another name; relu is printed as the style's form of relu says."""
    return [name for name, printed in style.names.items() if printed not in (name, "") and name != "relu"]


def _symbols(formula: str) -> list[str]:
    return [m["command"] or m["letter"] for m in _TOKENS.finditer(formula) if m["command"] or m["letter"]]


def _latex_name(name: str, names: Mapping[str, str]) -> str:
    return expression_latex(Name(name), Style(names={name: names[name]}))
