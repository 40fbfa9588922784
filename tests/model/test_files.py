"""Networks and examples on disk: identical when read back; damaged and hostile files in one sentence."""

from __future__ import annotations

import json
import pickle
import zipfile
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import ExactDropoutError, InvalidInput, UnreadableFile
from exactdropout.testing import problems

FUNCTION_SCOPED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@given(problems(max_mask_bits=8), st.sampled_from([".json", ".npz"]), st.booleans())
@FUNCTION_SCOPED
def test_what_is_written_is_read_back_identically(tmp_path, problem, suffix, rounded):
    network, data, _ = problem
    network = network.float64() if rounded else network
    network.save(tmp_path / f"network{suffix}")
    assert xd.Network.load(tmp_path / f"network{suffix}") == network
    data.save(tmp_path / f"data{suffix}")
    assert xd.Examples.load(tmp_path / f"data{suffix}") == data


@given(problems(max_mask_bits=5, kind="float64"), st.sampled_from([".json", ".npz"]))
@FUNCTION_SCOPED
def test_float_examples_read_back(tmp_path, problem, suffix):
    _, data, _ = problem
    data.save(tmp_path / f"data{suffix}")
    assert xd.Examples.load(tmp_path / f"data{suffix}") == data


def test_every_float64_survives_json(tmp_path):
    values = [5e-324, -0.0, 1.7976931348623157e308, 0.1, 2.0**-1074 * 3]
    net = xd.Network([[values]])
    net.save(tmp_path / "n.json")
    assert xd.Network.load(tmp_path / "n.json") == net


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_integers_past_pythons_text_limit(tmp_path, suffix):
    net = xd.Network([[[F(10**9000 + 1, 3**9000), 7**6000]]])
    net.save(tmp_path / f"n{suffix}")
    assert xd.Network.load(tmp_path / f"n{suffix}") == net


def test_exact_json_is_readable(tmp_path):
    xd.Network([[["3/7", -2]], [1]], [[0], "0.5"]).save(tmp_path / "n.json")
    content = json.loads((tmp_path / "n.json").read_text())
    assert content["weights"] == [[["3/7", -2]], [[1]]]
    assert content["biases"] == [[0], ["1/2"]]


def test_csv_decimals_are_exact(tmp_path):
    file = tmp_path / "d.csv"
    file.write_text("a,b,target,p\n0.1,1e-3,2,0.25\n1/3,2,-3.5,0.75\n\n")
    data = xd.Examples.from_csv(file, label=["target"], probability="p")
    assert data.inputs.tolist() == [[F(1, 10), F(1, 1000)], [F(1, 3), 2]]
    assert data.labels.tolist() == [[2], [F(-7, 2)]]
    assert data.probabilities == (F(1, 4), F(3, 4))
    two = xd.Examples.from_csv(file, label=["b", "target"], probability="p")
    assert two.labels.shape == (2, 2)
    file.write_text("1,2\n3,4\n")
    assert xd.Examples.load(file).labels.tolist() == [[2], [4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one example"),
        ("a,b\n", "below its header"),
        ("a,b\n1,2\n1\n", "2 cells in row 3, not 1"),
        ("a,b\n1,x\n", "'row 2, column b' must be an integer"),
        ("a,b\n1,nan\n", "'row 2, column b' must be an integer"),
        ("1,nan\n", "'row 1, column 2' must be an integer"),
        ("a,b\n1,__import__('os').system('x')\n", "'row 2, column b'"),
        ("a\n1\n", "at least one input column"),
        ("a,a\n1,2\n", "distinct column names"),
        ("a,b\n1,\n", "'row 2, column b'"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(ExactDropoutError, match=message):
        xd.Examples.load(tmp_path / "d.csv")


def test_unknown_columns(tmp_path):
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInput, match="'label' must name a column"):
        xd.Examples.from_csv(tmp_path / "d.csv", label=["c"])
    with pytest.raises(InvalidInput, match="'probability' must name a column"):
        xd.Examples.from_csv(tmp_path / "d.csv", probability="c")


GOOD = {
    "format": "exactdropout-network",
    "version": 1,
    "kind": "exact",
    "activations": [],
    "weights": [[[1, "3/7"]]],
    "biases": [None],
}


@pytest.mark.parametrize(
    "content",
    [
        "",
        json.dumps(GOOD)[:-4],
        "[" * 100_000,
        '{"a":' * 100_000,
        json.dumps([1]),
        json.dumps(GOOD | {"format": "other"}),
        json.dumps(GOOD | {"version": 2}),
        json.dumps(GOOD | {"kind": "pickle"}),
        json.dumps(GOOD | {"weights": [[["__import__('os').system('touch /tmp/x')"]]]}),
        json.dumps(GOOD | {"weights": [[[0.5]]]}),
        json.dumps(GOOD | {"weights": [[[1, 2], [3]]]}),
        json.dumps(GOOD | {"weights": [[[None]]]}),
        json.dumps(GOOD | {"weights": [[[True]]]}),
        json.dumps(GOOD | {"weights": [[[{"a": 1}]]]}),
        json.dumps(GOOD | {"weights": "x"}),
        json.dumps(GOOD | {"biases": [[1, 2]]}),
        json.dumps(GOOD | {"activations": ["eval"]}),
        json.dumps(GOOD | {"activations": [1]}),
        json.dumps(GOOD).replace('"3/7"', "NaN"),
        json.dumps(GOOD).replace('"3/7"', "-Infinity"),
        json.dumps(GOOD).replace('"3/7"', "1e999999999"),
        json.dumps(GOOD).replace('"3/7"', "9" * 300_000),
        json.dumps(GOOD).replace('"3/7"', '"1/0"'),
        json.dumps(GOOD | {"kind": "float64"}).replace('"3/7"', "1e400"),
        json.dumps(GOOD)[:-1] + ', "kind": "float64"}',
        "\x00\x01",
    ],
)
def test_damaged_and_hostile_json_is_refused_in_one_sentence(tmp_path, content):
    file = tmp_path / "n.json"
    file.write_text(content)
    with pytest.raises(ExactDropoutError) as caught:
        xd.Network.load(file)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "n.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFile, match="must be UTF-8"):
        xd.Network.load(tmp_path / "n.json")


@pytest.mark.parametrize("name", ["none.json", "none.npz", "folder.json", "folder.npz", "none.csv", "n.txt"])
def test_missing_files_and_unknown_endings(tmp_path, name):
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ExactDropoutError, match=r"does not exist|is not a file|must end in"):
        (xd.Examples if name.endswith("csv") else xd.Network).load(tmp_path / name)


class Bomb:
    def __reduce__(self):
        import os

        return os.mkdir, ("exploded",)


def test_pickles_are_never_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    array = np.empty(1, dtype=object)
    array[0] = Bomb()
    np.savez(tmp_path / "n.npz", weights_0=array, header=np.array("{}"))
    with pytest.raises(UnreadableFile, match="pickle, which is never loaded"):
        xd.Network.load(tmp_path / "n.npz")
    (tmp_path / "p.npz").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UnreadableFile):
        xd.Network.load(tmp_path / "p.npz")
    assert not (tmp_path / "exploded").exists()


def test_damaged_archives(tmp_path):
    file = tmp_path / "n.npz"
    xd.Network([[[1.5, 2.5]]]).save(file)
    whole = file.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 5):
        file.write_bytes(whole[:cut])
        with pytest.raises(UnreadableFile):
            xd.Network.load(file)
    for position in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[position] ^= 0x40
        file.write_bytes(bytes(flipped))
        try:
            xd.Network.load(file)
        except ExactDropoutError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_archive_that_unpacks_too_large_is_refused_unread(tmp_path):
    file = tmp_path / "n.npz"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("weights_0.npy", "w") as stream:
        for _ in range(520):
            stream.write(bytes(1 << 20))
    assert file.stat().st_size < 1 << 20
    with pytest.raises(UnreadableFile, match="unpacks to more than 512 MiB"):
        xd.Network.load(file)


def test_array_whose_header_promises_more_than_the_archive_holds(tmp_path):
    file = tmp_path / "n.npz"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    npy = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weights_0.npy", npy)
    with pytest.raises(UnreadableFile):
        xd.Network.load(file)


def test_nothing_is_lost_when_writing_fails(tmp_path):
    import sympy

    good = xd.Network([[[1, 2]]])
    good.save(tmp_path / "n.json")
    with pytest.raises(InvalidInput, match="symbolic"):
        xd.Network([[[sympy.Symbol("w", real=True), 1]]]).save(tmp_path / "n.json")
    with pytest.raises(InvalidInput, match="must end in"):
        good.save(tmp_path / "n.pickle")
    with pytest.raises(UnreadableFile, match="cannot be written"):
        good.save(tmp_path / "no" / "n.json")
    assert xd.Network.load(tmp_path / "n.json") == good
    assert sorted(p.name for p in tmp_path.iterdir()) == ["n.json"]
