"""``from_sklearn``, ``from_safetensors``, ``from_nnet``, and ``load`` by the ending of a file's name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.interop.layers import Chain, Imported, RatesAs, missing
from exactdropout.model import Activation, Architecture
from exactdropout.model.arguments import architecture_of
from exactdropout.model.frameworks import FOREIGN_FILES, PICKLES
from exactdropout.model.numbers import show

__all__ = ["from_nnet", "from_safetensors", "from_sklearn", "load"]

MAX_NNET_BYTES = 1 << 28


def from_sklearn(model: Any, *, q: Any = None, exact: bool = False) -> Imported:
    """Return the network of a fitted ``MLPRegressor``: ``coefs_`` are (in, out); ``identity`` is linear.

    scikit-learn knows no dropout: the rates are unknown unless ``q`` is given.
    """
    if not hasattr(model, "coefs_") or not hasattr(model, "predict"):
        raise InvalidInput(f"Argument 'model' must be a fitted MLPRegressor, not {show(model)}.")
    if type(model).__name__ != "MLPRegressor":
        raise InvalidInput(
            f"Argument 'model' must be an MLPRegressor, not a {type(model).__name__}: outputs are linear."
        )
    names = {"relu": Activation.relu(), "identity": Activation.linear()}
    if model.activation not in names:
        raise InvalidInput(
            f"Argument 'model' has the activation {model.activation!r}; the model has relu and identity."
        )
    chain = Chain(source="scikit-learn MLPRegressor")
    for number, (weight, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        chain.linear(np.asarray(weight).T, bias, f"coefs_[{number}]")
        if number < len(model.coefs_) - 1:
            chain.activation(names[model.activation], f"coefs_[{number}]")
    return chain.result(q=q, exact=exact, own=model.predict, has_rates=False)


def from_safetensors(
    path: str | os.PathLike[str], *, architecture: Architecture | str | None = None, q: Any = None, exact: bool = False
) -> Imported:
    """Return the network of a safetensors file, which holds names and shapes only: ``architecture`` says the rest.

    Matrices of the file, in the natural order of their names, must fit the architecture as (out, in) or, all of
    them, as (in, out); where all are square, names that end in ``kernel`` mean (in, out), and a note says so.
    """
    try:
        from safetensors.numpy import load_file
    except ImportError:
        raise missing("safetensors", "onnx") from None
    if architecture is None:
        raise InvalidInput(
            "Argument 'architecture' must be given, such as '2-3-1 relu': a safetensors file holds names and shapes."
        )
    architecture = architecture_of(architecture)
    try:
        tensors = load_file(os.fspath(path))
    except Exception as error:
        raise UnreadableFile(f"File {os.fspath(path)!r} is no safetensors file ({type(error).__name__}).") from error
    names = sorted(tensors, key=lambda n: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", n)])
    matrices = [n for n in names if tensors[n].ndim == 2]
    vectors = {n.rpartition(".")[0]: n for n in names if tensors[n].ndim == 1}
    widths = architecture.widths
    if len(matrices) != len(widths) - 1:
        raise InvalidInput(
            f"File {os.fspath(path)!r} holds {len(matrices)} matrices; the architecture has {len(widths) - 1}."
        )
    shapes = [tensors[n].shape for n in matrices]
    wanted = [(widths[i + 1], widths[i]) for i in range(len(widths) - 1)]
    out_in, in_out = shapes == wanted, shapes == [w[::-1] for w in wanted]
    named = any(n.endswith("kernel") for n in matrices)
    if not (out_in or in_out):
        raise InvalidInput(f"File {os.fspath(path)!r} holds shapes {shapes}; the architecture needs {wanted}.")
    transposed = named if out_in and in_out else in_out
    chain = Chain(source=os.fspath(path))
    for number, name in enumerate(matrices):
        bias = vectors.get(name.rpartition(".")[0])
        weight = np.asarray(tensors[name], dtype=np.float64)
        chain.linear(weight.T if transposed else weight, None if bias is None else tensors[bias], name)
        if number < len(matrices) - 1:
            chain.activation(architecture.activations[number], name)
    if out_in and in_out:
        chain.notes.append(
            "all matrices are square: they were taken as " + ("(in, out)" if transposed else "(out, in)")
        )
    return chain.result(q=q, exact=exact, has_rates=False)


def from_nnet(path: str | os.PathLike[str], *, q: Any = None, exact: bool = False) -> Imported:
    """Return the relu network of an ``.nnet`` file (a text format of verification benchmarks), on normalised inputs."""
    name = os.fspath(path)
    try:
        if os.path.getsize(name) > MAX_NNET_BYTES:
            raise UnreadableFile(f"File {name!r} has more than {MAX_NNET_BYTES} bytes.")
        lines = [line for line in Path(name).read_text("ascii").splitlines() if not line.startswith("//")]
        rows = [[float(v) for v in line.split(",") if v.strip()] for line in lines]
        count, sizes = int(rows[0][0]), [int(v) for v in rows[1]]
        body = rows[7:]
        chain, at = Chain(source=name), 0
        for layer in range(count):
            inputs, outputs = sizes[layer], sizes[layer + 1]
            weight = np.array([row[:inputs] for row in body[at : at + outputs]])
            bias = np.array([row[0] for row in body[at + outputs : at + 2 * outputs]])
            if weight.shape != (outputs, inputs) or bias.shape != (outputs,):
                raise IndexError
            at += 2 * outputs
            chain.linear(weight, bias, f"layer {layer + 1}")
            if layer < count - 1:
                chain.activation(Activation.relu(), f"layer {layer + 1}")
    except (OSError, ValueError, IndexError) as error:
        raise UnreadableFile(f"File {name!r} is no .nnet file ({type(error).__name__}).") from error
    chain.notes.append("inputs and outputs are those after normalisation")
    return chain.result(q=q, exact=exact, has_rates=False)


def load(
    path: str | os.PathLike[str], *, q: Any = None, exact: bool = False, rates: RatesAs | None = None,
    architecture: Architecture | str | None = None,
) -> Imported:  # fmt: skip
    """Return the network of a file, by the ending of its name: .onnx, .keras, .safetensors or .nnet.

    ``rates`` says what becomes of the rates of the file: ``"dyadic"``, the default for ONNX, or ``"decimal"``, that of
    Keras, whose files hold decimals.
    """
    name = os.fspath(path)
    suffix = os.path.splitext(name)[1].lower()
    if suffix in PICKLES:
        raise InvalidInput(
            f"Argument 'path' {show(name)} is a pickle, which is never loaded; save the weights as .safetensors."
        )
    if not os.path.exists(name):
        raise UnreadableFile(f"File {name!r} does not exist.")
    if suffix == ".onnx":
        from exactdropout.interop.onnx_graphs import from_onnx

        return from_onnx(name, q=q, exact=exact, rates=rates or "dyadic")
    if suffix == ".keras":
        from exactdropout.interop.keras_models import from_keras

        return from_keras(name, q=q, exact=exact, rates=rates or "decimal")
    if suffix == ".safetensors":
        return from_safetensors(name, architecture=architecture, q=q, exact=exact)
    if suffix == ".nnet":
        return from_nnet(name, q=q, exact=exact)
    raise InvalidInput(f"Argument 'path' must end in {', '.join(FOREIGN_FILES)}, not {show(name)}.")
