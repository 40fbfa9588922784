"""Makes the corpora of certificates: ``python tests/certificate/make_corpora.py``.

``correct`` must be verified, ``incorrect`` rejected, ``malformed`` refused; each bad file says in its comment what it
tries (a malformed one that cannot hold a comment says so in its name). The files are committed; the checker is tested
against them, never against what this script would make today.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactdropout.certificate import document
from exactdropout.model import Architecture, Examples
from exactdropout.optimum import minimize

FOLDER = Path(__file__).parent
Edit = Callable[[dict[str, Any]], None]


def solved(inputs: int, width: int, biases: bool, data: Examples, *, nonnegative: bool = False) -> dict[str, Any]:
    arch = Architecture(inputs, (width,), biases=biases)
    return document(minimize(arch, data, "1/2", nonnegative=nonnegative, compare=False))


def split_of(tree: dict[str, Any], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first node that is wanted, walking down."""
    if wanted(tree):
        return tree
    for child in tree.get("children", []):
        try:
            return split_of(child[3], wanted)
        except LookupError:
            continue
    raise LookupError


def correct() -> dict[str, dict[str, Any]]:
    ones, pair = (1, 1), Examples.uniform([((1, 2), 3), ((2, 1), 3)])
    interval = Architecture(2, (3,))
    return {
        "one-input": solved(1, 2, True, Examples.half((1,), 1)),
        "point-width-2": solved(2, 2, False, Examples.point(ones, 1)),
        "point-width-3-tie": solved(2, 3, False, Examples.point(ones, 1)),
        "half-width-1": solved(2, 1, True, Examples.half(ones, 1)),
        "half-width-3": solved(2, 3, True, Examples.half(ones, 1)),
        "half-width-4": solved(2, 4, True, Examples.half(ones, 1)),
        "half-width-4-nonnegative": solved(2, 4, True, Examples.half(ones, 1), nonnegative=True),
        "two-examples": solved(2, 2, False, pair),
        "three-inputs": solved(3, 3, False, Examples.point((1, 1, 1), 1)),
        "one-sign": solved(2, 1, True, Examples.uniform([((1, -1), 2), ((0, 3), "-1/2")])),
        "zero-minimum": solved(2, 2, True, Examples.point(ones, 1)),
        "interval": document(minimize(interval, Examples.half(ones, 1), "1/2", compare=False, time_limit=1e-9)),
    }


def set_in(*path: Any) -> Callable[[Any], Edit]:
    def with_value(value: Any) -> Edit:
        def edit(d: dict[str, Any]) -> None:
            for key in path[:-1]:
                d = d[key]
            d[path[-1]] = value

        return edit

    return with_value


def statement(key: str, value: Any) -> Edit:
    return set_in("statement", key)(value)


def scale_witnesses(d: dict[str, Any]) -> None:
    for cut in d["cuts"]:
        for _, vector in cut["witnesses"]:
            vector[0] *= 2


def all_edits(*edits: Edit) -> Edit:
    def edit(d: dict[str, Any]) -> None:
        for one in edits:
            one(d)

    return edit


def drop_child(d: dict[str, Any]) -> None:
    d["tree"]["children"].pop()


def drop_first_child(d: dict[str, Any]) -> None:
    d["tree"]["children"].pop(0)


def merge_children(d: dict[str, Any]) -> None:
    children = d["tree"]["children"]
    for child in children:
        if "cut" in child[3]:
            d["tree"]["children"] = [[0, children[-1][1], False, child[3]]]
            return


def foreign_part(d: dict[str, Any]) -> None:
    node = split_of(d["tree"], lambda n: "group" in n)
    inner = node["children"][0][3] if "group" in node["children"][0][3] else None
    target = inner or node
    target["part"] = [*target["part"], 0]


def orbit_everywhere(d: dict[str, Any]) -> None:
    for child in d["tree"]["children"]:
        child[2] = True


def orbit_nowhere(d: dict[str, Any]) -> None:
    def walk(node: dict[str, Any]) -> None:
        for child in node.get("children", []):
            child[2] = False
            walk(child[3])

    walk(d["tree"])


def split_range(d: dict[str, Any]) -> None:
    leaf = copy.deepcopy(d["tree"])
    part = leaf["part"][:1]
    d["tree"]["children"] = [[0, leaf["children"][-1][1], False, {"group": 1, "part": part, "children": []}]]


def other_cut(d: dict[str, Any]) -> None:
    def walk(node: dict[str, Any]) -> None:
        if "cut" in node:
            node["cut"] = 0
        for child in node.get("children", []):
            walk(child[3])

    walk(d["tree"])


def single_leaf(d: dict[str, Any]) -> None:
    d["tree"] = {"cut": 0}


def wider(d: dict[str, Any]) -> None:
    d["statement"]["width"] += 1
    d["network"]["hidden_weights"].append([0] * d["statement"]["inputs"])
    d["network"]["hidden_bias"].append(0)
    d["network"]["output_weights"].append(0)


def shift_residual(d: dict[str, Any]) -> None:
    d["cuts"][0]["z"][1][0] += 1


def dead_witness(d: dict[str, Any]) -> None:
    d["cuts"][0]["witnesses"].append([0, [1, [0] * 3]])


def zero_witnesses(d: dict[str, Any]) -> None:
    for cut in d["cuts"]:
        for entry in cut["witnesses"]:
            entry[1] = [1, [0] * len(entry[1][1])]


def flip_types(d: dict[str, Any]) -> None:
    for cut in d["cuts"]:
        for entry in cut["witnesses"]:
            entry[0] ^= 1


def negate(d: dict[str, Any]) -> None:
    d["statement"]["nonnegative"] = True
    d["network"]["output_weights"][0] = -1


def raise_lower(d: dict[str, Any]) -> None:
    d["statement"]["lower"] = d["statement"]["upper"] = str(Fraction(d["statement"]["upper"]) + Fraction(1, 1000))


def incorrect(good: dict[str, dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    table: list[tuple[str, str, str, Edit]] = [
        ("upper-not-attained", "half-width-1", "lower and upper are above what the network attains", raise_lower),
        ("upper-too-low", "half-width-1", "upper is below what the network attains", statement("upper", "1/6")),
        (
            "lower-too-high",
            "interval",
            "an interval is claimed to be its upper end",
            lambda d: d["statement"].update(lower=d["statement"]["upper"]),
        ),
        ("last-child-missing", "half-width-3", "networks with many units of the part are not covered", drop_child),
        ("first-child-missing", "half-width-3", "networks with no unit of the part are not covered", drop_first_child),
        ("children-merged", "half-width-3", "a leaf for one count is claimed for all counts", merge_children),
        (
            "child-beyond-capacity",
            "half-width-3",
            "a child holds more units than the group has",
            lambda d: d["tree"]["children"][-1].__setitem__(1, 9),
        ),
        ("foreign-part", "half-width-3", "a part has a type that is not in its group", foreign_part),
        ("orbit-where-not-empty", "half-width-3", "images are forbidden although the part has units", orbit_everywhere),
        (
            "orbit-flag-removed",
            "three-inputs",
            "the proof needs images to be forbidden and does not say so",
            orbit_nowhere,
        ),
        ("range-split-further", "half-width-3", "a range of counts is not a leaf", split_range),
        ("weaker-cut", "half-width-3", "every leaf refers to the first cut", other_cut),
        ("tree-cut-off", "half-width-3", "the root is claimed to be a leaf", single_leaf),
        ("width-raised", "half-width-1", "the proof for one width is offered for the next", wider),
        ("residual-with-mean", "half-width-1", "z has a mean although the output bias is free", shift_residual),
        ("witness-shrunk", "half-width-1", "all witnesses are halved, which would quarter kappa", scale_witnesses),
        ("witness-zero", "half-width-1", "all witnesses are 0, which would make kappa 0", zero_witnesses),
        ("witness-of-other-sign", "half-width-3", "witnesses are given to the types of the other sign", flip_types),
        ("witness-of-dead-type", "half-width-1", "a type that responds nowhere gets a witness", dead_witness),
        ("negative-weight", "half-width-4", "a network with a negative weight is claimed to be non-negative", negate),
        (
            "nonnegative-as-global",
            "half-width-4-nonnegative",
            "a minimum over non-negative weights is offered for all",
            statement("nonnegative", False),
        ),
        ("other-rate", "half-width-1", "the proof for q = 1/2 is offered for q = 1/3", statement("q", ["1/3", "1/3"])),
        (
            "other-label",
            "half-width-1",
            "a label is changed",
            lambda d: d["statement"]["examples"][0].__setitem__(1, 2),
        ),
        (
            "bounds-swapped",
            "interval",
            "lower is above upper",
            lambda d: d["statement"].update(lower=d["statement"]["upper"], upper=d["statement"]["lower"]),
        ),
    ]
    found = {}
    for name, base, attack, edit in table:
        value = copy.deepcopy(good[base])
        edit(value)
        found[name] = (attack, value)
    return found


def malformed(good: dict[str, Any]) -> dict[str, bytes]:
    """Return file contents by name."""
    found: dict[str, bytes] = {}

    def edited(name: str, attack: str, edit: Edit) -> None:
        value = copy.deepcopy(good)
        edit(value)
        found[name] = json.dumps({"comment": attack, **value}).encode()

    edited("boolean-as-integer", "true stands for the width 1", statement("width", True))
    edited("code-in-a-number", "a number is Python code", statement("upper", "__import__('os').getcwd()"))
    edited("code-as-fraction", "a number is an expression", statement("upper", "1/(2+3)"))
    edited("denominator-zero", "a fraction has the denominator 0", statement("lower", "1/0"))
    edited("denominator-negative", "a vector has a negative denominator", set_in("cuts", 0, "z", 0)(-4))
    edited("unicode-digits", "a fraction has digits that are not ASCII", statement("lower", "١/٥"))
    edited("huge-integer", "an integer has too many digits", set_in("cuts", 0, "z", 1, 0)(10**3000))
    edited("key-missing", "the statement has no q", lambda d: d["statement"].pop("q"))
    edited("key-unknown", "an unknown key could hide a meaning", set_in("statement", "width ")(2))
    edited("version-2", "a version that the checker does not know", set_in("version")(2))
    edited("cut-index", "a leaf refers to a cut that is not there", set_in("tree")({"cut": 99}))
    edited("cut-index-negative", "a negative index would count from the end", set_in("tree")({"cut": -1}))
    edited("probabilities", "probabilities do not sum to 1", set_in("statement", "examples", 0, 2)("1/3"))
    edited(
        "probability-negative",
        "a probability is negative, though the sum is 1",
        lambda d: (
            d["statement"]["examples"][0].__setitem__(2, "3/2"),
            d["statement"]["examples"][1].__setitem__(2, "-1/2"),
        ),
    )
    edited("rate-one", "q = 1 drops everything", statement("q", [1, 1]))
    edited("rate-zero", "a hidden rate of 0 has no penalty", statement("q", ["1/2", 0]))
    edited("row-too-short", "a row of weights is too short", set_in("network", "hidden_weights", 0)([1]))
    edited("bias-missing", "the network has no hidden bias", set_in("network", "hidden_bias")(None))
    edited("too-many-inputs", "more inputs than the limit", statement("inputs", 60))
    edited("too-many-units", "a width beyond the limit", statement("width", 10**9))
    edited("part-repeats", "a part repeats a type", set_in("tree")({"group": 0, "part": [3, 3], "children": []}))
    edited("node-is-text", "a node is text", set_in("tree")("leaf"))
    edited("tree-nested-deeply", "a tree deeper than any stack", set_in("tree")(None))
    deep = "".join('{"group":0,"part":[3],"children":[[0,0,false,' for _ in range(3000))
    found["tree-nested-deeply"] = found["tree-nested-deeply"].replace(b'"tree": null', f'"tree": {deep}'.encode())
    text = json.dumps(good)
    found["truncated"] = text[: len(text) // 2].encode()
    found["empty"] = b""
    found["array-at-top"] = f"[{text}]".encode()
    found["float"] = text.replace('"width": 1', '"width": 1.0').encode()
    found["exponent"] = text.replace('"width": 1', '"width": 1e0').encode()
    found["nan"] = text.replace('"width": 1', '"width": NaN').encode()
    found["infinity"] = text.replace('"width": 1', '"width": Infinity').encode()
    found["repeated-key"] = text.replace('"width": 1', '"width": 1, "width": 1').encode()
    found["nested-deeply"] = b"[" * 100_000
    found["not-utf-8"] = text.encode().replace(b"exactdropout", b"exactdropout\xff")
    found["pickle"] = b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06getcwd\x94\x93\x94)R\x94."
    return found


def main() -> None:
    good = correct()
    for name, value in good.items():
        write("correct", name, json.dumps(value, indent=None).encode())
    for name, (attack, value) in incorrect(good).items():
        write("incorrect", name, json.dumps({"comment": attack, **value}).encode())
    for name, content in malformed(good["half-width-1"]).items():
        write("malformed", name, content)


def write(folder: str, name: str, content: bytes) -> None:
    (FOLDER / folder).mkdir(exist_ok=True)
    (FOLDER / folder / f"{name}.json").write_bytes(content)


if __name__ == "__main__":
    main()
