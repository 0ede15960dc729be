"""The small faults that somebody may make in a module, one at a time, each as the module's changed tree.

Prose is left alone (text with a space in it): what a message says is no security. So are annotations, `Literal` types,
what a value is cast to, decorators and docstrings.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)}
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift}
_SKIPPED: Final = frozenset({"annotation", "returns", "decorator_list", "type_params"})
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class Mutant:
    """``name`` says where and what, by code and not by line, so that it stays when lines move."""

    name: str
    line: int
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class _Place:
    parent: ast.AST
    field: str
    index: int | None
    scope: str

    def node(self) -> ast.AST:
        value = getattr(self.parent, self.field)
        return value if self.index is None else value[self.index]

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of ``source``, in the order of its code. The tree of one is good until the next is asked for."""
    tree = ast.parse(source)
    seen: dict[str, int] = {}
    for place in list(_places(tree, "")):
        was = place.node()
        for now in _changes(was):
            name = f"{place.scope or 'module'}: {_text(was)} -> {_text(now)}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name += f" #{seen[name]}"
            place.put(ast.fix_missing_locations(ast.copy_location(now, was)))
            yield Mutant(name, getattr(was, "lineno", 0), tree)
            place.put(was)


def _places(node: ast.AST, scope: str) -> Iterator[_Place]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        scope = f"{scope}.{node.name}" if scope else node.name
    for field, value in ast.iter_fields(node):
        if field in _SKIPPED:
            continue
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_prose(child):
                continue
            if _is_type(child) or (_is_cast(node) and (field, index) == ("args", 0)):
                continue
            yield _Place(node, field, index if isinstance(value, list) else None, scope)
            yield from _places(child, scope)


def _is_prose(node: ast.AST) -> bool:
    """Docstrings are prose, whatever is in them; so is an f-string with a space in one of its fixed parts."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.JoinedStr):
        return any(_is_prose(part) for part in node.values)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def _is_type(node: ast.AST) -> bool:
    """``Literal["a", "b"]`` is for the type checker, wherever it stands."""
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal"


def _is_cast(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "cast"


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                yield from (
                    _with(node, ops=[*ops[:at], other(), *ops[at + 1:]]) for other in _COMPARISONS[type(op)])
        case ast.BoolOp():
            yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
            for at in range(len(node.values)):
                left = [*node.values[:at], *node.values[at + 1:]]
                yield left[0] if len(left) == 1 else _with(node, values=left)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp() if type(node.op) in _OPERATORS:
            yield _with(node, op=_OPERATORS[type(node.op)]())
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.Constant():
            yield from (ast.Constant(value) for value in _constants(node.value))
        case ast.Call(args=[first, second, *rest]) if not isinstance(first, ast.Starred | ast.GeneratorExp):
            if not isinstance(second, ast.Starred) and ast.dump(first) != ast.dump(second):
                yield _with(node, args=[second, first, *rest])
        case ast.stmt():
            yield from _statements(node)
        case _:
            pass


def _constants(value: object) -> Iterator[bool | int | float | str | bytes | None]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
            yield value - 1
        case str():
            yield value + "X" if value else "X"
            if value:
                yield ""
        case bytes():
            yield value + b"X"
        case _:
            pass


def _statements(node: ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.If() | ast.While():
            yield _with(node, test=ast.Constant(False))
            if isinstance(node, ast.If):
                yield _with(node, test=ast.Constant(True))
        case ast.Return(value=value) if value is not None:
            if not (isinstance(value, ast.Constant) and value.value is None):
                yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Expr() | ast.AugAssign() | ast.Delete() | ast.Assert() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case _:
            pass


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for field, value in fields.items():
        setattr(changed, field, value)
    return changed


def _text(node: ast.AST) -> str:
    line = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return line if len(line) <= _LONGEST else line[:_LONGEST - 1] + "…"
