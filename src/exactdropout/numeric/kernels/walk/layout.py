"""Where the kernels of the walk find what they read: places in one array of integers, ``plan``.

Unpacking an argument costs a twelfth of a microsecond, so what is prepared once comes in two arrays: ``plan``, and the
floats ``numbers``. What belongs to one network is a row of ``values`` (weights, then biases), of ``tables`` and of
``groups``; what belongs to a network and an example is a record of ``about``.
:mod:`exactdropout.numeric.float64.packed` fills ``plan``; the numbers here are places in it, for depth d and K outputs.
"""

from __future__ import annotations

__all__ = [
    "ABOUT",
    "BASES",
    "BIASES",
    "BLOCK",
    "COLUMNS",
    "DEPTH",
    "DROPPED",
    "EXAMPLES",
    "EXPONENTS",
    "FIRST",
    "FOLDS",
    "FOLDS_AT",
    "GRID",
    "GROUPS",
    "HEADER",
    "INPUTS",
    "INPUT_ERRORS",
    "KAPPA",
    "LABELS",
    "LABEL_ERRORS",
    "LANE_WEIGHTS",
    "LEVELS",
    "LOW",
    "MASKS",
    "MIDDLE",
    "MIDDLE_WEIGHTS",
    "MOST",
    "OUTPUTS",
    "OWN",
    "PROBABILITIES",
    "RESULT",
    "ROWS",
    "ROWS_AT",
    "SIGNS",
    "SLOPES",
    "SPLIT",
    "STRIDES",
    "SUMS_AT",
    "TABLES",
    "TABLE_AT",
    "TOTALS_AT",
    "UNITS",
    "VALUES",
    "WEIGHTS",
    "WIDTHS",
    "block_space",
    "record_size",
]

DEPTH, FIRST, LEVELS, GRID, EXAMPLES, OUTPUTS, MOST = range(7)
"""d, the first walked layer, a quarter of the roundings of a fold, the grid of the inputs, m, K, most units to walk."""

VALUES, TABLES, GROUPS, ABOUT, RESULT, SIGNS = range(7, 13)
"""Sizes of a row of values, tables and groups, of a record and of a result; where the signs begin in tables."""

SLOPES, MASKS, KAPPA, INPUTS, INPUT_ERRORS, LABELS, LABEL_ERRORS, PROBABILITIES, LANE_WEIGHTS, MIDDLE_WEIGHTS = range(
    13, 23
)
"""Where each part of ``numbers`` begins: slopes and their errors; p, q, 1/p and a bound of 1/p of each layer; κ₂; …"""

ROWS_AT, FOLDS_AT, TABLE_AT, SUMS_AT, TOTALS_AT, SPLIT = range(23, 29)
"""Where each part of a walk's workspace begins (its first part, the scaled columns, at 0); and how many roundings more
an output meets where decided units are summed in sets."""

LOW, MIDDLE = 3, 6
"""Units of the last walked layer whose masks are the lanes of a vector, and those whose masks are a table of rows."""

HEADER = 29
"""Where the rows begin, each of d + 1 integers."""

WIDTHS, UNITS, WEIGHTS, BIASES, STRIDES, COLUMNS, BASES, EXPONENTS, DROPPED, OWN, ROWS, FOLDS = range(12)
"""Widths; units before each layer; where its weights and biases begin in values; for a walked layer the padded width of
what it feeds, where its columns and bases begin in tables; k where 1/p is an integer below 2⁵³ over 2^k, else −1;
whether it is dropped; where its scaled columns, rows and folds begin in the workspace."""


def record_size(first: int, hidden: int, outputs: int) -> int:
    """Return the size of a record: pivot, its error, constant, reach and wrong of each output; the largest entry before
    the last hidden layer; the start of the walk; sizes and errors of the last hidden layer."""
    return 5 * outputs + 1 + first + 2 * hidden


BLOCK = 7
"""Most units of one walked layer whose masks are a block in which units are decided."""


def block_space(most: int, stride: int, outputs: int) -> tuple[int, int]:
    """Return how many integers and floats :func:`~.one_layer.walk_one_layer` works with, for so many units at most."""
    size, sets = 8 * outputs, 16 * (stride // 4)
    floats = (2 * most + 1) * stride + (most + 2) * size + (stride << MIDDLE) + 4 * stride
    return 3 * most + 15 + 2 * stride, floats + ((stride + sets + 1) << BLOCK) + 32
