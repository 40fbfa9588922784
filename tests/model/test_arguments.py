"""One door for data, architectures, rates and costs: each form means the same examples, others are one sentence."""

from __future__ import annotations

import importlib
from fractions import Fraction as F

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.errors import InvalidInput
from exactdropout.model.arguments import architecture_of, cost_limit, examples_of, network_of

SHAPE = xd.Architecture("2-3-1 relu, no biases")
ROWS = [((1, -2), 3), ((0, 4), -1)]
SAME = xd.Examples(ROWS)


def framework(module, name="Linear"):
    """An object whose class says that it comes from a module of that name."""
    return type(name, (), {"__module__": module})()


class Frame:
    """The least that a data frame is: named columns and their values."""

    def __init__(self, columns):
        self.data, self.columns = columns, list(columns)

    def __getitem__(self, name):
        return np.array(self.data[name])

    def __len__(self):
        return len(next(iter(self.data.values())))


COLUMNS = {"a": [1, 0], "b": [-2, 4], "y": [3, -1]}
FORMS = {
    "examples": SAME,
    "list of tuples": ROWS,
    "list of lists": [[[1, -2], [3]], [[0, 4], [-1]]],
    "fractions": [((F(1), F(-2)), F(3)), ((F(0), F(4)), F(-1))],
    "with probabilities": [((1, -2), 3, F(1, 2)), ((0, 4), -1, F(1, 2))],
    "arrays (X, y)": (np.array([[1, -2], [0, 4]]), np.array([3, -1])),
    "arrays (X, Y)": (np.array([[1, -2], [0, 4]]), np.array([[3], [-1]])),
    "nested lists (X, y)": ([[1, -2], [0, 4]], [3, -1]),
    "arrays (X, y, p)": (np.array([[1, -2], [0, 4]]), np.array([3, -1]), [F(1, 2), F(1, 2)]),
    "generator": "made new for each use",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_means_the_same_examples(form):
    data = (row for row in ROWS) if form == "generator" else FORMS[form]
    assert examples_of(data, SHAPE) == SAME


@pytest.mark.parametrize("library", ["pandas", "polars", "none"])
def test_a_data_frame_names_its_label(library, external):
    frame = Frame(COLUMNS) if library == "none" else importlib.import_module(external(library)).DataFrame(COLUMNS)
    assert examples_of(frame, SHAPE, "y") == SAME
    assert xd.Examples(frame, label=["b", "y"]).labels.tolist() == [[-2, 3], [4, -1]]
    with pytest.raises(
        InvalidInput, match="'label' must name the label column of the data frame, one of 'a', 'b', 'y'"
    ):
        examples_of(frame, SHAPE)


@pytest.mark.parametrize(
    ("text", "inputs", "label", "mass"),
    [
        ("point((1, -2), 3)", [[1, -2]], [[3]], [1]),
        ("point(1, 1/3)", [[1, 1]], [[F(1, 3)]], [1]),
        (" half( (1, 0.5) , 2 ) ", [[1, F(1, 2)], [0, 0]], [[2], [0]], [F(1, 2), F(1, 2)]),
    ],
)
def test_text_means_point_and_half_mass(text, inputs, label, mass):
    found = examples_of(text, SHAPE)
    assert found.inputs.tolist() == inputs
    assert found.labels.tolist() == label
    assert list(found.probabilities) == mass


WRONG_DATA = [
    ("points.csv", "xd.Examples.load(path)"),
    ("point(2, 1)", "(1, -2)"),
    ("point((1, y), 1)", "symbols stand in derive and check"),
    ("point((1, 2, 3), 1)", "must have 2 inputs per example"),
    ("point((1, 2))", "text such as"),
    ("half(" * 5000, "text such as"),
    ({1: 2}, "list of its items"),
    ({((1, 2), 3)}, "a set has not"),
    (7, "a list of (x, y)"),
    (None, "a list of (x, y)"),
    (np.zeros((3, 3)), "(table[:, :-1], table[:, -1])"),
    ((np.zeros(3), np.zeros(3)), "X[:, None]"),
    ([((1, 2), 3), ((1, 2), 3, 1)], "for every example or for none"),
    ([((1, 2), 3), "x"], "at place 1"),
    ([((1, 2), 3), ((1, 2, 3), 3)], "inputs"),
    ([((1, float("nan")), 3)], "finite"),
    ([((1, float("inf")), 3)], "finite"),
    ([((1, 2), (3, 4))], "must have 1 labels per example"),
    ([], "at least one"),
    ((((1, 2), 3), ((3, 4), 5)), None),
]


@pytest.mark.parametrize(("data", "says"), WRONG_DATA)
def test_other_data_is_one_sentence_that_names_the_argument(data, says):
    if says is None:  # a tuple of examples, which cannot be read as arrays
        assert examples_of(data, SHAPE) == xd.Examples(list(data))
        return
    with pytest.raises(InvalidInput) as caught:
        examples_of(data, SHAPE)
    sentence = str(caught.value)
    assert says in sentence
    assert sentence.startswith("Argument '")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 600


@pytest.mark.parametrize(
    ("columns", "label", "says"),
    [
        (COLUMNS, None, "'label' must name the label column"),
        (COLUMNS, "z", "not 'z'"),
        ({"y": [1]}, "y", "beside those of labels"),
        ({"a": [], "y": []}, "y", "at least one example"),
        ({"a": [1.0, float("nan")], "y": [1.0, 2.0]}, "y", "row 1"),
    ],
)
def test_frames_that_cannot_be_read(columns, label, says):
    with pytest.raises(InvalidInput) as caught:
        examples_of(Frame(columns), xd.Architecture("1-1"), label)
    assert says in str(caught.value)


def test_a_label_without_a_frame_is_refused():
    with pytest.raises(InvalidInput, match="'label' names a column"):
        examples_of(ROWS, SHAPE, "y")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ((2, 3, 1), "write '2-3-1'"),
        (7, "must be an Architecture"),
        (framework("torch.nn.modules.linear"), "xd.interop.from_torch"),
        (framework("keras.src.models.sequential"), "xd.interop.from_keras"),
        (framework("flax.nnx.nn"), "xd.interop.from_flax"),
        (framework("equinox.nn"), "xd.interop.from_equinox"),
        (framework("sklearn.neural_network"), "xd.interop.from_sklearn"),
    ],
)
def test_what_is_no_architecture_says_what_to_write(value, says):
    with pytest.raises(InvalidInput) as caught:
        architecture_of(value)
    assert says in str(caught.value)
    importer = says.removeprefix("xd.interop.")
    if importer != says:
        assert hasattr(importlib.import_module("exactdropout.interop"), importer)
        with pytest.raises(InvalidInput, match=importer):
            network_of(value)


def test_text_object_and_network_are_one_architecture():
    network = xd.Network([[[1, 2], [3, 4], [5, 6]], [1, 1, 1]])
    assert architecture_of("2-3-1 relu, no biases") == architecture_of(SHAPE) == architecture_of(network) == SHAPE


@pytest.mark.parametrize("value", [0, -1, True, "60", float("nan"), 1j, [1]])
def test_a_cost_is_a_positive_number_of_seconds(value):
    with pytest.raises(InvalidInput, match="'max_cost' must be a positive number of seconds"):
        cost_limit(value)


def test_costs_are_read_as_seconds():
    assert cost_limit(None, 7.0) == 7.0
    assert cost_limit(float("inf")) == cost_limit(10**400) == float("inf")
    assert cost_limit(F(1, 4)) == cost_limit(np.float32(0.25)) == 0.25


@pytest.mark.parametrize("call", ["evaluate", "derive", "minimize", "evaluator"])
def test_the_same_data_and_architecture_everywhere(call):
    """One example in four forms gives one answer through each function of the face."""
    forms = ["point((1, 0), 1)", [((1, 0), 1)], ([[1, 0]], [1]), xd.Examples.point((1, 0), 1)]
    network = xd.Network([[[1, 2]], [3]])
    answers = {
        "evaluate": lambda data: xd.evaluate(network, data, F(1, 2)).criterion,
        "derive": lambda data: xd.derive("2-1 linear, no biases", data).criterion.expr,
        "minimize": lambda data: xd.minimize("2-1-1 relu, no biases", data, F(1, 2)).value,
        "evaluator": lambda data: xd.evaluator(network.architecture, data, F(1, 2))(network).criterion,
    }
    assert len({answers[call](data) for data in forms}) == 1


def test_a_module_or_a_frame_is_named_by_its_type(external):
    external("pandas")
    import pandas

    frame = pandas.DataFrame(COLUMNS)
    with pytest.raises(InvalidInput, match="not an object of type DataFrame"):
        xd.evaluate(frame, "point(1, 1)", "1/2")


def test_the_index_of_a_frame_that_was_read_from_a_file_is_left_out(external, tmp_path):
    external("pandas")
    import pandas

    frame = pandas.DataFrame({"x1": [1, 2], "x2": [3, 4], "y": [5, 6]})
    frame.to_csv(tmp_path / "frame.csv")
    read = pandas.read_csv(tmp_path / "frame.csv")
    assert list(read.columns) == ["Unnamed: 0", "x1", "x2", "y"]
    assert xd.Examples(read, label="y") == xd.Examples(frame, label="y")
    assert xd.Examples.load(tmp_path / "frame.csv") == xd.Examples(frame, label="y")
    read["Unnamed: 0"] = [7, 3]
    with pytest.raises(InvalidInput, match="'Unnamed: 0' that does not count the rows: rename it"):
        xd.Examples(read, label="y")
