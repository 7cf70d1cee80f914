"""Call back when the program imports a module, without ever importing it ourselves.

A finder at the head of `sys.meta_path` knows the names that are waited for. It asks the finders
behind it, as the import system would, and wraps the loader that they give. Before the host's code
runs, the wrapper is gone again: whoever looks at `__loader__` or `__spec__` sees the host's own.

It can also provide modules that nobody else has: for libraries that hosts try to import, and do
without. What is installed always comes first.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType
    from typing import Any

__all__ = ["ImportHook", "is_loaded", "is_provided"]


def is_loaded(name: str) -> bool:
    """Tell whether a module is imported, and to its end."""
    module = sys.modules.get(name)
    if module is None:
        return False
    return not getattr(getattr(module, "__spec__", None), "_initializing", False)


def is_provided(name: str) -> bool:
    """Tell whether the module that is imported by this name is one that a hook has provided."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return isinstance(getattr(spec, "loader", None), _Maker)


class ImportHook:
    """A meta-path finder that calls `then(name)` when a watched module has been executed.

    Args:
        then: what to call.
        aloof: tells of a watched module whether its code is to find nothing that is provided.
    """

    def __init__(
        self, then: Callable[[str], None], aloof: Callable[[str], bool] = lambda name: False
    ) -> None:
        self._then = then
        self._aloof = aloof
        self._watched: set[str] = set()
        self._provided: dict[str, Callable[[str], ModuleType]] = {}
        self._withheld: list[int] = []  # the threads that are to find nothing provided

    def watch(self, names: Iterable[str]) -> None:
        """Wait for the import of these modules too."""
        self._watched.update(names)
        self._enter_or_leave()

    def forget(self, names: Iterable[str]) -> None:
        """Wait for these modules no more; with nothing left to do, leave `sys.meta_path`."""
        self._watched.difference_update(names)
        self._enter_or_leave()

    def provide(self, names: Iterable[str], make: Callable[[str], ModuleType]) -> None:
        """Have `make(name)` for who imports one of these names and would find nothing there."""
        self._provided.update(dict.fromkeys(names, make))
        self._enter_or_leave()

    def withdraw(self, names: Iterable[str]) -> None:
        """Provide these modules no more, and let those be imported anew that were provided."""
        for name in names:
            self._provided.pop(name, None)
            if is_provided(name):
                del sys.modules[name]
        self._enter_or_leave()

    def _enter_or_leave(self) -> None:
        wanted = bool(self._watched or self._provided)
        if wanted and self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        elif not wanted and self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as the finders after this one do, and wrap its loader, or provide it."""
        if name not in self._watched and name not in self._provided:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find else None
            if spec is not None:
                if name in self._watched and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self)  # type: ignore[assignment]
                return spec
        make = self._provided.get(name)
        parent = name.rpartition(".")[0]
        if make is None or get_ident() in self._withheld or (parent and not is_provided(parent)):
            return None
        is_package = any(other.startswith(f"{name}.") for other in self._provided)
        return ModuleSpec(name, _Maker(make), is_package=is_package)  # type: ignore[arg-type]

    def execute(self, module: ModuleType, run: Callable[[ModuleType], None]) -> None:
        """Run the code of a watched module, and tell of it."""
        name = module.__name__
        if self._aloof(name):
            self._execute_aloof(module, run)
        else:
            run(module)
        # Forgotten between the search and now: then nobody waits for it any more.
        if name in self._watched:
            self._then(name)

    def _execute_aloof(self, module: ModuleType, run: Callable[[ModuleType], None]) -> None:
        taken = {name: sys.modules.pop(name) for name in self._provided if is_provided(name)}
        self._withheld.append(get_ident())
        try:
            run(module)
        finally:
            self._withheld.remove(get_ident())
            for name in taken.keys() & self._provided.keys():
                sys.modules.setdefault(name, taken[name])


class _Maker:
    """The loader of a provided module."""

    def __init__(self, make: Callable[[str], ModuleType]) -> None:
        self._make = make

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._make(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: it was made with all that it has."""


class _Loader:
    """The host's loader, and a call after the module was executed."""

    def __init__(self, loader: Any, hook: ImportHook) -> None:
        self._loader = loader
        self._hook = hook

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._hook.execute(module, self._loader.exec_module)
