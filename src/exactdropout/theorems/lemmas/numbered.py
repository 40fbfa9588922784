"""The lemmas that several proofs cite, in the order of their numbers; a report prints each of them once."""

from __future__ import annotations

from collections.abc import Iterable

from exactdropout.theorems.gadget.gadget_optimum import GADGET_OPTIMUM
from exactdropout.theorems.lemmas.cauchy_schwarz import CAUCHY_SCHWARZ
from exactdropout.theorems.lemmas.equal_shares import EQUAL_SHARES
from exactdropout.theorems.lemmas.kept_counts import KEPT_COUNTS
from exactdropout.theorems.lemmas.masked_layer import MASKED_LAYER
from exactdropout.theorems.lemmas.mean_of_squares import MEAN_OF_SQUARES
from exactdropout.theorems.lemmas.noise_moments import SUM_MOMENTS
from exactdropout.theorems.lemmas.powers import BERNOULLI
from exactdropout.theorems.lemmas.rising_sums import RISING_SUMS
from exactdropout.theorems.lemmas.sum_inequalities import INDEPENDENT_PRODUCT, RISING_RATIO
from exactdropout.theorems.negative_weights.helmbold_2017_theorem_8 import GAP
from exactdropout.theorems.proof import Proof
from exactdropout.theorems.statements.derivation import Derivation, lemmas_of

__all__ = ["NUMBERED", "cited_lemmas"]

NUMBERED = (
    BERNOULLI,
    KEPT_COUNTS,
    GAP,
    GADGET_OPTIMUM,
    SUM_MOMENTS,
    EQUAL_SHARES,
    CAUCHY_SCHWARZ,
    MEAN_OF_SQUARES,
    INDEPENDENT_PRODUCT,
    RISING_RATIO,
    MASKED_LAYER,
    RISING_SUMS,
)


def cited_lemmas(proofs: Iterable[Proof]) -> list[Derivation]:
    """Return the numbered lemmas that the steps of some proofs cite, and those that these cite."""
    texts = [text for proof in proofs for step in proof.steps for text in (step.claim, step.detail)]
    found = {lemma.name for lemma in NUMBERED if any(lemma.cited in text for text in texts)}
    found |= {name for lemma in NUMBERED if lemma.name in found for name in lemmas_of(lemma)}
    return [lemma for lemma in NUMBERED if lemma.name in found]
