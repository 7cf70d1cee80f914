"""Mutants of Python code: the syntax tree of each module is changed as it is imported.

Made are, inside functions and at module level: every condition true, false and inverted; each part
of an `and` or `or` taken out; each boundary moved by one; of `+`, `-`, `min` and `max` one side
only; `raise`, calls for their effect and `+=` left out; `except` that passes the error on.
"""

from __future__ import annotations

import ast
import builtins
import importlib.machinery
import importlib.util
import operator
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from points import MOVED, ROOT, Catalogue, Source, forced, short

MODULES = [
    "_backend",
    "_pure",
    "_pure_events",
    "_pure_frames",
    "_pure_kernels",
    "_pure_messages",
    "_pure_stream",
    "_rules",
    "_types",
    "connection",
    "deflate",
    "handshake",
]
# What is kept from one call to the next, made with other rules than the mutant's.
CACHES = [
    ("fastws._pure_kernels", "allowed_tables"),
    ("fastws._pure_kernels", "xor_tables"),
    ("fastws._pure_messages", "barred_tables"),
    ("fastws.deflate", "TERMS"),
]

OPERATORS: dict[type[ast.AST], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
ARITHMETIC: dict[type[ast.AST], Any] = {ast.Add: operator.add, ast.Sub: operator.sub}
SIGNS: dict[type[ast.AST], str] = {ast.Add: "+", ast.Sub: "-"}


# --- What changed code calls ---------------------------------------------------------------------


class Running:
    """Which mutant is in force, and which places were come by."""

    other_levels = ()

    def __init__(self) -> None:
        self.state = ""
        self.number = 0
        self._reached = bytearray()  # tests of memory would see a set grow

    @property
    def reached(self) -> list[int]:
        return [place for place, here in enumerate(self._reached) if here]

    def condition(self, first: int, value: object) -> object:
        self._reached[first] = 1
        if first <= self.number < first + 3:
            return (True, False, not value)[self.number - first]
        return value

    def part(self, first: int, value: object, without: bool) -> object:
        self._reached[first] = 1
        if first <= self.number < first + 2:
            return (without, not value)[self.number - first]
        return value

    def compare(self, first: int, sign: str, a: Any, b: Any) -> object:
        self._reached[first] = 1
        return COMPARE[MOVED[sign] if self.number == first else sign](a, b)

    def arithmetic(self, first: int, sign: str, a: Any, b: Any) -> Any:
        self._reached[first] = 1
        if self.number == first:
            return a
        return a + b if sign == "+" else a - b

    def pick(self, first: int, of: Any, *args: Any) -> Any:
        self._reached[first] = 1
        if first <= self.number < first + len(args):
            return args[self.number - first]
        return of(*args)

    def kept(self, first: int) -> bool:
        self._reached[first] = 1
        return self.number != first

    def install(self, catalogue: Catalogue) -> None:
        self.state = catalogue.state
        self._reached = bytearray(len(catalogue.mutants) + 1)
        for name in ("condition", "part", "compare", "arithmetic", "pick", "kept"):
            setattr(builtins, f"__mutation_{name}__", getattr(self, name))

    def use(self, number: int) -> None:
        """Put a mutant in force, and forget what was worked out without it."""
        self.number = number
        self.forget()

    def forget(self) -> None:
        self._reached[:] = bytes(len(self._reached))
        for module, name in CACHES:
            if module in sys.modules:
                getattr(sys.modules[module], name).clear()
        if CACHES[0][0] in sys.modules:  # tests of memory want those in use to be there
            kernels, messages = (sys.modules[CACHES[i][0]] for i in (0, 2))
            for rsv in (None, 0, 0x40):
                kernels.allowed(rsv)
            for rsv, barred in ((0, 1), (0, 6), (0x40, 1), (0x40, 6)):
                messages.allowed_now(rsv, barred)


RUNNING = Running()


def call(name: str, first: int, *args: ast.expr) -> ast.Call:
    function = ast.Name(f"__mutation_{name}__", ast.Load())
    return ast.Call(function, [ast.Constant(first), *args], [])


# --- Changing the tree ---------------------------------------------------------------------------


class Changer(ast.NodeTransformer):
    """Make every place of a module ask."""

    def __init__(self, source: Source) -> None:
        self.source = source

    # Conditions

    def condition(self, node: ast.expr) -> ast.expr:
        """Wrap a condition; what is inside it as well."""
        text = ast.unparse(node)
        if text == "TYPE_CHECKING" or isinstance(node, ast.Constant):
            return node
        first = self.source.point(node.lineno, *forced(text))
        return call("condition", first, self.inside(node))

    def inside(self, node: ast.expr) -> ast.expr:
        """Change what is in a condition that is wrapped already."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            node.operand = self.inside(node.operand)
            return node
        return self.visit_Compare(node, True) if isinstance(node, ast.Compare) else self.visit(node)

    def _tested(self, node: Any) -> Any:
        node.test = self.condition(node.test)
        for name in ("body", "orelse"):
            part = getattr(node, name)
            if isinstance(part, list):
                new: list[ast.stmt] = []
                for statement in part:
                    new += as_list(self.visit(statement))
                setattr(node, name, new)
            else:
                setattr(node, name, self.visit(part))
        return node

    visit_While = visit_IfExp = _tested

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """A `not` that is given or kept is a condition as well."""
        return self.condition(node) if isinstance(node.op, ast.Not) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> Any:
        # Without its only statement, a guard is as if its condition were false.
        if len(node.body) == 1 and isinstance(node.body[0], ast.Raise) and not node.orelse:
            node.test = self.condition(node.test)
            return node
        return self._tested(node)

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        node.iter = self.visit(node.iter)
        node.ifs = [self.condition(test) for test in node.ifs]
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        without = isinstance(node.op, ast.And)
        word = "and" if without else "or"
        values: list[ast.expr] = []
        for value in node.values:
            text = short(ast.unparse(value))
            changes = f"'{text}' taken out of the {word}", f"not ({text})"
            first = self.source.point(value.lineno, *changes)
            values.append(call("part", first, self.inside(value), ast.Constant(without)))
        node.values = values
        return node

    def visit_Compare(self, node: ast.Compare, tested: bool = False) -> Any:
        if not tested and len(node.ops) == 1:
            return self.condition(node)
        sides = [node.left, *node.comparators]
        text = ast.unparse(node)
        parts: list[ast.expr] = []
        for a, op, b in zip(sides, node.ops, node.comparators, strict=False):
            sign = OPERATORS.get(type(op))
            if sign is None:
                parts.append(ast.Compare(self.visit(copy(a)), [op], [self.visit(copy(b))]))
                continue
            moved = f"{short(text)}: {sign} becomes {MOVED[sign]}"
            first = self.source.point(a.lineno, moved)
            args = ast.Constant(sign), self.visit(copy(a)), self.visit(copy(b))
            parts.append(call("compare", first, *args))
        if len(parts) == 1:
            return parts[0]
        # A chain: what stands in the middle is a name, or harmless to ask for twice.
        for i, part in enumerate(parts):
            changes = f"{short(text)}: without part {i + 1}", f"{short(text)}: not part {i + 1}"
            first = self.source.point(node.lineno, *changes)
            parts[i] = call("part", first, part, ast.Constant(True))
        return ast.BoolOp(ast.And(), parts)

    # Arithmetic

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        text = ast.unparse(node)
        self.generic_visit(node)
        if type(node.op) not in SIGNS or isinstance(node.right, ast.JoinedStr):
            return node
        sign = SIGNS[type(node.op)]
        first = self.source.point(node.lineno, f"{short(text)}: left side only")
        return call("arithmetic", first, ast.Constant(sign), node.left, node.right)

    def visit_Call(self, node: ast.Call) -> Any:
        if (
            isinstance(node.func, ast.Name)
            and node.func.id in ("min", "max")
            and len(node.args) > 1
        ):
            changes = [f"{short(ast.unparse(node))} -> {ast.unparse(arg)}" for arg in node.args]
            first = self.source.point(node.lineno, *changes)
            return call("pick", first, node.func, *[self.visit(arg) for arg in node.args])
        return self.generic_visit(node)

    # Statements

    def _left_out(self, node: ast.stmt) -> ast.stmt:
        first = self.source.point(node.lineno, f"without {short(ast.unparse(node))}")
        self.generic_visit(node)
        return ast.If(call("kept", first), [node], [])

    visit_Raise = visit_Delete = visit_AugAssign = _left_out

    def visit_Expr(self, node: ast.Expr) -> Any:
        return self._left_out(node) if isinstance(node.value, ast.Call) else node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        first = self.source.point(node.lineno, "the error is passed on")
        self.generic_visit(node)
        node.body.insert(0, ast.If(call("kept", first), [ast.Pass()], [ast.Raise()]))
        return node

    # Scopes, and what has nothing to change

    def _scope(self, node: Any) -> Any:
        self.source.scope.append(node.name)
        node.body = [new for old in node.body for new in as_list(self.visit(old))]
        self.source.scope.pop()
        return node

    visit_FunctionDef = visit_ClassDef = _scope

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        return node


def as_list(nodes: Any) -> list[Any]:
    return nodes if isinstance(nodes, list) else [nodes]


def copy(node: ast.expr) -> ast.expr:
    """Copy an expression, places included."""
    new = ast.parse(ast.unparse(node), mode="eval").body
    for child in ast.walk(new):
        if "lineno" in child._attributes:
            ast.copy_location(child, node)
    return new


# --- Importing -----------------------------------------------------------------------------------


class Loader(importlib.machinery.SourceFileLoader):
    """Compile a module from its changed tree."""

    codes: dict[str, CodeType]

    def get_code(self, fullname: str) -> CodeType:
        return self.codes[fullname]


class Finder:
    """Give the changed modules of the package; all others are found as ever."""

    def __init__(self, codes: dict[str, CodeType]) -> None:
        self.codes = codes

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self.codes:
            return None
        file = str(ROOT / f"{name.replace('.', '/')}.py")
        loader = Loader(name, file)
        loader.codes = self.codes
        return importlib.util.spec_from_file_location(name, file, loader=loader)


def changed(path: Path, catalogue: Catalogue) -> CodeType:
    """Compile a file with its places made to ask."""
    tree = ast.parse(path.read_text(), str(path))
    new = Changer(Source(path, catalogue)).visit(tree)
    return compile(ast.fix_missing_locations(new), str(path), "exec", dont_inherit=True)


def prepare(catalogue: Catalogue) -> Running:
    """Change the modules, from now on, wherever they are imported in this process."""
    codes = {
        f"fastws.{name}": changed(ROOT / "fastws" / f"{name}.py", catalogue) for name in MODULES
    }
    RUNNING.install(catalogue)
    sys.meta_path.insert(0, Finder(codes))  # type: ignore[arg-type]
    return RUNNING
