"""A verdict as the JSON of the command line holds it."""

from __future__ import annotations

from typing import Any

from exactdropout.model.numbers import format_rational

__all__ = ["verdict_content"]


def verdict_content(verdict: Any) -> dict[str, Any]:
    """Return a verdict as JSON holds it."""
    content: dict[str, Any] = {
        "status": verdict.status,
        "claim": str(verdict.claim),
        "latex": verdict.claim.latex(),
        "scope": verdict.scope,
        "steps": list(verdict.steps),
        "assumptions": list(verdict.assumptions),
        "near_miss": None if verdict.near_miss is None else str(verdict.near_miss),
        "evidence": verdict.evidence,
        "counterexample": None,
    }
    point = verdict.counterexample
    if point is not None:
        content["counterexample"] = {
            "left": format_rational(point.left),
            "relation": point.relation,
            "right": format_rational(point.right),
            "note": point.note.strip(),
            "values": {name: format_rational(value) for name, value in point.values.items()},
            "rates": [format_rational(rate) for rate in point.rates],
        }
    return content
