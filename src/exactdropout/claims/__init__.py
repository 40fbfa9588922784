"""Claims about dropout: their grammar, a parser that evaluates nothing, and ``check`` with its verdicts."""

from exactdropout.claims.check import check
from exactdropout.claims.derived_claims import closed_forms, derived_claims
from exactdropout.claims.documents.document import DocumentVerdict, check_document
from exactdropout.claims.language.parser import parse_claim
from exactdropout.claims.language.read_formula import read_formula
from exactdropout.claims.verdict import Verdict

__all__ = [
    "DocumentVerdict",
    "Verdict",
    "check",
    "check_document",
    "closed_forms",
    "derived_claims",
    "parse_claim",
    "read_formula",
]
