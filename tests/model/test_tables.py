"""Tables as people have them: other separators, pandas' index and names, decimal commas, packed; and broken ones."""

from __future__ import annotations

import gzip
import importlib
import os
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactdropout as xd
from exactdropout.errors import ExactDropoutError, InvalidInput, UnreadableFile

ROWS = [[F(1, 2), F(-3), F(7, 4)], [F(0), F(5, 4), F(-2)]]


def loaded(tmp_path, text, name="d.csv", **how):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    data = xd.Examples.from_csv(tmp_path / name, **how)
    return [[*x, *y] for x, y in zip(data.inputs.tolist(), data.labels.tolist(), strict=True)]


@pytest.mark.parametrize(
    "text",
    [
        "a,b,y\n0.5,-3,1.75\n0,1.25,-2\n",
        "0.5,-3,1.75\n0,1.25,-2\n",
        "\ufeffa,b,y\r\n0.5,-3,1.75\r\n0,1.25,-2\r\n",
        "a,b,y\r0.5,-3,1.75\r0,1.25,-2\r",
        '"a","b","y"\n"0.5","-3","1.75"\n"0","1.25","-2"\n',
        '"a; in m",b,y\n0.5,-3,1.75\n0,1.25,-2\n',
        '"a\nb",b,y\n0.5,-3,1.75\n0,1.25,-2\n',
        "a;b;y\n0.5;-3;1.75\n0;1.25;-2\n",
        "a;b;y\n0,5;-3;1,75\n0;1,25;-2\n",
        "0,5;-3;1,75\n0;1,25;-2\n",
        'a,b,y\n"0,5",-3,"1,75"\n0,"1,25",-2\n',
        "a\tb\ty\n0.5\t-3\t1.75\n0\t1.25\t-2\n",
        ",a,b,y\n0,0.5,-3,1.75\n1,0,1.25,-2\n",
        '"","a","b","y"\n"1",0.5,-3,1.75\n"2",0,1.25,-2\n',
        "Unnamed: 0,a,b,y\n0,0.5,-3,1.75\n1,0,1.25,-2\n",
        ",0,1,2\n0,0.5,-3,1.75\n1,0,1.25,-2\n",
        "\n\na,b,y\n\n0.5,-3,1.75\n  \n0,1.25,-2\n\n\n",
        "a,b,y\n 1/2 , -3,1.75\n0,5/4,-2e0",
        "a,b,y\n5e-1,-3.0,+1.75\n-0,1.25,-2",
    ],
)
def test_tables_as_people_have_them(tmp_path, text):
    assert loaded(tmp_path, text) == ROWS


def test_tabs_and_gzip_by_the_ending(tmp_path):
    tabs, commas = b"a\tb\ty\n0.5\t-3\t1.75\n0\t1.25\t-2\n", b"a,b,y\n0.5,-3,1.75\n0,1.25,-2\n"
    for name, content in [("d.tsv", tabs), ("d.tsv.gz", gzip.compress(tabs)), ("D.CSV.GZ", gzip.compress(commas))]:
        assert loaded(tmp_path, content, name) == ROWS
        assert xd.Examples.load(tmp_path / name) == xd.Examples.from_csv(tmp_path / name)


def test_what_pandas_writes_is_read(tmp_path, external):
    pandas = importlib.import_module(external("pandas"))
    frame = pandas.DataFrame([[0.5, -3.0, 1.75], [0.0, 1.25, -2.0]])
    for index in (True, False):
        frame.to_csv(tmp_path / "d.csv", index=index)
        header = None if index else True
        data = xd.Examples.from_csv(tmp_path / "d.csv", label=["2"], header=header)
        assert (data.inputs.tolist(), data.labels.tolist()) == ([row[:2] for row in ROWS], [row[2:] for row in ROWS])


def test_a_first_row_that_counts_is_names_or_an_example_as_the_user_says(tmp_path):
    text = "0,1,2\n3,4,5\n"
    with pytest.raises(UnreadableFile, match=r"'0,1,2'.*header=True or header=False .*--header yes"):
        loaded(tmp_path, text)
    assert loaded(tmp_path, text, header=True) == [[3, 4, 5]]
    assert loaded(tmp_path, text, header=False) == [[0, 1, 2], [3, 4, 5]]
    assert loaded(tmp_path, "0,1,2\n") == [[0, 1, 2]]
    assert loaded(tmp_path, "2,1\n3,4\n") == [[2, 1], [3, 4]]
    with pytest.raises(InvalidInput, match="'header' must be True, False or None"):
        loaded(tmp_path, text, header="yes")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"2"3,4\n1,2\n', "is not CSV near line 1"),
        ('1,"2\n3,4\n', "is not CSV"),
        ("a;b\n1,234;2\n", "'1,234', which may have a decimal comma"),
        ("a;b\n1,5;2.5\n", "in one way, but has '1,5' and '2.5'"),
        ("a;b\n1.234,5;2\n", "'row 2, column a' must be an integer"),
        ('a,b\n"1,234,567",2\n', "'row 2, column a' must be an integer"),
        (",a,b\n0,1,2\n2,3,4\n", "does not count the rows, as row 3 with '2' shows"),
        (",a,b\n17,1,2\n3,3,4\n", "pandas: index=False"),
        ("a,b\n,2\n", "'row 2, column a' must be a number; the cell is empty"),
        ("a,b\nNA,2\n", "'row 2, column a' must be an integer"),
        ("a,b\n1,inf\n", "'row 2, column b' must be an integer"),
        ("a,b\n1,-Infinity\n", "'row 2, column b' must be an integer"),
        ("a,b\n1,1e999999999999\n", "at most 100000 digits"),
        ("a,b\n1,1_000\n", "'row 2, column b' must be an integer"),
        ("a,b\n1,\u0663\n", "'row 2, column b' must be an integer"),
        ("a,b\n1,\u00b2\n", "'row 2, column b' must be an integer"),
        ("a,b\n1,--2\n", "'row 2, column b' must be an integer"),
        ("a,b\n1,0x10\n", "'row 2, column b' must be an integer"),
        ('"a\nb",c\nx,2\n', "'row 2, column a b' must be an integer"),
        ("a,b,a\n1,2,3\n", "'a' comes twice"),
        ("\n \n\r\n", "it is empty"),
        ("a,b\n1,2\n1,2,3\n", "2 cells in row 3, not 3"),
    ],
)
def test_broken_tables_are_refused_in_one_sentence(tmp_path, text, message):
    with pytest.raises(ExactDropoutError, match=message) as caught:
        loaded(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_labels_are_distinct_columns(tmp_path):
    (tmp_path / "d.csv").write_text("a,b,p\n1,2,1\n")
    for how in ({"label": ["b", "b"]}, {"label": ["p"], "probability": "p"}, {"label": []}, {"label": 3}):
        with pytest.raises(InvalidInput, match="'label' must name"):
            xd.Examples.from_csv(tmp_path / "d.csv", **how)


def test_a_packed_table_that_unpacks_too_large_is_refused(tmp_path, monkeypatch):
    from exactdropout.model import files

    monkeypatch.setattr(files, "MAX_FILE_BYTES", 1 << 16)
    row = b"1.5,2.5\n"
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(row * 10_000))
    with pytest.raises(UnreadableFile, match="unpacks to more than"):
        xd.Examples.load(tmp_path / "d.csv.gz")
    monkeypatch.setattr(files, "MAX_LINE", 1 << 10)
    (tmp_path / "d.csv").write_text("1," * 1000 + "2\n")
    with pytest.raises(UnreadableFile, match="has a line of more than"):
        xd.Examples.load(tmp_path / "d.csv")


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"1,2\n" * 9000, mtime=0)[:-20]], ids=["other", "cut short"]
)
def test_a_damaged_packed_table_is_refused(tmp_path, content):
    (tmp_path / "d.csv.gz").write_bytes(content)
    with pytest.raises(UnreadableFile, match="damaged or not compressed"):
        xd.Examples.load(tmp_path / "d.csv.gz")


def test_a_table_that_is_no_file_or_not_utf8(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")  # a reader that opens it would wait for ever
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "latin.csv").write_bytes("gr\u00f6\u00dfe,y\n1,2\n".encode("latin-1"))
    (tmp_path / "a\nb.csv").write_text("a,b\nx,1\n")
    refused = {"pipe": "is not a file", "folder": "is not a file", "latin": "must be UTF-8", "none": "does not exist"}
    for name, message in (refused | {"a\0b": "cannot be read", "a" * 400: "cannot be read"}).items():
        with pytest.raises(UnreadableFile, match=message):
            xd.Examples.load(tmp_path / f"{name}.csv")
    (tmp_path / "a\nb.csv").write_bytes(b"\xff")
    with pytest.raises(UnreadableFile, match=r"a.nb.csv' must be UTF-8") as caught:
        xd.Examples.load(tmp_path / "a\nb.csv")
    assert "\n" not in str(caught.value)
    for path in (None, 3, b"d.csv", ["d.csv"]):
        with pytest.raises(InvalidInput, match="must be the path of a file"):
            xd.Examples.load(path)
        with pytest.raises(InvalidInput, match="must be the path of a file"):
            xd.Examples.from_csv(path)


def test_a_long_table_tells_how_much_is_read(tmp_path):
    (tmp_path / "d.csv").write_text("1.5,2\n" * 25_000)
    told = []
    xd.Examples.load(tmp_path / "d.csv", progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (150_000, 150_000)
    assert len(told) == 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.integers(-(10**25), 10**25).map(str),
                st.decimals(allow_nan=False, allow_infinity=False).map(str),
                st.from_regex(r"[+-]?[0-9]{1,20}\.[0-9]{0,20}", fullmatch=True),
                st.from_regex(r"-?\.[0-9]{1,20}", fullmatch=True),
            ),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(deadline=None)
def test_every_cell_is_the_rational_that_its_text_says(tmp_path_factory, rows):
    """Python's own Fraction reads the same texts (it knows neither signs before fractions nor our limits)."""
    text = "".join(",".join(row) + "\n" for row in rows)
    found = loaded(tmp_path_factory.mktemp("cells"), "a,b,c\n" + text)
    assert found == [[F(cell) for cell in row] for row in rows]


def test_a_column_of_floats_of_numpy(tmp_path):
    values = np.random.default_rng(1).normal(size=(50, 3)) * 10.0 ** np.arange(-150, 150, 2).reshape(50, 3)
    np.savetxt(tmp_path / "d.csv", values, delimiter=",")
    found = xd.Examples.load(tmp_path / "d.csv")
    assert [[float(v) for v in row] for row in found.inputs] == [
        [float(f"{v:.18e}") for v in row[:2]] for row in values
    ]
