"""What the package computes with: architectures, networks, example distributions and drop probabilities.

Everything is frozen and validated once, on entry; no engine is known here.
"""

from exactdropout.model.activation import Activation
from exactdropout.model.architecture import Architecture
from exactdropout.model.examples import Examples
from exactdropout.model.network import Network
from exactdropout.model.rates import DropRates, drop_rates, exact_rates

__all__ = ["Activation", "Architecture", "DropRates", "Examples", "Network", "drop_rates", "exact_rates"]
