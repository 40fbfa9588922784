"""Exact dropout criteria and penalties of ReLU networks: derived, evaluated over all masks, and certified.

>>> import exactdropout as xd
>>> figure_1 = xd.Network(weights=[[[1, 1], [1, 1]], [1, 1]])
>>> xd.evaluate(figure_1, xd.Examples.point((1, -1), 8), q="1/2")
Evaluation(criterion=54, risk=64, penalty=-10, exact)

Every name below is loaded when it is first used, so that importing the package stays quick.
"""

from __future__ import annotations

from exactdropout._version import __version__

TYPE_CHECKING = False  # importing typing and importlib would take longer than all the rest

_HOME = {
    "Activation": "exactdropout.model",
    "Architecture": "exactdropout.model",
    "Comparison": "exactdropout.comparison.result",
    "Derivation": "exactdropout.symbolic.derivation",
    "Estimate": "exactdropout.estimation.result",
    "Evaluation": "exactdropout.numeric.result",
    "Examples": "exactdropout.model",
    "Gradient": "exactdropout.numeric.result",
    "HessianProduct": "exactdropout.numeric.result",
    "LawBand": "exactdropout.estimation.band",
    "Network": "exactdropout.model",
    "Optimum": "exactdropout.optimum",
    "OutputLaw": "exactdropout.numeric.exact.law",
    "Phases": "exactdropout.optimum",
    "Plan": "exactdropout.numeric.result",
    "Style": "exactdropout.notation",
    "Training": "exactdropout.numeric.training",
    "Verdict": "exactdropout.claims",
    "check": "exactdropout.claims",
    "compare": "exactdropout.comparison.compare",
    "derive": "exactdropout.symbolic.derivation",
    "estimate": "exactdropout.estimation.estimate",
    "evaluate": "exactdropout.evaluation",
    "evaluator": "exactdropout.evaluation",
    "over_q": "exactdropout.evaluation",
    "free_examples": "exactdropout.symbolic.free_networks",
    "free_network": "exactdropout.symbolic.free_networks",
    "latex": "exactdropout.notation.matrices",
    "law_band": "exactdropout.estimation.band",
    "minimize": "exactdropout.optimum",
    "output_law": "exactdropout.numeric.exact.law",
    "phases": "exactdropout.optimum",
    "plan": "exactdropout.evaluation",
    "tikz_drawing": "exactdropout.notation",
    "plot_network": "exactdropout.notation",
    "train": "exactdropout.numeric.training",
    "uniform_moments": "exactdropout.symbolic.uniform_moments",
}
_ROOMS = ("claims", "data", "errors", "interop", "testing", "theorems")

__all__ = [
    "Activation",
    "Architecture",
    "Comparison",
    "Derivation",
    "Estimate",
    "Evaluation",
    "Examples",
    "Gradient",
    "HessianProduct",
    "LawBand",
    "Network",
    "Optimum",
    "OutputLaw",
    "Phases",
    "Plan",
    "Style",
    "Training",
    "Verdict",
    "__version__",
    "check",
    "claims",
    "compare",
    "data",
    "derive",
    "errors",
    "estimate",
    "evaluate",
    "evaluator",
    "free_examples",
    "free_network",
    "interop",
    "latex",
    "law_band",
    "minimize",
    "output_law",
    "over_q",
    "phases",
    "plan",
    "plot_network",
    "testing",
    "theorems",
    "tikz_drawing",
    "train",
    "uniform_moments",
]

if TYPE_CHECKING:
    from typing import Any

    from exactdropout import claims, data, errors, interop, testing, theorems
    from exactdropout.claims import Verdict, check
    from exactdropout.comparison.compare import compare
    from exactdropout.comparison.result import Comparison
    from exactdropout.estimation.band import LawBand, law_band
    from exactdropout.estimation.estimate import estimate
    from exactdropout.estimation.result import Estimate
    from exactdropout.evaluation import evaluate, evaluator, over_q, plan
    from exactdropout.model import Activation, Architecture, Examples, Network
    from exactdropout.notation import Style, plot_network, tikz_drawing
    from exactdropout.notation.matrices import latex
    from exactdropout.numeric.exact.law import OutputLaw, output_law
    from exactdropout.numeric.result import Evaluation, Gradient, HessianProduct, Plan
    from exactdropout.numeric.training import Training, train
    from exactdropout.optimum import Optimum, Phases, minimize
    from exactdropout.optimum.phases.phases import phases
    from exactdropout.symbolic.derivation import Derivation, derive
    from exactdropout.symbolic.free_networks import free_examples, free_network
    from exactdropout.symbolic.uniform_moments import uniform_moments


def __getattr__(name: str) -> Any:
    """Load a public name from its room on first use."""
    import importlib

    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"exactdropout.{name}")
    else:
        raise AttributeError(f"module 'exactdropout' has no attribute {name!r}{_meant(name)}", name=name)
    globals()[name] = value
    return value


def _meant(name: str) -> str:
    """Return where a name is that is not here, or the name that was probably meant."""
    if name.startswith("_"):
        return ""
    import importlib
    from difflib import get_close_matches

    for room in ("claims", "testing", "interop", "data", "errors", "theorems"):
        if name in getattr(importlib.import_module(f"exactdropout.{room}"), "__all__", ()):
            return f"; it is exactdropout.{room}.{name}"
    near = get_close_matches(name, __all__, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
