"""Mutants of Cython code: the syntax tree is changed between Cython's parser and all that follows.

The same are made as of Python code (python_points.py), as far as types allow.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from Cython.CodeWriter import ExpressionWriter
from Cython.Compiler import ExprNodes, Main, Nodes, Pipeline
from Cython.Compiler.Scanning import FileSourceDescriptor
from Cython.Compiler.StringEncoding import EncodedString
from Cython.Compiler.Visitor import VisitorTransform
from points import MOVED, ROOT, Catalogue, Source, forced, short

# Declared behind the last line of a file of the package, so that no line moves.
DECLARATIONS = """
cdef extern from "_kernels/mutation.h" nogil:
    bint fws_is(int number, int place)
    bint fws_condition(int first, bint value)
    bint fws_part(int first, bint value, bint without)
    bint fws_kept(int first)
"""
DECLARED_IN = "_codec_kernels.pxi"
FileSourceDescriptor.__deepcopy__ = lambda self, memo: self  # places stay the same when copied


def named(pos: Any, name: str) -> Any:
    return ExprNodes.NameNode(pos, name=EncodedString(name))


def number(pos: Any, value: int) -> Any:
    return ExprNodes.IntNode(pos, value=str(value))


def call(pos: Any, name: str, *args: Any) -> Any:
    return ExprNodes.SimpleCallNode(pos, function=named(pos, name), args=list(args))


def truth(node: Any) -> Any:
    """Make a condition of any type, pointers among them, a truth value."""
    return ExprNodes.NotNode(node.pos, operand=ExprNodes.NotNode(node.pos, operand=node))


def switch(first: int, place: int, changed: Any, node: Any) -> Any:
    """Give `changed` where that mutant is in force, else `node`."""
    pos = node.pos
    test = call(pos, "fws_is", number(pos, first), number(pos, place))
    return ExprNodes.CondExprNode(pos, condition=test, true_val=changed, false_val=node)


def guarded(first: int, pos: Any, body: Any, instead: Any = None) -> Any:
    clause = Nodes.IfClauseNode(pos, condition=call(pos, "fws_kept", number(pos, first)), body=body)
    return Nodes.IfStatNode(pos, if_clauses=[clause], else_clause=instead)


def is_pointer(node: Any) -> bool:
    """Tell whether this is one of the pointers by which input is walked."""
    name = getattr(node, "attribute", getattr(node, "name", ""))
    return name in ("at", "end", "src", "dst", "buf", "start", "cut") or (
        isinstance(node, (ExprNodes.TypecastNode, ExprNodes.SimpleCallNode))
    )


class Writer(ExpressionWriter):
    """Shows what is C's own as well."""

    def visit_AmpersandNode(self, node: Any) -> None:
        self.put("&")
        self.visit(node.operand)

    def visit_TypecastNode(self, node: Any) -> None:
        self.visit(node.operand)

    def visit_NullNode(self, node: Any) -> None:
        self.put("NULL")


class Changer(VisitorTransform):
    """Make every place of the core ask."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        super().__init__()
        self.folder = folder
        self.catalogue = catalogue
        self.sources: dict[str, Source] = {}
        self.scopes: list[str] = []

    def point(self, node: Any, *changes: str) -> int:
        name = Path(node.pos[0].get_filenametable_entry()).name
        if name not in self.sources:
            self.sources[name] = Source(ROOT / "fastws" / name, self.catalogue)
        source = self.sources[name]
        source.scope = self.scopes
        return source.point(node.pos[1], *changes)

    def shown(self, node: Any) -> str:
        try:
            return short(Writer(allow_unknown_nodes=True).write(node))
        except Exception:  # the writer is for debugging, and does not know all
            return type(node).__name__

    # Conditions

    def condition(self, node: Any) -> Any:
        first = self.point(node, *forced(self.shown(node)))
        return call(node.pos, "fws_condition", number(node.pos, first), truth(self.inside(node)))

    def inside(self, node: Any) -> Any:
        return (
            self.compared(node) if isinstance(node, ExprNodes.PrimaryCmpNode) else self.visit(node)
        )

    def visit_IfClauseNode(self, node: Any) -> Any:
        node.condition = self.condition(node.condition)
        body = getattr(node.body, "stats", [node.body])
        # Without its only statement, a guard is as if its condition were false.
        if not (len(body) == 1 and isinstance(body[0], Nodes.RaiseStatNode)):
            self.visitchildren(node, ["body"])
        return node

    def visit_WhileStatNode(self, node: Any) -> Any:
        node.condition = self.condition(node.condition)
        self.visitchildren(node, ["body", "else_clause"])
        return node

    def visit_CondExprNode(self, node: Any) -> Any:
        node.condition = self.condition(node.condition)
        self.visitchildren(node, ["true_val", "false_val"])
        return node

    def visit_BoolBinopNode(self, node: Any) -> Any:
        for name in ("operand1", "operand2"):
            setattr(node, name, self.part(getattr(node, name), node.operator))
        return node

    def part(self, node: Any, word: str) -> Any:
        if isinstance(node, ExprNodes.BoolBinopNode) and node.operator == word:
            return self.visit(node)
        text = self.shown(node)
        first = self.point(node, f"'{text}' taken out of the {word}", f"not ({text})")
        without = number(node.pos, int(word == "and"))
        return call(
            node.pos, "fws_part", number(node.pos, first), truth(self.inside(node)), without
        )

    def visit_PrimaryCmpNode(self, node: Any) -> Any:
        if node.cascade is not None:
            return self.compared(node)
        first = self.point(node, *forced(self.shown(node)))
        return call(node.pos, "fws_condition", number(node.pos, first), self.compared(node))

    def compared(self, node: Any) -> Any:
        """Change the boundaries of a comparison, or of each part of a chain."""
        text = self.shown(node)
        pairs, left, link = [], node.operand1, node
        while link is not None:
            pairs.append((link.operator, left, link.operand2))
            left, link = link.operand2, link.cascade
        parts = [self.boundary(node.pos, text, *pair) for pair in pairs]
        if len(parts) == 1:
            return parts[0]
        whole = None
        for i, part in enumerate(parts, 1):
            first = self.point(node, f"{text}: without part {i}", f"{text}: not part {i}")
            asked = call(node.pos, "fws_part", number(node.pos, first), part, number(node.pos, 1))
            whole = (
                asked
                if whole is None
                else ExprNodes.BoolBinopNode(
                    node.pos, operator="and", operand1=whole, operand2=asked
                )
            )
        return whole

    def boundary(self, pos: Any, text: str, sign: str, left: Any, right: Any) -> Any:
        left, right = self.visit(copy.deepcopy(left)), self.visit(copy.deepcopy(right))
        node = ExprNodes.PrimaryCmpNode(pos, operator=sign, operand1=left, operand2=right)
        if sign not in MOVED:
            return node
        first = self.point(node, f"{text}: {sign} becomes {MOVED[sign]}")
        moved = copy.deepcopy(node)
        moved.operator = MOVED[sign]
        return switch(first, first, moved, node)

    # Arithmetic

    def visit_AddNode(self, node: Any) -> Any:
        text = self.shown(node)
        self.visitchildren(node)
        if is_pointer(node.operand1) or is_pointer(node.operand2):
            return node
        first = self.point(node, f"{text}: left side only")
        return switch(first, first, copy.deepcopy(node.operand1), node)

    visit_SubNode = visit_AddNode

    def visit_SimpleCallNode(self, node: Any) -> Any:
        name = getattr(node.function, "name", "")
        texts = [self.shown(arg) for arg in node.args] if name in ("min", "max") else []
        changes = [f"{self.shown(node)} -> {text}" for text in texts]
        self.visitchildren(node)
        if len(changes) < 2:
            return node
        first = self.point(node, *changes)
        args, whole = [copy.deepcopy(arg) for arg in node.args], node
        for i, arg in enumerate(args):
            whole = switch(first + i, first, arg, whole)
        return whole

    # Statements

    def _left_out(self, node: Any, what: str) -> Any:
        first = self.point(node, f"without {what}")
        self.visitchildren(node)
        return guarded(first, node.pos, node)

    def visit_RaiseStatNode(self, node: Any) -> Any:
        return self._left_out(node, f"raise {self.shown(node.exc_type)}")

    def visit_ReraiseStatNode(self, node: Any) -> Any:
        return self._left_out(node, "raise")

    def visit_InPlaceAssignmentNode(self, node: Any) -> Any:
        what = f"{self.shown(node.lhs)} {node.operator}= {self.shown(node.rhs)}"
        return self._left_out(node, what)

    def visit_ExprStatNode(self, node: Any) -> Any:
        if not isinstance(node.expr, ExprNodes.CallNode):
            return node
        return self._left_out(node, self.shown(node.expr))

    def visit_ExceptClauseNode(self, node: Any) -> Any:
        first = self.point(node, "the error is passed on")
        self.visitchildren(node, ["body"])
        passed = guarded(first, node.pos, Nodes.PassStatNode(node.pos), self.again(node.pos))
        node.body = Nodes.StatListNode(node.pos, stats=[passed, node.body])
        return node

    def again(self, pos: Any) -> Any:
        return Nodes.ReraiseStatNode(pos)

    # Scopes

    def _scope(self, node: Any, name: str) -> Any:
        self.scopes.append(name)
        self.visitchildren(node, ["body"])
        self.scopes.pop()
        return node

    def visit_DefNode(self, node: Any) -> Any:
        return self._scope(node, node.name)

    def visit_CFuncDefNode(self, node: Any) -> Any:
        declarator = node.declarator
        while not hasattr(declarator, "name"):
            declarator = declarator.base
        return self._scope(node, declarator.name)

    def visit_CClassDefNode(self, node: Any) -> Any:
        return self._scope(node, node.class_name)

    def visit_CEnumDefNode(self, node: Any) -> Any:
        return node

    visit_CVarDefNode = visit_CStructOrUnionDefNode = visit_CDefExternNode = visit_CEnumDefNode

    def visit_JoinedStrNode(self, node: Any) -> Any:
        return node

    def visit_Node(self, node: Any) -> Any:
        self.visitchildren(node)
        return node


def compile_changed(folder: Path, declarations: str, change: Callable[[Any], Any]) -> None:
    """Make _codec.c of the copy of the package in this folder, from a changed tree."""
    with (folder / DECLARED_IN).open("a") as out:
        out.write(declarations)
    stock = Pipeline.create_pipeline

    def create_pipeline(context: Any, mode: str, exclude_classes: Any = ()) -> Any:
        stages = stock(context, mode, exclude_classes)
        return stages[:1] + [lambda tree: change(tree)] * (mode == "pyx") + stages[1:]

    Pipeline.create_pipeline = create_pipeline
    try:
        options = Main.CompilationOptions(
            Main.default_options, output_file=str(folder / "_codec.c")
        )
        result = Main.compile_single(str(folder / "_codec.pyx"), options, "fastws._codec")
    finally:
        Pipeline.create_pipeline = stock
    if result.num_errors:
        raise SystemExit("the changed core does not compile")


def compile_core(folder: Path, catalogue: Catalogue) -> None:
    """Make _codec.c of the copy of the package in this folder, with its places."""
    compile_changed(folder, DECLARATIONS, Changer(folder, catalogue))
