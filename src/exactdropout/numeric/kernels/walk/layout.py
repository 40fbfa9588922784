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
    "COLUMNS",
    "COUNTERS",
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
    "INTEGERS",
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
    "SOURCES",
    "SPACE",
    "STRIDES",
    "SUMS_AT",
    "TABLES",
    "TABLE_AT",
    "TOTALS_AT",
    "UNITS",
    "VALUES",
    "WEIGHTS",
    "WIDTHS",
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

ROWS_AT, FOLDS_AT, TABLE_AT, SUMS_AT, TOTALS_AT, SPACE, COUNTERS, SOURCES, INTEGERS = range(23, 32)
"""Where each part of a walk's workspace begins (its first part, the scaled columns, at 0), and its sizes."""

LOW, MIDDLE = 3, 6
"""Units of the last walked layer whose masks are the lanes of a vector, and those whose masks are a table of rows."""

HEADER = 32
"""Where the rows begin, each of d + 1 integers."""

WIDTHS, UNITS, WEIGHTS, BIASES, STRIDES, COLUMNS, BASES, EXPONENTS, DROPPED, OWN, ROWS, FOLDS = range(12)
"""Widths; units before each layer; where its weights and biases begin in values; for a walked layer the padded width of
what it feeds, where its columns and bases begin in tables; k where 1/p is an integer below 2⁵³ over 2^k, else −1;
whether it is dropped; where its scaled columns, rows and folds begin in the workspace."""


def record_size(first: int, hidden: int, outputs: int) -> int:
    """Return the size of a record: pivot, its error, constant, reach and wrong of each output; the largest entry before
    the last hidden layer; the start of the walk; sizes and errors of the last hidden layer."""
    return 5 * outputs + 1 + first + 2 * hidden
