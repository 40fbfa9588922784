"""The shipped table and network are what docs/data.md says they are."""

from __future__ import annotations

from fractions import Fraction
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from exactdropout.data import copy_diabetes, diabetes
from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.model import Examples, Network


def test_examples_are_the_standardised_table() -> None:
    _, data = diabetes()
    assert data.inputs.shape == (442, 10)
    assert data.probabilities == (Fraction(1, 442),) * 442
    assert data.kind == "exact"
    means = data.inputs.sum(axis=0) / 442
    variances = (data.inputs**2).sum(axis=0) / 442 - means**2
    # rounding to four decimals moves a mean by at most 1/20000 and a variance by a little more
    assert max(abs(m) for m in means) <= Fraction(1, 20_000)
    assert max(abs(v - 1) for v in variances) < Fraction(1, 5_000)
    # known from the published table: sum and range of the progression labels, first and last row
    labels = data.labels[:, 0]
    assert (sum(labels), min(labels), max(labels)) == (67_243, 25, 346)
    assert (labels[0], labels[441]) == (151, 57)


def test_network_learned_something_and_not_everything() -> None:
    network, data = diabetes()
    assert str(network.architecture) == "10-8-1 relu, biases"
    assert network.kind == "float64"
    x, y = data.inputs.astype(float), data.labels.astype(float)
    hidden = np.maximum(x @ network.weights[0].T + network.bias(0), 0)
    risk = float(np.mean((hidden @ network.weights[1].T + network.bias(1) - y) ** 2))
    variance = float(np.var(y))
    assert 0.4 * variance < risk < 0.7 * variance  # least squares reaches 0.48


def test_copies_read_back_as_the_originals(tmp_path: Path) -> None:
    network_file, table = copy_diabetes(tmp_path / "new" / "folder")
    network, data = diabetes()
    assert Network.load(network_file) == network
    assert Examples.load(table) == data
    assert "Least Angle Regression" in (tmp_path / "new" / "folder" / "SOURCE.txt").read_text("utf-8")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "diabetes.csv").write_text("mine")
    with pytest.raises(InvalidInput, match=r"must not hold diabetes\.csv already"):
        copy_diabetes(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["diabetes.csv"]
    assert (tmp_path / "diabetes.csv").read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnreadableFile, match="cannot be made"):
        copy_diabetes(tmp_path / "file" / "below")


def test_network_file_holds_numbers_that_read_back_identically(tmp_path: Path) -> None:
    network, _ = diabetes()
    network.save(tmp_path / "again.json")
    shipped = resources.files("exactdropout.data").joinpath("diabetes", "network.json").read_text("utf-8")
    assert (tmp_path / "again.json").read_text("utf-8") == shipped
