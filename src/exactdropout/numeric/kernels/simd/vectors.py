"""What vector operations are built of: vectors of eight float64, their loads, stores and sums, in LLVM's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils as untyped_cgutils
from numba.extending import intrinsic

__all__ = [
    "INDEX",
    "LANES",
    "ROWS",
    "VECTOR",
    "ZERO",
    "across",
    "cgutils",
    "fused",
    "load",
    "lowered",
    "number",
    "pointer_to",
    "splat",
    "store",
    "written_out",
]

LANES = 8
ROWS = 4
cgutils: Any = untyped_cgutils
DOUBLE = ir.DoubleType()
VECTOR = ir.VectorType(DOUBLE, LANES)
INDEX = ir.IntType(64)
ZERO = ir.Constant(VECTOR, [0.0] * LANES)


def number(value: int) -> Any:
    """Return a constant index."""
    return ir.Constant(INDEX, value)


def splat(builder: Any, scalar: Any) -> Any:
    """Return a vector with the scalar in each lane."""
    undefined = ir.Constant(VECTOR, ir.Undefined)
    one = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def load(builder: Any, pointer: Any) -> Any:
    """Return the vector at a pointer to its first number, which need not begin at a cache line."""
    loaded = builder.load(builder.bitcast(pointer, VECTOR.as_pointer()))
    loaded.align = 8
    return loaded


def store(builder: Any, pointer: Any, vector: Any) -> None:
    """Write a vector from the pointer on."""
    builder.store(vector, builder.bitcast(pointer, VECTOR.as_pointer())).align = 8


def fused(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x·y + z, rounded once."""
    signature = ir.FunctionType(VECTOR, [VECTOR] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, f"llvm.fma.v{LANES}f64"), [x, y, z])


def pointer_to(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Return a pointer to array[index], of a one-dimensional array of Numba's type ``kind``."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def lowered(build: Callable[..., Any]) -> Any:
    """Return the operation for compiled code; Numba's decorator has no type."""
    return intrinsic(build)


def written_out(builder: Any, rows: Any, sweep: Callable[[int], None]) -> None:
    """Call ``sweep(few)`` for 4, 8, 12 or 16 rows, which it writes out without a branch, else ``sweep(0)``."""
    end = builder.append_basic_block("swept")
    other = builder.append_basic_block("many_rows")
    switch = builder.switch(rows, other)
    for few in range(ROWS, 4 * ROWS + 1, ROWS):
        block = builder.append_basic_block(f"rows_{few}")
        switch.add_case(number(few), block)
        builder.position_at_end(block)
        sweep(few)
        builder.branch(end)
    builder.position_at_end(other)
    sweep(0)
    builder.branch(end)
    builder.position_at_end(end)


def across(builder: Any, vector: Any) -> Any:
    """Return the sum of the lanes, by halving."""
    half = LANES // 2
    while half:
        upper = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [(i + half) % LANES for i in range(LANES)])
        vector = builder.fadd(vector, builder.shuffle_vector(vector, vector, upper))
        half //= 2
    return builder.extract_element(vector, number(0))
