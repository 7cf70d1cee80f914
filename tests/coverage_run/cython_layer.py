"""Coverage of the Cython core: lines, and each condition both ways.

Cython's own tracer knows lines and no branches, and the C that it writes has many branches that
nobody wrote. So marks are put into the syntax tree itself: before each statement, around each
condition (each part of an `and` or `or` by itself), and at the body and the end of each `for`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from Cython.Compiler import ExprNodes, Nodes
from Cython.Compiler.Visitor import VisitorTransform
from cython_points import call, compile_changed, number, truth
from figures import Figure

# Declared behind the last line of a file of the package, so that no line moves.
DECLARATIONS = """
cdef extern from "marks.h" nogil:
    void fws_line(int place)
    bint fws_condition(int place, bint value)
"""
NO_COVER = re.compile(r"# pragma: no cover - \S")
NO_BRANCH = re.compile(r"# pragma: no branch - \S")
TRUE_FALSE = ("never true", "never false")
LOOP = ("never begun", "never through")


@dataclass(frozen=True)
class Place:
    """What one mark stands for, or two in a row for a branch."""

    number: int
    where: str  # file and line
    column: int
    outcomes: tuple[str, str] | None  # of a branch, in words; None for a line


class Changer(VisitorTransform):
    """Put the marks into the tree."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []
        self.size = 0
        self.texts: dict[str, list[str]] = {}
        self.in_class = False

    # Places

    def text(self, node: Any) -> str:
        """Give the line that a node stands on."""
        path = Path(node.pos[0].get_filenametable_entry())
        if path.name not in self.texts:
            self.texts[path.name] = Path(node.pos[0].filename).read_text().splitlines()
        return self.texts[path.name][node.pos[1] - 1]

    def left_out(self, node: Any) -> bool:
        return bool(NO_COVER.search(self.text(node)))

    def place(self, node: Any, outcomes: tuple[str, str] | None) -> Any:
        where = f"fastws/{Path(node.pos[0].get_filenametable_entry()).name}:{node.pos[1]}"
        place = Place(self.size, where, node.pos[2] + 1, outcomes)
        self.places.append(place)
        self.size += 2 if outcomes else 1
        return number(node.pos, place.number)

    def statement(self, pos: Any, place: Any) -> Any:
        return Nodes.ExprStatNode(pos, expr=call(pos, "fws_line", place))

    # Conditions

    def condition(self, node: Any) -> Any:
        """Mark a condition: what it is made of, where `and`, `or` and `not` make it."""
        if isinstance(node, ExprNodes.BoolBinopNode):
            return self.visit(node)
        if isinstance(node, ExprNodes.NotNode):
            node.operand = self.condition(node.operand)
            return node
        constant = isinstance(node, (ExprNodes.BoolNode, ExprNodes.IntNode))
        node = self.visit(node)
        if constant or NO_BRANCH.search(self.text(node)):
            return node
        return call(node.pos, "fws_condition", self.place(node, TRUE_FALSE), truth(node))

    def visit_BoolBinopNode(self, node: Any) -> Any:
        node.operand1 = self.condition(node.operand1)
        node.operand2 = self.condition(node.operand2)
        return node

    def visit_CondExprNode(self, node: Any) -> Any:
        node.condition = self.condition(node.condition)
        self.visitchildren(node, ["true_val", "false_val"])
        return node

    def visit_IfClauseNode(self, node: Any) -> Any:
        if self.left_out(node):
            return node
        node.condition = self.condition(node.condition)
        self.visitchildren(node, ["body"])
        return node

    def visit_ExceptClauseNode(self, node: Any) -> Any:
        if not self.left_out(node):
            self.visitchildren(node, ["body"])
        return node

    # Statements

    def marked(self, node: Any) -> Any:
        """Put a mark before a statement."""
        if self.left_out(node):
            return node
        inside = not self.in_class
        mark = self.statement(node.pos, self.place(node, None)) if inside else None
        self.visitchildren(node)
        return Nodes.StatListNode(node.pos, stats=[mark, node]) if mark else node

    visit_ExprStatNode = visit_SingleAssignmentNode = visit_CascadedAssignmentNode = marked
    visit_ParallelAssignmentNode = visit_InPlaceAssignmentNode = visit_DelStatNode = marked
    visit_PassStatNode = visit_ReturnStatNode = visit_BreakStatNode = marked
    visit_ContinueStatNode = visit_RaiseStatNode = visit_ReraiseStatNode = marked
    visit_FromImportStatNode = visit_WithStatNode = marked

    def visit_IfStatNode(self, node: Any) -> Any:
        # Of its lines, the clauses tell themselves: a condition was come by where it had a result.
        self.visitchildren(node)
        return node

    def visit_WhileStatNode(self, node: Any) -> Any:
        node.condition = self.condition(node.condition)
        self.visitchildren(node, ["body", "else_clause"])
        return node

    def visit_ForInStatNode(self, node: Any) -> Any:
        self.visitchildren(node)
        if self.left_out(node) or NO_BRANCH.search(self.text(node)):
            return node
        place = self.place(node, LOOP)
        behind = number(node.pos, int(place.value) + 1)
        begun = self.statement(node.pos, place)
        through = self.statement(node.pos, behind)
        node.body = Nodes.StatListNode(node.pos, stats=[begun, node.body])
        last = [node.else_clause] if node.else_clause else []
        node.else_clause = Nodes.StatListNode(node.pos, stats=[through, *last])
        return node

    def visit_CVarDefNode(self, node: Any) -> Any:
        """Mark a declaration that gives a value; elsewhere than in functions it is none."""
        valued = [d for d in node.declarators if getattr(d, "default", None) is not None]
        if not valued or self.in_class or self.left_out(node):
            return node
        for declarator in valued:
            declarator.default = self.visit(declarator.default)
        mark = self.statement(node.pos, self.place(node, None))
        return Nodes.StatListNode(node.pos, stats=[mark, node])

    # Scopes

    def function(self, node: Any) -> Any:
        if self.left_out(node):
            return node
        outer, self.in_class = self.in_class, False
        self.visitchildren(node, ["body"])
        self.in_class = outer
        return node

    visit_DefNode = visit_CFuncDefNode = function

    def visit_CClassDefNode(self, node: Any) -> Any:
        self.in_class = True
        self.visitchildren(node, ["body"])
        self.in_class = False
        return node

    def nothing(self, node: Any) -> Any:
        return node

    visit_CEnumDefNode = visit_CStructOrUnionDefNode = visit_CDefExternNode = nothing
    visit_CImportStatNode = visit_FromCImportStatNode = visit_JoinedStrNode = nothing

    def visit_Node(self, node: Any) -> Any:
        self.visitchildren(node)
        return node


def compile_core(folder: Path) -> list[Place]:
    """Make _codec.c of the copy of the package in this folder, with its marks."""
    changer = Changer()
    compile_changed(folder, DECLARATIONS, changer)
    return changer.places


def size_of(places: list[Place]) -> int:
    """Give how many marks there are."""
    return max(p.number for p in places) + 2


def figure(places: list[Place], marks: bytes) -> Figure:
    """Count what was marked."""
    found = Figure("Cython core", "compiled")
    lines: dict[str, bool] = {}
    for place in places:
        here = marks[place.number : place.number + (2 if place.outcomes else 1)]
        # A line with a condition is come by where the condition has a result.
        lines[place.where] = any(here) or lines.get(place.where, False)
    for where, run in lines.items():
        found.line(where, run)
    for place in places:
        for behind, outcome in enumerate(place.outcomes or ()):
            there = bool(marks[place.number + behind])
            found.branch(f"{place.where}:{place.column}", there, outcome)
    return found
