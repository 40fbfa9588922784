"""Published results as theorems that run: statement, proof, verdict and scope; one file per result.

``catalogue()`` lists them, ``get(id).prove()`` proves one, ``register`` adds your own, ``load_file`` runs a file.
"""

from exactdropout.theorems.proof import Proof, Step, argument, by_rule, conclude, enumerated, induction, step
from exactdropout.theorems.registry import Theorem, catalogue, get, load_file, register

__all__ = [
    "Proof",
    "Step",
    "Theorem",
    "argument",
    "by_rule",
    "catalogue",
    "conclude",
    "enumerated",
    "get",
    "induction",
    "load_file",
    "register",
    "step",
]
