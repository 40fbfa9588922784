"""Published results as theorems that run: statement, proof, verdict and scope; one file per result.

``catalogue()`` lists them, ``get(id).prove()`` proves one, ``register`` adds your own, ``load_file`` runs a file. A
``Derivation`` is a statement with its proof as objects: text, LaTeX and check are made from them.
"""

from exactdropout.theorems.proof import Proof, Step, argument, by_rule, conclude, enumerated, induction, step
from exactdropout.theorems.registry import Theorem, catalogue, get, load_file, register
from exactdropout.theorems.statements.derivation import ByLemma, Conclusion, Derivation, Exists, Hypothesis, proved
from exactdropout.theorems.statements.lines import (
    ByAlgebra,
    ByCases,
    ByDivision,
    ByInduction,
    ByInstances,
    Definition,
    From,
    InWords,
    Line,
    part,
    say,
)
from exactdropout.theorems.statements.ranges import Variable
from exactdropout.theorems.statements.terms import Relation, Term, apply, equal, symbol, symbols

__all__ = [
    "ByAlgebra",
    "ByCases",
    "ByDivision",
    "ByInduction",
    "ByInstances",
    "ByLemma",
    "Conclusion",
    "Definition",
    "Derivation",
    "Exists",
    "From",
    "Hypothesis",
    "InWords",
    "Line",
    "Proof",
    "Relation",
    "Step",
    "Term",
    "Theorem",
    "Variable",
    "apply",
    "argument",
    "by_rule",
    "catalogue",
    "conclude",
    "enumerated",
    "equal",
    "get",
    "induction",
    "load_file",
    "part",
    "proved",
    "register",
    "say",
    "step",
    "symbol",
    "symbols",
]
