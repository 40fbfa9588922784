"""Property-based testing of dropout: public Hypothesis strategies (needs the extra ``[test]``)."""

from exactdropout.testing.strategies import (
    architectures,
    example_distributions,
    mask_patterns,
    networks,
    problems,
    rates,
)

__all__ = ["architectures", "example_distributions", "mask_patterns", "networks", "problems", "rates"]
