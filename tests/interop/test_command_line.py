"""Files of frameworks on the command line; models, layers, tensors and files where a network is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exactdropout as xd
from exactdropout.cli.main import main
from exactdropout.errors import InvalidInput

External = Callable[[str], str]
NNET = (
    "// two units\n2, 3, 1, 3,\n3, 2, 1,\n0,\n-1,-1,-1\n1,1,1\n0,0,0,0\n1,1,1,1\n"
    "1,2,3\n3,4,5\n0.5,\n-0.5,\n1,-1,\n0.25,\n"
)
SAME = xd.Network([[["1", "2", "3"], ["3", "4", "5"]], ["1", "-1"]], [["1/2", "-1/2"], ["1/4"]])
DATA = xd.Examples([((1, -2, "1/2"), 1), (("1/2", 1, 1), 0)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "net.nnet").write_text(NNET)
    (tmp_path / "data.csv").write_text("a,b,c,y\n1,-2,0.5,1\n0.5,1,1,0\n")
    return tmp_path


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[dict[str, Any], str]:
    assert main(["evaluate", *map(str, arguments), "--json"]) == 0
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def test_an_nnet_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, said = evaluated(capsys, files / "net.nnet", files / "data.csv", "--q", "1/3", "--exact")
    assert Fraction(found["criterion"]) == xd.evaluate(SAME, DATA, "1/3").criterion
    assert "after normalisation" in said
    assert main(["evaluate", str(files / "net.nnet"), str(files / "data.csv")]) == 2
    assert "'--q' must be given" in capsys.readouterr().err
    assert main(["law", str(files / "net.nnet"), "--x", "1,1,1", "--q", "1/2"]) == 0
    assert main(["evaluate", str(files / "net.pt"), str(files / "data.csv"), "--q", "1/2"]) == 2
    assert "pickle, which is never loaded" in capsys.readouterr().err


def test_an_onnx_file_with_its_rates(external: External, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    external("onnx")
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    constants = {
        "w": np.array([[1, 2, 3], [3, 4, 5]]), "b": np.array([0.5, -0.5]),
        "v": np.array([[1, -1]]), "c": np.array([0.25]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Dropout", ["x", "ratio", "mode"], ["d"]),
        helper.make_node("Gemm", ["d", "w", "b"], ["h"], transB=1), helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "v", "c"], ["y"], transB=1),
    ]  # fmt: skip
    arrays = [numpy_helper.from_array(v.astype(np.float32), k) for k, v in constants.items()]
    arrays += [numpy_helper.from_array(np.array(v), k) for k, v in (("ratio", np.float32(0.2)), ("mode", True))]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, files / "net.onnx")
    both = files / "net.onnx", files / "data.csv"
    found, said = evaluated(capsys, *both, "--exact")
    assert Fraction(found["criterion"]) == xd.evaluate(SAME, DATA, [Fraction(float(np.float32(0.2))), 0]).criterion
    assert "read from the file (dyadic)" in said
    found, said = evaluated(capsys, *both, "--exact", "--rates", "decimal")
    assert Fraction(found["criterion"]) == xd.evaluate(SAME, DATA, "1/5, 0").criterion
    found, said = evaluated(capsys, *both, "--q", "1/2")
    assert found["criterion"] == pytest.approx(float(xd.evaluate(SAME, DATA, "1/2").criterion))
    assert "--q 1/2 takes the place of the file's" in said


def test_safetensors_with_an_architecture(external: External, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    external("safetensors")
    from safetensors.numpy import save_file

    weights = [np.asarray(w, dtype=np.float64) for w in SAME.weights]
    biases = [np.asarray(b, dtype=np.float64) for b in SAME.biases]
    named = {f"{2 * i}.weight": w for i, w in enumerate(weights)} | {f"{2 * i}.bias": b for i, b in enumerate(biases)}
    save_file(named, files / "net.safetensors")
    both = files / "net.safetensors", files / "data.csv", "--q", "1/2"
    found, _ = evaluated(capsys, *both, "--exact", "--architecture", "3-2-1 relu")
    assert Fraction(found["criterion"]) == xd.evaluate(SAME, DATA, "1/2").criterion
    assert main(["evaluate", *map(str, both)]) == 2
    assert "'--architecture' must be given" in capsys.readouterr().err


def test_options_of_frameworks_files_are_for_those(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SAME.save(files / "net.json")
    assert main(["evaluate", str(files / "net.json"), str(files / "data.csv"), "--q", "0", "--rates", "decimal"]) == 2
    assert "'--rates' is for files of frameworks" in capsys.readouterr().err
    for path, words in (("net.onnx", r"xd\.interop\.load\(path\)"), ("net.pt", "a pickle is never loaded")):
        with pytest.raises(InvalidInput, match=words):
            xd.Network.load(path)
        with pytest.raises(InvalidInput, match=words):
            xd.Network(path)
        with pytest.raises(InvalidInput, match=words):
            xd.evaluate(path, DATA, "1/2")  # type: ignore[arg-type]


def test_modules_layers_and_tensors_of_torch(external: External) -> None:
    external("torch")
    import torch

    module = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    imported = xd.interop.from_torch(module)
    for wrong in (module, [*module], module.state_dict()):
        with pytest.raises(InvalidInput, match=r"xd\.interop\.from_torch"):
            xd.Network(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"write its \.network"):
        xd.evaluate(imported, DATA, "1/2")  # type: ignore[arg-type]
    layers = [module[1], module[3]]
    own = xd.Network([m.weight for m in layers], [m.bias for m in layers])  # parameters, which carry gradients
    assert own == imported.network
    half = xd.Network([m.weight.bfloat16() for m in layers], [m.bias.bfloat16() for m in layers])
    assert half.weights[0].tolist() == module[1].weight.bfloat16().double().tolist()
    expected = xd.evaluate(own, DATA, "1/2").criterion
    for q in (torch.tensor(0.5), torch.tensor(0.5, dtype=torch.bfloat16), torch.tensor(0.5, requires_grad=True)):
        assert xd.evaluate(own, DATA, q).criterion == expected
