"""Networks of other frameworks and file formats, with their drop rates; nothing is imported before it is used.

Each importer returns an :class:`Imported`, has compared one output with the framework's own, and names what it does not
support. Pickles are never loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "Imported": "layers",
    "from_equinox": "equinox_modules",
    "from_flax": "flax_modules",
    "from_keras": "keras_models",
    "from_nnet": "files",
    "from_onnx": "onnx_graphs",
    "from_safetensors": "files",
    "from_sklearn": "files",
    "from_torch": "torch_modules",
    "load": "files",
}

__all__ = [
    "Imported",
    "from_equinox",
    "from_flax",
    "from_keras",
    "from_nnet",
    "from_onnx",
    "from_safetensors",
    "from_sklearn",
    "from_torch",
    "load",
]

if TYPE_CHECKING:
    from exactdropout.interop.equinox_modules import from_equinox
    from exactdropout.interop.files import from_nnet, from_safetensors, from_sklearn, load
    from exactdropout.interop.flax_modules import from_flax
    from exactdropout.interop.keras_models import from_keras
    from exactdropout.interop.layers import Imported
    from exactdropout.interop.onnx_graphs import from_onnx
    from exactdropout.interop.torch_modules import from_torch


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'exactdropout.interop' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"exactdropout.interop.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
