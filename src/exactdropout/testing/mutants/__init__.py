"""A kit of broken and of correct dropout layers: what an oracle must flag, and what it must not.

``python -m exactdropout.testing.mutants`` runs the oracle and re-statements of the frameworks' styles of test on all of
them and prints the table of the documentation.
"""

from exactdropout.testing.mutants.correct import CORRECT
from exactdropout.testing.mutants.faulty import MUTANTS
from exactdropout.testing.mutants.layer import Mutant, as_plain, as_torch

__all__ = ["CORRECT", "MUTANTS", "Mutant", "as_plain", "as_torch"]
