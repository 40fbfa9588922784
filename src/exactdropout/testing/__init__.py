"""Property-based testing of dropout: exact assertions for layers of any framework, and Hypothesis strategies.

>>> from exactdropout import testing as xt
>>> xt.bit_evidence_reference(3, 3, 1)
Fraction(5, 16)

Every name below is loaded when it is first used; the strategies need Hypothesis (the extra ``[test]``), the assertions
only the framework that is tested.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "CallPlan": "power",
    "DropoutReport": "report",
    "Scheme": "schemes",
    "SmallestEffect": "power",
    "architectures": "strategies",
    "assert_dropout": "assertions",
    "assert_dropout_distribution": "assertions",
    "assert_dropout_exact": "assertions",
    "assert_network": "network",
    "assert_onnx_dropout": "onnx_conformance",
    "attention_weights": "subjects.attention",
    "bit_evidence_reference": "evidence",
    "channel": "schemes",
    "dropconnect": "schemes",
    "example_distributions": "strategies",
    "kinked_networks": "strategies",
    "mask_patterns": "strategies",
    "modules": "strategies",
    "networks": "strategies",
    "plan": "power",
    "problems": "strategies",
    "rates": "strategies",
    "recurrent_gates": "subjects.recurrent",
    "rescalings": "strategies",
    "scheme": "schemes",
    "shared": "schemes",
    "skip": "report",
    "smallest_effect": "power",
}

__all__ = [
    "CallPlan",
    "DropoutReport",
    "Scheme",
    "SmallestEffect",
    "architectures",
    "assert_dropout",
    "assert_dropout_distribution",
    "assert_dropout_exact",
    "assert_network",
    "assert_onnx_dropout",
    "attention_weights",
    "bit_evidence_reference",
    "channel",
    "dropconnect",
    "example_distributions",
    "kinked_networks",
    "mask_patterns",
    "modules",
    "networks",
    "plan",
    "problems",
    "rates",
    "recurrent_gates",
    "rescalings",
    "scheme",
    "shared",
    "skip",
    "smallest_effect",
]

if TYPE_CHECKING:
    from exactdropout.testing.assertions import assert_dropout, assert_dropout_distribution, assert_dropout_exact
    from exactdropout.testing.evidence import bit_evidence_reference
    from exactdropout.testing.network import assert_network
    from exactdropout.testing.onnx_conformance import assert_onnx_dropout
    from exactdropout.testing.power import CallPlan, SmallestEffect, plan, smallest_effect
    from exactdropout.testing.report import DropoutReport, skip
    from exactdropout.testing.schemes import Scheme, channel, dropconnect, scheme, shared
    from exactdropout.testing.strategies import (
        architectures,
        example_distributions,
        kinked_networks,
        mask_patterns,
        modules,
        networks,
        problems,
        rates,
        rescalings,
    )
    from exactdropout.testing.subjects.attention import attention_weights
    from exactdropout.testing.subjects.recurrent import recurrent_gates


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'exactdropout.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"exactdropout.testing.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
