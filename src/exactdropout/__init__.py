"""Exact dropout criteria and penalties of ReLU networks: derived, evaluated over all masks, and certified.

>>> import exactdropout as xd
>>> figure_1 = xd.Network(weights=[[[1, 1], [1, 1]], [1, 1]])
>>> xd.evaluate(figure_1, xd.Examples.point((1, -1), 8), q="1/2")
Evaluation(criterion=54, risk=64, penalty=-10, exact)

Every name below is loaded when it is first used, so that importing the package stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Activation": "exactdropout.model",
    "Architecture": "exactdropout.model",
    "Derivation": "exactdropout.symbolic",
    "Evaluation": "exactdropout.numeric.result",
    "Examples": "exactdropout.model",
    "Gradient": "exactdropout.numeric.result",
    "Network": "exactdropout.model",
    "OutputLaw": "exactdropout.numeric.law",
    "Plan": "exactdropout.numeric.result",
    "derive": "exactdropout.symbolic",
    "evaluate": "exactdropout.evaluation",
    "free_examples": "exactdropout.symbolic",
    "free_network": "exactdropout.symbolic",
    "output_law": "exactdropout.numeric.law",
    "plan": "exactdropout.evaluation",
}
_ROOMS = ("data", "errors", "theorems")

__all__ = [*_HOME, *_ROOMS, "__version__"]  # noqa: PLE0604  (the names come from the table above)

if TYPE_CHECKING:
    from exactdropout import data, errors, theorems
    from exactdropout.evaluation import evaluate, plan
    from exactdropout.model import Activation, Architecture, Examples, Network
    from exactdropout.numeric.law import OutputLaw, output_law
    from exactdropout.numeric.result import Evaluation, Gradient, Plan
    from exactdropout.symbolic import Derivation, derive, free_examples, free_network


def __getattr__(name: str) -> Any:
    """Load a public name from its room on first use."""
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"exactdropout.{name}")
    else:
        raise AttributeError(f"module 'exactdropout' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
