"""A claim as an author wrote it, written out in the grammar of the engines for one architecture, or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from exactdropout.claims.language.forms import (
    FORMS,
    Binomial,
    Definition,
    Diagonal,
    Entry,
    Hadamard,
    IndexRange,
    Inner,
    Mean,
    Norm,
    RawClaim,
    Trace,
    Transposed,
    Unranged,
)
from exactdropout.claims.language.symbols import ALL_ENTRIES
from exactdropout.claims.language.syntax import (
    Add,
    Call,
    Claim,
    Comparison,
    Conjunction,
    Derivative,
    Divide,
    Invariance,
    Limit,
    Minimiser,
    Monotonicity,
    Multiply,
    Name,
    Negate,
    Number,
    Power,
    Quantity,
    Repeated,
    walk,
)
from exactdropout.claims.language.tokens import fail
from exactdropout.claims.reading.intermediates import IntermediateReader
from exactdropout.claims.reading.means import NoMean, mean_in_masks, mean_in_output, mean_in_rows
from exactdropout.claims.reading.surroundings import Surroundings
from exactdropout.claims.reading.tensors import Tensor, contracted, matrix_product, named_tensor, squares
from exactdropout.claims.reading.trees import (
    added,
    all_apart,
    free_letter,
    free_names,
    leaky,
    letters,
    multiplied,
    negated,
    put,
)

__all__ = ["assumptions_written_out", "written_out"]

_TWO = Number(Fraction(2))
_GROUPS = frozenset({"w", "x", "W", "X", "y"})
_NO_TRANSPOSE = "a number has no transpose; a power is written with a number, as x^2."
_NO_ROW = "the weights of unit j are written W_{j,:}, and their product with x is W_{j,:}^\\top x or (W x)_j."


def written_out(raw: RawClaim, around: Surroundings | None) -> Claim:
    """Return the claim in the grammar of the engines.

    Raises:
        InvalidInput: what the architecture gives no meaning, with the position.
    """
    taken = free_names((raw.statement, raw.assumptions))
    for definition in raw.definitions:
        taken |= free_names(definition.value) - {*definition.indices}
    reader = _Reader(raw.text, around, taken, raw.definitions)
    summed = {i for n in walk(raw.statement) for i in getattr(n, "indices" if isinstance(n, Unranged) else "index", "")}
    reader.apart = {
        frozenset(c.sides) for c in raw.assumptions if c.relations == ("!=",) and not {*map(Name, summed)} & {*c.sides}
    }
    reader.tied = {
        side.name for c in raw.assumptions if "=" in c.relations for side in c.sides if isinstance(side, Name)
    }
    reader.refuse_accents((raw.statement, raw.assumptions, *(d.value for d in raw.definitions)))
    statement = reader.guarded(lambda: reader.statement(raw.statement))
    assumptions = reader.guarded(lambda: tuple(map(reader.assumption, raw.assumptions)))
    reader.check_ranges(raw.ranges, raw.assumptions)
    return Claim(statement, assumptions, raw.text)


def assumptions_written_out(
    comparisons: tuple[Comparison, ...], ranges: tuple[IndexRange, ...], around: Surroundings | None, text: str
) -> tuple[Comparison, ...]:
    """Return assumptions in the grammar of the engines.

    Raises:
        InvalidInput: as for a claim.
    """
    reader = _Reader(text, around, free_names(comparisons), ())
    reader.check_ranges(ranges, comparisons)
    found: tuple[Comparison, ...] = reader.guarded(lambda: tuple(map(reader.assumption, comparisons)))
    return found


class _Reader(IntermediateReader):
    def __init__(
        self, text: str, around: Surroundings | None, taken: set[str], definitions: Iterable[Definition]
    ) -> None:
        super().__init__(text, around, definitions)
        self.free = taken  # names that no sum binds
        self.means = 0  # means that are open: in them D is random
        self.apart: set[frozenset[Any]] = set()  # pairs of letters that are assumed to differ
        self.tied: set[str] = set()  # what assumptions give values to
        self.entrywise = False  # bare groups are entries, as in a map w -> c*w

    @property
    def taken(self) -> set[str]:
        """Return the letters that an index of a new sum must not have here."""
        return self.free | {*self.bound}

    def guarded(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except LookupError:
            fail(self.text, 0, "it needs more letters for indices than there are; write some of the sums out.")

    def statement(self, statement: Any) -> Any:
        match statement:
            case Comparison(sides, relations):
                derived = self.derivative_sign(statement)
                if derived is not None:
                    return derived
                return self.compared(sides, relations)
            case Conjunction(statements):
                return Conjunction(tuple(map(self.statement, statements)))
            case Monotonicity(expression, direction, variable):
                return Monotonicity(self.scalar(expression), direction, _group(variable))
            case Invariance(expression, pairs):
                return Invariance(self.scalar(expression), tuple((_group(a), self.entry(b)) for a, b in pairs))
            case Minimiser(pairs, expression):
                return Minimiser(tuple((_group(a), self.entry(b)) for a, b in pairs), self.scalar(expression))
        raise TypeError(type(statement).__name__)

    def derivative_sign(self, statement: Comparison) -> Monotonicity | None:
        """Return what the sign of a derivative says: growth, or that there is none."""
        left, right = statement.sides[0], statement.sides[-1]
        directions: dict[str, Any] = {"=": "constant", ">=": "nondecreasing", "<=": "nonincreasing"}
        direction = directions.get(statement.relations[0])
        zero = isinstance(right, Number) and not right.value and len(statement.sides) == 2
        if not isinstance(left, Derivative) or isinstance(left.operand, Derivative) or not zero or direction is None:
            return None
        group = left.variable.name in _GROUPS and not left.variable.indices
        if group or left.variable.name in self.tied or any(isinstance(i, Name) for i in left.variable.indices):
            return None
        return Monotonicity(self.scalar(left.operand), direction, left.variable)

    def compared(self, sides: tuple[Any, ...], relations: Any) -> Comparison:
        """Return a comparison of numbers, or of vectors entry by entry, with an index that nothing binds."""
        values = [self.value(side) for side in sides]
        vectors = [v for v in values if isinstance(v, Tensor)]
        gradients = any(isinstance(node, Derivative) for node in walk(sides))
        if not vectors or not gradients:
            return Comparison(tuple(map(self.scalar, sides)), relations)
        first = vectors[0]
        fits = all((v.lengths, v.matrix) == (first.lengths, False) for v in vectors)
        zero = all(isinstance(v, Number) and not v.value for v in values if not isinstance(v, Tensor))
        if not fits or not zero:
            self.refuse(sides[0], "a vector is compared with a vector of its length, or with 0.")
        found = tuple(v.entry(Name("\0")) if isinstance(v, Tensor) else v for v in values)
        index = free_letter(self.taken | letters(*found))
        return Comparison(put(found, {"\0": Name(index)}), relations)

    def derivative(self, node: Derivative, operand: Any, variable: Name) -> Any:
        """Return a derivative, or the vector of those by the entries of a vector."""
        if variable.name in self.definitions or variable.name in ("D", "R", "E", "J"):
            self.refuse(
                node, f"a derivative is taken by q, y, an input, a weight or a free symbol, not {variable.name}."
            )
        inner = self.scalar(operand)
        named = named_tensor(variable, self.around) if self.around is not None else None
        if named is None:
            indices = tuple(self.scalar(index) for index in variable.indices)
            return replace(node, operand=inner, variable=replace(variable, indices=indices))
        if named.matrix:
            self.refuse(node, "a derivative by a matrix is taken entry by entry, as by W_{j,i}.")
        entry: Any = named.entry
        return Tensor(named.lengths, lambda i: Derivative(inner, entry(i), position=node.position))

    def assumption(self, comparison: Comparison) -> Comparison:
        """Return an assumption; one on a group, such as w >= 0, stays as it is."""
        groups = [s for s in comparison.sides if isinstance(s, Name)]
        if any((s.name in _GROUPS and not s.indices) or (s.name == "b" and ALL_ENTRIES in s.indices) for s in groups):
            return Comparison(tuple(map(self.entry, comparison.sides)), comparison.relations)
        return Comparison(tuple(map(self.scalar, comparison.sides)), comparison.relations)

    def entry(self, node: Any) -> Any:
        """Return an expression in which a group is each of its entries."""
        before, self.entrywise = self.entrywise, True
        found = self.scalar(node)
        self.entrywise = before
        return found

    def scalar(self, node: Any) -> Any:
        """Return an expression whose value is a number."""
        found = self.value(node)
        if isinstance(found, Tensor):
            if isinstance(node, Name) and not (node.name == "b" and ALL_ENTRIES in node.indices):
                return node  # refused, or read as a group, by what comes after
            self.refuse(
                node,
                "this is a vector or a matrix; a number is expected, such as w^\\top x, a norm, or one entry x[i].",
            )
        return found

    def value(self, node: Any) -> Any:
        """Return an expression, or a tensor."""
        match node:
            case Name():
                return self.name(node)
            case Number() | Quantity():
                return node
            case Negate(operand):
                return self.each(self.value(operand), negated if isinstance(operand, FORMS) else _negate(node))
            case Add(terms):
                return self.sum(node, [self.value(term) for term in terms])
            case Multiply(factors):
                return self.product(node, factors)
            case Divide(top, bottom):
                below = self.scalar(bottom)
                return self.each(self.value(top), lambda v: replace(node, top=v, bottom=below))
            case Power():
                return self.power(node)
            case Call(function, arguments):
                return self.call(node, function, [self.value(a) for a in arguments])
            case Repeated(_, index, first, last, body):
                low, high = self.scalar(first), self.scalar(last)
                return replace(node, first=low, last=high, body=self.under({index: low}, lambda: self.scalar(body)))
            case Unranged():
                return self.ranged(node)
            case Norm(operand, kind):
                return self.norm(node, self.inside(operand), kind, squared=False)
            case Transposed(operand):
                inner = self.inside(operand)
                if not isinstance(inner, Tensor):
                    unit = isinstance(operand, Name) and operand.name == "W" and len(operand.indices) == 1
                    self.refuse(node, _NO_ROW if unit else _NO_TRANSPOSE)
                return inner.transposed
            case Entry(operand, indices):
                return self.entry_at(node, self.inside(operand), [self.scalar(index) for index in indices])
            case Hadamard(left, right):
                return self.by_entries(node, self.inside(left), self.inside(right))
            case Inner(left, right):
                return self.dot(node, self.inside(left), self.inside(right))
            case Diagonal(operand):
                squared = isinstance(operand, Power) and isinstance(self.inside(operand.base), Tensor)
                inner = self.powers_of_entries(operand) if squared else self.inside(operand)
                if isinstance(inner, Tensor) and len(inner.lengths) == 2 and inner.lengths[0] == inner.lengths[1]:
                    whole = inner
                    return Tensor(inner.lengths[:1], lambda i: whole.entry(i, i), diagonal=True)
                if not isinstance(inner, Tensor) or inner.matrix:
                    self.refuse(
                        node,
                        "diag is read of a vector, as the diagonal matrix, or of a square matrix, as its diagonal; "
                        "a vector such as x or w is expected.",
                    )
                return Tensor(inner.lengths, inner.entry, diagonal=True)
            case Trace(operand):
                return self.trace(node, self.inside(operand))
            case Mean(kind, body):
                return self.mean(node, kind, body)
            case Binomial(top, bottom):
                return self.binomial(node, self.scalar(top), self.scalar(bottom))
            case Derivative(operand, variable):
                return self.derivative(node, operand, variable)
            case Limit(operand, _, target, _):
                return replace(node, operand=self.scalar(operand), target=self.scalar(target))
        raise TypeError(type(node).__name__)

    def inside(self, node: Any) -> Any:
        """Return the value of what stands in a form for vectors."""
        before, self.entrywise = self.entrywise, False
        found = self.value(node)
        self.entrywise = before
        return found

    def each(self, value: Any, change: Callable[[Any], Any]) -> Any:
        return value.mapped(change) if isinstance(value, Tensor) else change(value)

    def name(self, node: Name) -> Any:
        definition = None if node.name in self.bound else self.definitions.get(node.name)
        if definition is not None:
            return self.defined(node, definition)
        if node.name == "D" and not node.indices and self.means:
            return node
        if node.name == "D":
            self.refuse(node, "D stands in a mean of a polynomial in D; E[D] is expected.")
        if node == Name("r") and self.means and self.around is not None and self.around.one_example:
            return Tensor((self.around.inputs,), lambda i: Name("r", (i,)))
        special = any(isinstance(i, Name) and i.name == ":" for i in node.indices)
        if special and self.entrywise and _group(node) != node:
            return _group(node)
        if not special and self.is_unknown(node):
            self.refuse(
                node,
                f"the symbol {node.name} has no indices, and nothing says what it is: add 'where {node.name}_j = ...'.",
            )
        if self.around is not None and (special or not self.entrywise):
            tensor = named_tensor(node, self.around)
            if tensor is not None:
                return tensor
        if special:
            self.refuse(node, "a row or column is read of W, as W_{k,:} with one hidden layer; an index is expected.")
        return node

    def sum(self, node: Add, terms: list[Any]) -> Any:
        tensors = [t for t in terms if isinstance(t, Tensor)]
        if not tensors:
            return replace(node, terms=tuple(terms))
        first = tensors[0]
        if len(tensors) < len(terms) or any(
            (t.lengths, t.row, t.diagonal) != (first.lengths, first.row, first.diagonal) for t in tensors
        ):
            bias = Name("b") in node.terms or Negate(Name("b")) in node.terms
            told = "; b is the output bias, a number, and b^{(1)} the vector of a hidden layer's biases" if bias else ""
            self.refuse(
                node, f"the parts of this sum have different lengths{told}; vectors of one length are expected."
            )
        return Tensor(first.lengths, lambda *at: added(t.entry(*at) for t in tensors), first.row, first.diagonal)

    def product(self, node: Multiply, factors: tuple[Any, ...]) -> Any:
        values = [self.value(f) for f in factors]
        tensors = [v for v in values if isinstance(v, Tensor)]
        if not tensors:
            return replace(node, factors=tuple(values))
        if len(tensors) > 1 and any(isinstance(f, Hadamard) and not f.grouped for f in factors):
            self.refuse(
                node, "a product with \\odot reads two ways; parentheses around the part with \\odot are expected."
            )
        scalars = [v for v in values if not isinstance(v, Tensor)]
        columns = all(not t.matrix and not t.row for t in tensors)
        if len(tensors) == 2 and columns:
            return multiplied((*scalars, self.dot(node, *tensors)))
        found: Any = tensors[0]
        for tensor in tensors[1:]:
            if not isinstance(found, Tensor):  # a number so far
                scalars.append(found)
                found = tensor
                continue
            product = matrix_product(found, tensor, self.taken)
            if product is None:
                self.refuse(
                    node, "this product of vectors and matrices does not fit; A x, x^\\top A or x^\\top y is expected."
                )
            found = product
        if isinstance(found, Tensor):
            return found.mapped(lambda v: multiplied((*scalars, v)))
        return multiplied((*scalars, found))

    def dot(self, node: Any, left: Any, right: Any) -> Any:
        good = isinstance(left, Tensor) and isinstance(right, Tensor) and not (left.matrix or right.matrix)
        if not good or left.lengths != right.lengths:
            self.refuse(node, "two vectors of one length are expected in an inner product.")
        return contracted(left.lengths[0], lambda k: multiplied((left.entry(k), right.entry(k))), self.taken)

    def entry_at(self, node: Any, inner: Any, indices: list[Any]) -> Any:
        """Return an entry of what stands in parentheses."""
        if not isinstance(inner, Tensor) or inner.diagonal or len(indices) != len(inner.lengths):
            self.refuse(
                node, "an index behind parentheses is read of a vector in them, as (W x)_j; a vector is expected."
            )
        if ALL_ENTRIES in indices:
            self.refuse(node, "a row or column is read of W, as W_{k,:}; an index is expected.")
        return inner.entry(*indices)

    def by_entries(self, node: Any, left: Any, right: Any) -> Any:
        if not isinstance(left, Tensor) or not isinstance(right, Tensor) or left.lengths != right.lengths:
            self.refuse(node, "two vectors or matrices of one form are expected beside \\odot.")
        if left.diagonal or right.diagonal:
            self.refuse(node, "a diagonal matrix is multiplied as a matrix; vectors are expected beside \\odot.")
        return Tensor(left.lengths, lambda *at: multiplied((left.entry(*at), right.entry(*at))), left.row and right.row)

    def power(self, node: Power) -> Any:
        exponent = self.scalar(node.exponent)
        norm = node.base
        bare = isinstance(norm, Call) and norm.function == "abs"
        even = isinstance(exponent, Number) and exponent.value % 2 == 0 and exponent.value > 0
        if isinstance(norm, Call) and bare and even:  # |z|^2 = z^2
            inner = self.inside(norm.arguments[0])
            if not isinstance(inner, Tensor):
                return replace(node, base=inner, exponent=exponent)
        if exponent == _TWO and (isinstance(norm, Norm) or bare):
            inner = self.inside(norm.operand if isinstance(norm, Norm) else norm.arguments[0])  # type: ignore[union-attr]
            if not bare or isinstance(inner, Tensor):
                return self.norm(norm, inner, norm.kind if isinstance(norm, Norm) else "", squared=True)
        if isinstance(norm, Norm) and isinstance(exponent, Number) and even:  # \|z\|^4
            whole = self.norm(norm, self.inside(norm.operand), norm.kind, squared=True)
            return Power(whole, Number(exponent.value / 2))
        base = self.value(norm)
        if not isinstance(base, Tensor):
            return replace(node, base=base, exponent=exponent)
        if base.diagonal and isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value > 0:
            return base.mapped(lambda v: Power(v, exponent))
        self.refuse(node, "a power of a vector reads two ways; \\|w\\|^2 or entries such as w[i]^2 are expected.")

    def powers_of_entries(self, node: Power) -> Any:
        """Return x^2 in diag(x^2): a diagonal matrix has the powers of the entries."""
        base, exponent = self.inside(node.base), self.scalar(node.exponent)
        if base.matrix or base.row or not isinstance(exponent, Number):
            return self.power(node)
        return base.mapped(lambda v: Power(v, exponent))

    def norm(self, node: Any, inner: Any, kind: str, *, squared: bool) -> Any:
        if not isinstance(inner, Tensor):
            if self.around is None:
                self.known(node)
            absolute = Call("abs", (inner,))
            return Power(inner, _TWO) if squared else absolute
        if inner.diagonal or (len(inner.lengths) == 2 and kind != "F"):
            self.refuse(node, "the norm of a matrix is read as \\|W\\|_F; the spectral norm has no engine here.")
        if kind == "1":
            total = squares(inner, self.taken, kind)
            return Power(total, _TWO) if squared else total
        total = squares(inner, self.taken, kind)
        return total if squared else Call("sqrt", (total,))

    def trace(self, node: Any, inner: Any) -> Any:
        if isinstance(inner, Tensor) and inner.diagonal:
            return contracted(inner.lengths[0], inner.entry, self.taken)
        if not isinstance(inner, Tensor) or len(inner.lengths) != 2 or inner.lengths[0] != inner.lengths[1]:
            self.refuse(node, "the trace of a square matrix is expected, such as tr(W W^\\top).")
        return contracted(inner.lengths[0], lambda k: inner.entry(k, k), self.taken)

    def call(self, node: Call, function: str, values: list[Any]) -> Any:
        if function == "leaky" and self.around is not None:
            slope = self.around.slope
            if slope is None or slope in (0, 1):
                self.refuse(node, "leaky(z) is a unit of a leaky_relu architecture; relu(z) or z is expected here.")
            z = values[0]
            return z.mapped(lambda v: leaky(v, slope)) if isinstance(z, Tensor) else leaky(z, slope)
        if not any(isinstance(v, Tensor) for v in values):
            return replace(node, arguments=tuple(values))
        zero = Number(Fraction(0))
        if function == "max" and len(values) == 2 and zero in values:  # max(W x, 0), entry by entry
            function, values = "relu", [v for v in values if v != zero]
        if function == "relu":
            return values[0].mapped(lambda v: Call("relu", (v,)))
        if function == "abs":
            return self.norm(node, values[0], "", squared=False)
        self.refuse(node, f"{function} is read of numbers; entries such as w[i] are expected.")

    def mean(self, node: Mean, kind: str, body: Any) -> Any:
        around = self.known(node)
        self.means += 1
        inner = self.value(body)
        self.means -= 1
        if isinstance(inner, Tensor):
            self.refuse(node, "the mean of a number is expected; several outputs have no engine in claims.")
        inner = all_apart(inner)
        masks = any(isinstance(n, Name) and n.name == "r" and n.indices for n in walk(inner))
        output = any(n == Name("D") for n in walk(inner))
        rows = any(isinstance(n, Name) and n.name == "R" for n in walk(inner))
        if rows and (masks or output or kind != "mean" or not around.one_rate):
            self.refuse(node, "masks R of a design are read in a mean, with one rate; \\mathbb{E}_R[...] is expected.")
        if masks and output:
            self.refuse(node, "a mean is taken of D, or of masks r_i, and not of both.")
        try:
            if rows:
                return mean_in_rows(inner)
            if masks:
                if not around.one_rate or not around.one_example:
                    self.refuse(node, "explicit masks are read with one rate and one example; E[D] is expected.")
                return mean_in_masks(kind, inner, self.apart)
            return mean_in_output(kind, inner, one_example=around.one_example)
        except NoMean as error:
            self.refuse(node, f"{error}.")


def _group(target: Name) -> Name:
    """Return a target of a map with b^{(l)}, the vector of a layer, as the group b[l]."""
    vector = target.name == "b" and target.indices[1:] == (ALL_ENTRIES,)
    return replace(target, indices=target.indices[:1]) if vector else target


def _negate(node: Negate) -> Callable[[Any], Any]:
    return lambda v: replace(node, operand=v)
