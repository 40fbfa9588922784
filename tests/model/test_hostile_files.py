"""Networks and examples in files that are deep, huge, empty, linked, on a full disk, or written by hand."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from decimal import ROUND_CEILING, Decimal, localcontext
from fractions import Fraction as F
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import ExactDropoutError, InvalidInput, UnreadableFile
from exactdropout.model.numbers import approximate, parse_rational, rounded_up

PAGE = Path(__file__).parents[2] / "docs" / "files.md"
NETWORK = {"format": "exactdropout-network", "version": 1, "kind": "exact", "activations": [], "biases": [None]}
EXAMPLES = {"format": "exactdropout-examples", "version": 1, "kind": "exact"}


@pytest.mark.parametrize("depth", [5, 400, 500, 700, 950, 990, 20_000])
@pytest.mark.parametrize("key", ["weights", "biases", "activations", "inputs", "probabilities", "format", "version"])
def test_deep_json_is_refused_in_one_sentence(tmp_path, depth, key):
    path, kind = tmp_path / "f.json", xd.Examples if key in ("inputs", "probabilities") else xd.Network
    full = NETWORK | {"weights": [[[1]]]} if kind is xd.Network else EXAMPLES | {"inputs": [[1]], "labels": [1]}
    text = json.dumps({"probabilities": [1]} | full | {key: "deep"})
    path.write_text(text.replace('"deep"', "[" * depth + "1" + "]" * depth))
    with pytest.raises(ExactDropoutError) as caught:
        kind.load(path)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("duplicate", ['{"format": "exactdropout-network", "format": 1}', '{"a": {"b": 1, "b": 1}}'])
def test_repeated_keys_are_refused(tmp_path, duplicate):
    (tmp_path / "n.json").write_text(duplicate)
    with pytest.raises(UnreadableFile, match="repeats a key"):
        xd.Network.load(tmp_path / "n.json")


@pytest.mark.parametrize("cell", ["1e160", "1" + "0" * 400, "1e5000", "1e-160", "1e-5000", "1/3" + "0" * 400])
def test_cells_beyond_float64_beside_an_exact_network(tmp_path, cell, capsys):
    from exactdropout.cli.main import main

    (tmp_path / "d.csv").write_text(f"{cell},1\n")
    xd.Network([[["1/3"]], [1]]).save(tmp_path / "n.json")
    data = xd.Examples.load(tmp_path / "d.csv")
    z = F(parse_rational(cell)) / 3
    found = xd.evaluate(xd.Network.load(tmp_path / "n.json"), data, "1/2", moments=4)
    assert found.risk == (z - 1) ** 2
    assert found.criterion == (4 * z - 1) ** 2 / 4 + F(3, 4)  # both units are kept with 1/4, and then z is 4z
    low, high = found.standard_error(7)
    assert F(low) ** 2 <= found.sampling_variance(7)[0] * 1
    assert high == float("inf") or F(high) ** 2 >= found.sampling_variance(7)[1]
    assert len(repr(found)) < 200
    for options in ([], ["--per-example"], ["--json"], ["--q-grid", "0,1/2"], ["--precision", "5"]):
        assert main(["evaluate", str(tmp_path / "n.json"), str(tmp_path / "d.csv"), "--q", "1/2", *options]) == 0
        out = capsys.readouterr().out
        if options == ["--json"]:
            json.loads(out, parse_constant=pytest.fail)


def test_numbers_of_any_size_are_shown_quickly_and_as_decimal_says():
    for value in (F(10) ** -99_999, F(3**200_000, 7), F(1, 3**200_000)):
        assert len(approximate(value, 17)) < 30
        assert len(rounded_up(value)) < 12


@given(st.fractions(), st.integers(-400, 400), st.integers(1, 20))
def test_decimals_for_display_are_those_of_the_decimal_module(value, scale, digits):
    value *= F(10) ** scale
    with localcontext(prec=digits, Emin=-(10**9), Emax=10**9):
        assert approximate(value, digits) == str((Decimal(value.numerator) / Decimal(value.denominator)).normalize())
    if value > 0:
        with localcontext(prec=2, rounding=ROUND_CEILING, Emin=-(10**9), Emax=10**9):
            assert rounded_up(value) == f"{Decimal(value.numerator) / Decimal(value.denominator):.1e}"


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "1e" + "9" * 5000, "-1e-" + "1" * 100_000])
def test_exponents_that_no_memory_holds_are_refused(text):
    with pytest.raises(InvalidInput, match="at most 100000 digits"):
        parse_rational(text)
    if len(text) < 20:
        with pytest.raises(InvalidInput, match="at most 100000 digits"):
            xd.Network([[[Decimal(text)]]])


def test_an_archive_as_the_page_writes_it_is_read(tmp_path, monkeypatch):
    """Run the page's own snippets; what they write equals what they say."""
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    assert len(snippets) >= 2
    for snippet in snippets:
        exec(compile(snippet, str(PAGE), "exec"), {})
    assert xd.Network.load("network.npz") == xd.Network([[[0.5, -1.0], [2.0, 0.25]], [[1.0, 1.0]]], [[0.0, 0.1], None])
    assert xd.Network.load("exact.npz") == xd.Network([[["1/2", -1]], [["3/7"]]], activation="leaky_relu(1/100)")
    assert xd.Examples.load("data.npz") == xd.Examples([((1.0, 0.5), 2.0), ((0.0, -1.0), 0.0)])


def test_the_json_of_the_page_is_read(tmp_path):
    for number, text in enumerate(re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.S)):
        (tmp_path / f"{number}.json").write_text(text)
        kind = xd.Network if "network" in text else xd.Examples
        assert kind.load(tmp_path / f"{number}.json").kind == "exact"


def test_archives_with_integers_and_with_what_does_not_belong(tmp_path):
    file = tmp_path / "f.npz"
    np.savez(file, inputs=np.array([[1, 2]]), labels=np.array([3]))
    assert xd.Examples.load(file) == xd.Examples([((1, 2), 3)])
    np.savez(file, inputs=np.array([[1.5, 2]], dtype=np.float32), labels=np.array([3]))
    assert xd.Examples.load(file) == xd.Examples([((1.5, 2.0), 3.0)])
    bad = {
        "lacks the array 'labels'": {"inputs": np.ones((1, 1))},
        "'extra' that means nothing": {"inputs": np.ones((1, 1)), "labels": np.ones(1), "extra": np.ones(1)},
        "must be stored as": {"inputs": np.ones((1, 1)), "labels": np.array(["1"])},
        "not as complex128": {"inputs": np.ones((1, 1)), "labels": np.ones(1, dtype=complex)},
        "not as bool": {"inputs": np.ones((1, 1)), "labels": np.ones(1, dtype=bool)},
        "must have the header as one text": {"inputs": np.ones((1, 1)), "labels": np.ones(1), "header": np.ones(2)},
        "it is empty": {"inputs": np.ones((10**8, 0)), "labels": np.ones(1)},
        "must be finite": {"inputs": np.full((1, 1), np.nan), "labels": np.ones(1)},
    }
    for message, arrays in bad.items():
        np.savez(file, **arrays)
        with pytest.raises(ExactDropoutError, match=message):
            xd.Examples.load(file)
    with pytest.raises(ExactDropoutError, match="must not be empty"):
        xd.Examples.from_arrays(np.ones((10**8, 0)), np.broadcast_to(np.ones(1), (10**8,)))
    for names, message in [(("weights_0", "weights_2"), "that means nothing"), (("biases_0",), "means nothing")]:
        np.savez(file, **{name: np.ones((1, 1)) for name in names})
        with pytest.raises(UnreadableFile, match=message):
            xd.Network.load(file)


def test_a_link_stays_and_permissions_too(tmp_path):
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    net = xd.Network([[[1]]])
    net.save(link)
    assert link.is_symlink()
    assert xd.Network.load(target) == net
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.json", "real.json"]
    loop = tmp_path / "loop.json"
    loop.symlink_to(loop)
    with pytest.raises(UnreadableFile, match="cannot be"):
        xd.Network.load(loop)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_full_disk_is_one_sentence_and_the_device_stays(tmp_path, suffix):
    (tmp_path / f"full{suffix}").symlink_to("/dev/full")
    for kind in (xd.Network([[[1.5]]]), xd.Examples([((1,), 1)])):
        with pytest.raises(UnreadableFile, match=r"cannot be written: No space left"):
            kind.save(tmp_path / f"full{suffix}")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


FULL = """
import resource, sys
import exactdropout as xd
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    xd.Network([[[k / 7 for k in range(4000)]]]).save(sys.argv[1])
except xd.errors.UnreadableFile as error:
    print(error)
"""


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_disk_that_fills_while_writing_loses_nothing(tmp_path, suffix):
    path = tmp_path / f"n{suffix}"
    xd.Network([[[1]]]).save(path)
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False)
    assert "cannot be written: File too large" in done.stdout, done.stderr
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_rate_near_one_in_any_precision():
    q = 1 - F(1, 10**40)
    network, data = xd.Network([[["1/3"]], [2]]), xd.Examples.point((1,), 1)
    exact = xd.evaluate(network, data, q)
    for digits in (3, 30, 60):
        low, high = xd.evaluate(network, data, q, precision=digits).enclosure("criterion")
        assert low <= exact.criterion <= high
        assert high - low <= 2 * F(1, 10**digits) * exact.criterion
