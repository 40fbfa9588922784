"""What to write instead, where a model or a file of another framework is given for a network: sentences, no imports."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FOREIGN_FILES", "PICKLES", "file_instead", "instead_of_framework"]

FOREIGN_FILES = (".onnx", ".keras", ".safetensors", ".nnet")
TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")
_IMPORTERS = {
    "torch": "from_torch", "keras": "from_keras", "tensorflow": "from_keras", "flax": "from_flax",
    "equinox": "from_equinox", "onnx": "from_onnx", "sklearn": "from_sklearn",
}  # fmt: skip


def instead_of_framework(value: object) -> str:
    """Return which function of ``xd.interop`` reads a model of a framework, as the end of a sentence, or nothing.

    A list of layers counts as a model; tensors do not.
    """
    if type(value).__name__ == "Imported" and hasattr(value, "network"):
        return "; write its .network (its rates are .q)"
    if isinstance(value, Mapping) and any(hasattr(v, "shape") for v in value.values()):
        return "; a dictionary of parameters has no order: write xd.interop.from_torch(module).network"
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    for kind in type(value).__mro__:
        framework = kind.__module__.partition(".")[0]
        importer = _IMPORTERS.get(framework)
        if importer is not None and not hasattr(value, "shape"):
            return f"; write xd.interop.{importer}(...).network to read a model of {framework}"
    return ""


def file_instead(path: str) -> str:
    """Return how a file of another framework is read, as the end of a sentence, or nothing."""
    if path.lower().endswith(FOREIGN_FILES):
        return "; a framework's file is read by xd.interop.load(path).network"
    if path.lower().endswith(PICKLES):
        return "; a pickle is never loaded: save the weights as .safetensors, or export the model to .onnx"
    if path.lower().endswith(TABLES):
        return "; a table holds examples: the network comes first, then the data"
    return ""
