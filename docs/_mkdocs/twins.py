"""Which docstrings the reference shows: those of the pure twin, under the names of the package.

`fastws.apply_mask` is the function of whichever back end is in use; the two have the same
docstrings, as a test holds. The compiled one's stand where only a build can see them.
"""

from __future__ import annotations

import ast
import inspect
from typing import Any

import griffe

CORE, TWIN = "fastws._codec", "fastws._pure"
# What a module makes when it is asked for, and where it comes from.
MADE = {
    "autobahn": ("FastFrames",),
    "tornado": ("FastClientConnection", "FastHandlerMixin", "FastProtocol13", "websocket_connect"),
    "uvicorn": ("WebSocketProtocol",),
    "websockets": ("FastClientProtocol", "FastServerProtocol"),
}
MAKERS = {"uvicorn": "_uvicorn_protocol"}


class Twins(griffe.Extension):
    """Lead names to the pure twin, and read docstrings where they do not stand in a body."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Change what was read of the package."""
        if pkg.path != "fastws":
            return
        for name, member in list(pkg.members.items()):
            if member.is_alias and member.target_path.startswith(f"{CORE}."):
                pkg.set_member(name, griffe.Alias(name, f"{TWIN}.{name}", parent=pkg))
        for host, names in MADE.items():
            module = pkg[f"adapters.{host}"]
            for name in names:
                maker = MAKERS.get(host, f"_{host}_classes")
                target = f"fastws.adapters.{maker}.{name}"
                module.set_member(name, griffe.Alias(name, target, parent=module))

    def on_module_members(self, *, node: Any, mod: griffe.Module, **_: Any) -> None:
        """Take the docstrings that classes get by an assignment to their `__doc__`."""
        for statement in ast.walk(node):
            match statement:
                case ast.Assign(
                    targets=[ast.Attribute(value=ast.Name(id=name), attr="__doc__")],
                    value=ast.Constant(value=str(text)),
                ) if name in mod.members:
                    mod[name].docstring = griffe.Docstring(inspect.cleandoc(text), parent=mod[name])

    def on_class_members(self, *, node: Any, cls: griffe.Class, **_: Any) -> None:
        """Take the docstrings of attributes from `__slots__`, and `__new__` for `__init__`."""
        if "__new__" in cls.members and "__init__" not in cls.members:
            maker = cls["__new__"]
            maker.name = "__init__"
            maker.parameters[0].name = "self"
            cls.members["__init__"] = cls.members.pop("__new__")
        for statement in getattr(node, "body", []):
            if not (isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict)):
                continue
            if getattr(statement.targets[0], "id", "") != "__slots__":
                continue
            for name, text in ast.literal_eval(statement.value).items():
                if name in cls.members:
                    cls[name].docstring = griffe.Docstring(text, parent=cls[name])
