"""Calls that do not fit a function or a class: one sentence that says what is missing, or what was meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from exactdropout.errors import WrongCall
from exactdropout.model.numbers import show

__all__ = ["told_what_is_missing"]

P = ParamSpec("P")
R = TypeVar("R")
_LIKE = {
    "network": "a Network such as xd.Network([[[1, 2], [3, 4]], [[1, 1]]])",
    "architecture": "text such as '2-3-1 relu'",
    "data": "such as [((1, -1), 8)]",
    "q": "such as '1/2'",
    "x": "such as (1, -1)",
    "claim": "text such as 'penalty >= 0'",
}


def told_what_is_missing(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function, which names all arguments that a call lacks, and what they look like, in one sentence.

    A word that is no argument is answered by the argument that was probably meant.

    >>> @told_what_is_missing
    ... def mean(network, x, *, exact=True): ...
    >>> mean(exakt=True)
    Traceback (most recent call last):
        ...
    exactdropout.errors.WrongCall: Function mean(network, x) has no argument 'exakt'; did you mean 'exact'?
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            trace = error.__traceback__
            if trace is None or trace.tb_next is not None:  # not the call itself, but something inside
                raise
            raise WrongCall(_misfit(function, args, kwargs) or f"{error}.") from None

    return call


_RATES = {"p", "rate", "drop", "drop_rate", "drop_prob", "dropout", "dropout_rate", "prob"}
_ELSEWHERE = {
    ("phases", "q"): "it answers for every q; minimize answers for one",
    ("derive", "quantity"): "the quantities are attributes, such as derive(...).penalty",
    ("check", "weights"): "what is known of weights is an assumption, such as assume='weights >= 0'",
}
"""What a function has no argument for, and where it is."""


def _misfit(function: Callable[..., Any], args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """Return what is wrong with the arguments of a call."""
    parameters = inspect.signature(function).parameters.values()
    places = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    if "network" in places and "q" in places and "q" not in needed:
        needed.append("q")  # only what takes an architecture may leave it a symbol
    owner, _, method = function.__qualname__.rpartition(".")
    if made := method == "__init__":
        places, needed, args = places[1:], [n for n in needed if n != "self"], args[1:]
    called = owner if made else function.__name__
    head = f"Function {called}({', '.join(n for n in places if n in needed)})"
    known = [p.name for p in parameters if p.name != "self"]
    for name in kwargs:
        if name not in known:
            return f"{head} has no argument {show(name)}{_instead(called, name, known)}"
    given = {*places[: len(args)], *kwargs}
    if lacking := [name for name in needed if name not in given]:
        shown = [f"{name!r}{f', {_LIKE[name]}' if name in _LIKE else ''}" for name in lacking]
        return f"{head} needs also {'; and '.join(shown)}."
    if len(args) > len(places):
        named = ", ".join(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        count = "one argument" if len(places) == 1 else f"{len(places)} arguments"
        if called == "Examples":
            return (
                f"{head} takes one argument by place, not {len(args)}; write Examples((X, y)), or Examples.point(x, y)."
            )
        return f"{head} takes {count} by place, not {len(args)}; others have names: {named}."
    return ""


def _instead(called: str, name: str, known: Sequence[str]) -> str:
    """Return what was probably meant by a word that is no argument, as the end of a sentence."""
    if told := _ELSEWHERE.get((called, name)):
        return f"; {told}."
    if "q" in known and name in ("p", "keep", "keep_prob", "keep_rate"):
        return "; q is the probability of dropping, 1 - p where p is that of keeping."
    if "q" in known and name in _RATES:
        return "; did you mean 'q'?"
    near = get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else "."
