"""How a formula is set: names, indices, line width, environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, TypedDict, get_args

from exactdropout.errors import InvalidInput
from exactdropout.model.numbers import show
from exactdropout.notation.tree import Name

__all__ = [
    "GREEK",
    "GREEK_LETTERS",
    "Environment",
    "IndexStyle",
    "ReluForm",
    "Style",
    "StyleOptions",
    "check_free",
    "has_layer",
    "styled",
]

IndexStyle: TypeAlias = Literal["subscript", "bracket", "superscript-layer"]
ReluForm: TypeAlias = Literal["word", "plus"]
Environment: TypeAlias = Literal["none", "equation", "equation*", "align", "align*"]

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "rho",
    "sigma", "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Phi", "Psi", "Omega",
)  # fmt: skip
"""Greek names that a symbol may have; π is left out, because it reads as a number."""
GREEK_LETTERS = {
    **dict(zip(GREEK, "αβγδεζηθκλμνξρστφχψωΓΔΘΛΞΦΨΩ", strict=True)),
    "iota": "ι", "pi": "π", "upsilon": "υ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ",
}  # fmt: skip
"""Every Greek name that LaTeX has, with its letter: all of them are printed as letters, never as words."""

TAKEN = {"J": "the criterion", "R": "the risk", "E": "the mean", "D": "the output with dropout"}
RESERVED = frozenset({
    "penalty", "criterion", "risk", "mean", "variance", "output", "weights", "biases", "relu", "step", "abs", "sqrt",
    "leaky", "max", "min", "sum", "prod", "product", "second", "moment", "is", "in", "invariant", "under", "an", "the",
    "minimiser", "minimizer", "of", "minimises", "minimizes", "and", "if", "for", "where", "assuming", "increasing",
    "decreasing", "nondecreasing", "nonincreasing", "constant", "frac", "var", "pi",
    "strictly", "any", "all", "every", "non", "forall", "with", "does", "do", "not", "depend", "depends", "on",
    "independent", "increases", "decreases", "some", "exists", "there", "convex", "concave", "tr", "trace", "diag",
    "binom", "bern", "bernoulli", "ber", "monotonically", "monotone", "argmin", "arg", "partial", "permutation", "ell",
    "units", "unit", "inputs", "input", "permuting", "lim", "infty", "nabla", "diff", "as", "when",
    "whenever", "provided", "that", "at", "then", "function", "weakly", "increase", "decrease", "range",
})  # fmt: skip
"""Words that mean something in the grammar, whatever their case."""
MIN_WIDTH, MAX_WIDTH = 30, 10_000
_NAME = re.compile(r"[A-Za-z]{1,20}\Z")


class StyleOptions(TypedDict, total=False):
    """The fields of :class:`Style`, as keyword arguments of ``latex``."""

    names: Mapping[str, str]
    index: IndexStyle
    relu: ReluForm
    width: int | None
    environment: Environment
    standalone: bool


@dataclass(frozen=True, kw_only=True)
class Style:
    """Names, index style, form of relu, width and environment of printed formulas.

    Args:
        names: letters, words or Greek names to print instead of those of the symbols: ``{"w": "a", "W": "theta"}``
            prints w[1] as a_1 and W[1][2,3] as θ with the indices 1, 2, 3.
        index: ``"subscript"`` sets W_{1,2,3}, ``"superscript-layer"`` W^{(1)}_{2,3} (also of hidden biases),
            ``"bracket"`` W[1][2,3].
        relu: ``"word"`` prints relu(z), ``"plus"`` (z)_+, also in text.
        width: break sums and products into aligned lines of about so many letters; None leaves one line.
        environment: ``"equation"``, ``"align"``, or one of them with a star, put around formulas; ``"none"`` returns
            the formula alone, with ``split`` where it is broken.
        standalone: return a whole document that compiles as it stands.

    Raises:
        InvalidInput: a name that TeX or the parser could not tell from something else.

    >>> Style(names={"w": "a"}, index="bracket").index
    'bracket'
    """

    names: Mapping[str, str] = field(default_factory=dict)
    index: IndexStyle = "subscript"
    relu: ReluForm = "word"
    width: int | None = None
    environment: Environment = "none"
    standalone: bool = False

    def __post_init__(self) -> None:
        """Validate once."""
        if not isinstance(self.names, Mapping):
            raise InvalidInput(f"Argument 'names' must map names to names, not {show(self.names)}.")
        for name, printed in self.names.items():
            _validate("names", name)
            _validate("names", printed)
            check_free(name, printed)
        object.__setattr__(self, "names", dict(self.names))
        for argument, allowed in (("index", IndexStyle), ("relu", ReluForm), ("environment", Environment)):
            if getattr(self, argument) not in get_args(allowed):
                raise InvalidInput(
                    f"Argument {argument!r} must be one of {', '.join(get_args(allowed))}, "
                    f"not {show(getattr(self, argument))}."
                )
        width = self.width
        if width is not None and (
            isinstance(width, bool) or not isinstance(width, int) or not MIN_WIDTH <= width <= MAX_WIDTH
        ):
            raise InvalidInput(
                f"Argument 'width' must be None or an integer from {MIN_WIDTH} to {MAX_WIDTH}, not {show(width)}."
            )
        if not isinstance(self.standalone, bool):
            raise InvalidInput(f"Argument 'standalone' must be True or False, not {show(self.standalone)}.")

    def printed(self, name: str) -> str:
        """Return the name under which a symbol is printed."""
        return self.names.get(name, name)

    def displayed(self, width: int, environment: Environment = "align*") -> Style:
        """Return the same style for formulas on lines of their own, inside a document that is there already."""
        chosen = environment if self.environment == "none" else self.environment
        return replace(self, environment=chosen, width=self.width or width, standalone=False)

    def inline(self) -> Style:
        """Return the same style for formulas inside a line."""
        return replace(self, width=None, environment="none", standalone=False)


def styled(style: Style | None, options: StyleOptions) -> Style:
    """Return a style with some fields replaced by keyword arguments."""
    base = Style() if style is None else style
    if not isinstance(base, Style):
        raise InvalidInput(f"Argument 'style' must be a Style, not {show(style)}.")
    unknown = sorted(set(options) - set(StyleOptions.__annotations__))
    if unknown:
        raise InvalidInput(
            f"Argument {unknown[0]!r} is not one of {', '.join(StyleOptions.__annotations__)}, which latex takes."
        )
    return replace(base, **options) if options else base


def has_layer(node: Name) -> bool:
    """Return whether the first index of a symbol is that of a layer: W[l][j,i] and b[l][j] have one."""
    if node.layered is not None:
        return node.layered
    return (node.name == "W" and len(node.indices) >= 3) or (node.name == "b" and len(node.indices) >= 2)


def check_free(name: str, printed: str) -> None:
    """Refuse to print a symbol under a name that means something else in formulas.

    Raises:
        InvalidInput: such as J, which is the criterion.
    """
    if printed in TAKEN or printed.lower() in RESERVED:
        meaning = TAKEN.get(printed, "a word of the grammar")
        raise InvalidInput(
            f"Argument 'names' must give {name} a name of its own, such as {{{name!r}: 'u'}}; {printed} is {meaning}."
        )


def _validate(argument: str, name: object) -> None:
    if not isinstance(name, str) or not _NAME.match(name):
        raise InvalidInput(f"Argument {argument!r} must hold names of at most 20 Latin letters, not {show(name)}.")
