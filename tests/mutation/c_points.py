"""Mutants of C: conditions, parts of && and ||, and boundaries, in the text of each file.

The text is read by tree-sitter, bodies of macros included. Constant expressions stay as they are.
"""

from __future__ import annotations

import tree_sitter_c
from points import MOVED, Source, forced, short
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_c.language()))
# What has a condition, and not a value as `switch` has.
TESTED = {f"{kind}_statement" for kind in ("if", "while", "do", "for")} | {"conditional_expression"}


class Changer:
    """Write a file anew, with places that ask."""

    def __init__(self, source: Source, data: bytes, line: int = 1) -> None:
        self.source = source
        self.data = data
        self.line = line  # of the first byte

    def changed(self) -> str:
        return self.text(PARSER.parse(self.data).root_node)

    def raw(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode()

    def point(self, node: Node, *changes: str) -> int:
        return self.source.point(self.line + node.start_point[0], *changes)

    def text(self, node: Node) -> str:
        """Give the text of a node, changed inside."""
        if node.type == "preproc_function_def":
            return self.macro(node)
        if node.type == "binary_expression":
            return self.binary(node)
        if node.type in ("enum_specifier", "preproc_if", "preproc_elif", "preproc_def"):
            return self.preprocessor(node)
        named = node.type == "function_definition"
        if named:
            self.source.scope.append(self.name_of(node))
        out = self.children(node)
        if named:
            self.source.scope.pop()
        return out

    def name_of(self, node: Node) -> str:
        found = node.child_by_field_name("declarator")
        while found is not None and found.type != "identifier":
            found = found.child_by_field_name("declarator") or (found.named_children or [None])[0]
        return self.raw(found) if found is not None else "?"

    def children(self, node: Node) -> str:
        tested = node.child_by_field_name("condition") if node.type in TESTED else None
        pieces, at = [], node.start_byte
        for child in node.children:
            pieces.append(self.data[at : child.start_byte].decode())
            at = child.end_byte
            if tested is not None and child == tested:
                pieces.append(self.tested(child))
            else:
                pieces.append(self.text(child))
        pieces.append(self.data[at : node.end_byte].decode())
        return "".join(pieces)

    def preprocessor(self, node: Node) -> str:
        """Leave conditions of the preprocessor alone, and what is constant."""
        if node.type in ("enum_specifier", "preproc_def"):
            return self.raw(node)
        condition = node.child_by_field_name("condition")
        pieces, at = [], node.start_byte
        for child in node.children:
            pieces.append(self.data[at : child.start_byte].decode())
            at = child.end_byte
            pieces.append(self.raw(child) if child == condition else self.text(child))
        return "".join(pieces) + self.data[at : node.end_byte].decode()

    def tested(self, node: Node) -> str:
        inner = node
        while inner.type == "parenthesized_expression":
            inner = inner.named_children[-1]
        if inner.type in ("number_literal",):
            return self.raw(node)
        first = self.point(inner, *forced(self.raw(inner)))
        return f"(fws_condition({first}, !!({self.text(inner)})))"

    def binary(self, node: Node) -> str:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        sign = node.child_by_field_name("operator")
        assert left is not None and right is not None and sign is not None
        word = self.raw(sign)
        if word in ("&&", "||"):
            return f"({self.part(left, word)} {word} {self.part(right, word)})"
        if word in MOVED:
            first = self.point(node, f"{short(self.raw(node))}: {word} becomes {MOVED[word]}")
            a, b = self.text(left), self.text(right)
            return f"(fws_is({first}, {first}) ? {a} {MOVED[word]} {b} : {a} {word} {b})"
        return self.children(node)

    def part(self, node: Node, word: str) -> str:
        if node.type == "binary_expression":
            sign = node.child_by_field_name("operator")
            if sign is not None and self.raw(sign) == word:
                return self.text(node)
        text = short(self.raw(node))
        first = self.point(node, f"'{text}' taken out of the {word}", f"not ({text})")
        without = int(word == "&&")
        return f"fws_part({first}, !!({self.text(node)}), {without})"

    def macro(self, node: Node) -> str:
        """Change a macro's body, which is a text of its own."""
        value, name = node.child_by_field_name("value"), node.child_by_field_name("name")
        if value is None or name is None:
            return self.raw(node)
        body = self.data[value.start_byte : value.end_byte]
        self.source.scope.append(self.raw(name))
        inner = Changer(self.source, body, self.line + value.start_point[0])
        head = self.data[node.start_byte : value.start_byte].decode()
        out = head + inner.changed() + self.data[value.end_byte : node.end_byte].decode()
        self.source.scope.pop()
        return out


def changed(source: Source) -> str:
    """Give the text of a C file with its places."""
    return Changer(source, source.path.read_bytes()).changed()
