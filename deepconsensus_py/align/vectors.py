"""SIMD vectors of sixteen numbers for compiled functions: all cells of a band column, or a cell of sixteen passes.

LLVM vector types stay in registers, which auto-vectorised loops do not. Python operators apply; scalars are broadcast.
Vectors exist in compiled functions only.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_model
from numpy.typing import NDArray

SIZE = 16
Vectors = NDArray[np.float32]
"""Vectors, for type checkers."""

# Sums may be reordered, but NaN and infinity are not assumed away: ``fill_band`` checks its norms for them.
_LIBERTIES = ("contract", "reassoc", "nsz")
_IR = {types.float32: ir.FloatType(), types.int32: ir.IntType(32), types.boolean: ir.IntType(1)}
_INDEX = [ir.Constant(ir.IntType(32), k) for k in range(SIZE)]

_primitive: Callable[[Callable[..., Any]], Callable[..., Vectors]] = intrinsic


class Vector(types.Type):
    """``SIZE`` numbers of one type, in a register."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, ir.VectorType(_IR[vector.dtype], SIZE))  # type: ignore[no-untyped-call]


FLOATS, CODES, FLAGS = Vector(types.float32), Vector(types.int32), Vector(types.boolean)


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Pointer to the vector at a flat index of an array."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    element = builder.gep(array.data, [arguments[1]])
    return builder.bitcast(element, ir.VectorType(_IR[signature.args[0].dtype], SIZE).as_pointer())


@_primitive
def load(_typing: Any, array: Any, _position: Any) -> Any:
    """Load ``SIZE`` elements from a flat index of an array, without bounds checks."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        loaded = builder.load(_place(context, builder, signature, arguments))
        # Frames start at any cell: an access that assumes the alignment of a whole vector may fault.
        loaded.align = 4
        return loaded

    return Vector(array.dtype)(array, types.intp), emit


@_primitive
def store(_typing: Any, array: Any, _position: Any, vector: Any) -> Any:
    """Store a vector at a flat index of an array, without bounds checks."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _place(context, builder, signature, arguments)).align = 4
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), emit


@_primitive
def fill(_typing: Any, value: Any) -> Any:
    """Broadcast a scalar."""
    vector = {types.boolean: FLAGS}.get(value, CODES if isinstance(value, types.Integer) else FLOATS)

    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        one = builder.insert_element(ir.VectorType(_IR[vector.dtype], SIZE)(ir.Undefined), arguments[0], _INDEX[0])
        return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), SIZE), [0] * SIZE))

    return vector(vector.dtype), emit


@_primitive
def numbers(_typing: Any) -> Any:
    """The vector 0, 1, 2, ..."""

    def emit(_context: Any, _builder: Any, _signature: Any, _arguments: Any) -> Any:
        return ir.Constant(ir.VectorType(ir.IntType(32), SIZE), list(range(SIZE)))

    return CODES(), emit


@_primitive
def where(_typing: Any, flags: Any, chosen: Any, other: Any) -> Any:
    """Select elements of the first vector where flags are set, else of the second."""

    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return chosen(flags, chosen, other), emit


@_primitive
def least(_typing: Any, one: Any, other: Any) -> Any:
    """The lesser of each pair of elements of two vectors of floats."""

    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", *arguments), *arguments)

    return one(one, other), emit


def _total(_typing: Any, vector: Any) -> Any:
    """The sum of a vector."""

    def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.FloatType(), [ir.FloatType(), arguments[0].type])
        name = f"llvm.vector.reduce.fadd.v{SIZE}f32"
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        return builder.call(function, [ir.Constant(ir.FloatType(), 0.0), arguments[0]], fastmath=_LIBERTIES)

    return types.float32(vector), emit


total: Callable[..., np.float32] = intrinsic(_total)


def _moved(builder: Any, vector: Any, by: int) -> Any:
    """Shift elements up, or down if negative, and fill with zeros."""
    zeros = ir.Constant(vector.type, None)
    source = [k - by if 0 <= k - by < SIZE else SIZE for k in range(SIZE)]
    return builder.shuffle_vector(vector, zeros, ir.Constant(ir.VectorType(ir.IntType(32), SIZE), source))


def _mover(by: int) -> Any:
    def typed(_typing: Any, vector: Any) -> Any:
        def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return _moved(builder, arguments[0], by)

        return vector(vector), emit

    return _primitive(typed)


up, down = _mover(1), _mover(-1)
"""Shift a vector by one element; the vacated end is 0."""


def _scanner(direction: int) -> Any:
    def typed(_typing: Any, values: Any, factors: Any) -> Any:
        def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            sums, products = arguments
            # Kogge-Stone: each step doubles the reach of every element, so that four replace fifteen dependent
            # multiply-adds.
            for step in (1, 2, 4, 8):
                before = builder.fmul(products, _moved(builder, sums, direction * step), flags=_LIBERTIES)
                sums = builder.fadd(sums, before, flags=_LIBERTIES)
                if step < SIZE // 2:
                    further = _moved(builder, products, direction * step)
                    products = builder.fmul(products, further, flags=_LIBERTIES)
            return sums

        return values(values, factors), emit

    return _primitive(typed)


scan_up, scan_down = _scanner(1), _scanner(-1)
"""Linear recurrences: ``sums[k] = values[k] + factors[k] * sums[k - 1]``, and likewise from ``k + 1``."""


def _define(symbol: Callable[[Any, Any], Any], kind: Vector, instruction: Callable[..., Any], result: Vector) -> None:
    """Overload an operator for two vectors of a type, and for a vector and a scalar."""

    @_primitive
    def combine(_typing: Any, left: Any, right: Any) -> Any:
        def emit(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return instruction(builder, *arguments)

        return result(left, right), emit

    def both(left: Any, right: Any) -> Any:
        return combine(left, right)

    @overload(symbol, strict=False)
    def choose(left: Any, right: Any) -> Any:
        if left == right == kind:
            return both
        if right == kind and isinstance(left, types.Number):
            return lambda left, right: combine(fill(left), right)
        if left == kind and isinstance(right, types.Number):
            return lambda left, right: combine(left, fill(right))
        return None


_define(operator.mul, FLOATS, lambda builder, *both: builder.fmul(*both, flags=_LIBERTIES), FLOATS)
_define(operator.add, FLOATS, lambda builder, *both: builder.fadd(*both, flags=_LIBERTIES), FLOATS)
_define(operator.eq, CODES, lambda builder, *both: builder.icmp_signed("==", *both), FLAGS)
_define(operator.lt, CODES, lambda builder, *both: builder.icmp_signed("<", *both), FLAGS)
