"""Call back when the program imports a module, without ever importing it ourselves.

A finder at the head of `sys.meta_path` knows the names that are waited for. It asks the finders
behind it, as the import system would, and wraps the loader that they give. Before the host's code
runs, the wrapper is gone again: whoever looks at `__loader__` or `__spec__` sees the host's own.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["ImportHook", "is_loaded"]


def is_loaded(name: str) -> bool:
    """Tell whether a module is imported, and to its end."""
    module = sys.modules.get(name)
    if module is None:
        return False
    return not getattr(getattr(module, "__spec__", None), "_initializing", False)


class ImportHook:
    """A meta-path finder that calls `then(name)` when a watched module has been executed."""

    def __init__(self, then: Callable[[str], None]) -> None:
        self._then = then
        self._watched: set[str] = set()

    def watch(self, names: Iterable[str]) -> None:
        """Wait for the import of these modules too."""
        self._watched.update(names)
        if self._watched and self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def forget(self, names: Iterable[str]) -> None:
        """Wait for these modules no more; with none left, leave `sys.meta_path`."""
        self._watched.difference_update(names)
        if not self._watched and self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a watched module as the finders after this one do, and wrap its loader."""
        if name not in self._watched:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self._loaded)  # type: ignore[assignment]
                return spec
        return None

    def _loaded(self, name: str) -> None:
        # Forgotten between the search and now: then nobody waits for it any more.
        if name in self._watched:
            self._then(name)


class _Loader:
    """The host's loader, and a call after the module was executed."""

    def __init__(self, loader: Any, loaded: Callable[[str], None]) -> None:
        self._loader = loader
        self._loaded = loaded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._loaded(module.__name__)
