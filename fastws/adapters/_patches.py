"""Replace attributes of a host, all or none, and put back the very objects that stood there.

Rule: an adapter only says what it wants replaced, and by what. Nothing is set before the whole list
is known to be possible, so a host is never half patched.
"""

from __future__ import annotations

from warnings import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["HostWarning", "Patch", "PatchSet", "Refusal", "require"]

_NOTHING: Any = object()  # stands for an attribute that the owner inherits, or lacks


class HostWarning(UserWarning):
    """A host library was left as it is, or could not be put back as it was."""


class Refusal(Exception):
    """A host is not what its adapter was proven on; the text says in what."""


def require(structure: dict[str, bool]) -> None:
    """Go on where each part of a host is what its adapter knows.

    Raises:
        Refusal: one is not; the first of them is named.
    """
    for name, fits in structure.items():
        if not fits:
            raise Refusal(f"{name} is not built as expected")


class Patch:
    """One attribute of a host's module or class, and what is to stand there.

    Args:
        owner: the module or the class.
        name: the attribute, which has to exist.
        replacement: the object to put there.
    """

    __slots__ = ("name", "original", "owner", "replacement")

    def __init__(self, owner: Any, name: str, replacement: Any) -> None:
        self.owner = owner
        self.name = name
        self.replacement = replacement
        # What stands in the owner itself, not bound and not inherited: a class method or a static
        # method has to come back as the same object.
        self.original = vars(owner).get(name, _NOTHING)

    def __str__(self) -> str:
        """Give the full name of what is replaced, as in `package.module.Class.method`."""
        if isinstance(self.owner, type):
            return f"{self.module}.{self.owner.__qualname__}.{self.name}"
        return f"{self.module}.{self.name}"

    @property
    def module(self) -> str:
        """The name of the module that the owner is, or stands in."""
        name: str = self.owner.__module__ if isinstance(self.owner, type) else self.owner.__name__
        return name

    @property
    def present(self) -> bool:
        """Whether the replacement stands there now."""
        return vars(self.owner).get(self.name) is self.replacement

    def put_in(self) -> None:
        """Set the attribute."""
        setattr(self.owner, self.name, self.replacement)

    def take_out(self) -> None:
        """Set what stood there before, or remove what stood nowhere."""
        if self.original is not _NOTHING:
            setattr(self.owner, self.name, self.original)
        elif self.name in vars(self.owner):
            delattr(self.owner, self.name)


class PatchSet:
    """The patches that are in one host, in the order in which they went in."""

    def __init__(self) -> None:
        self._done: list[Patch] = []

    def __bool__(self) -> bool:
        return bool(self._done)

    @property
    def names(self) -> tuple[str, ...]:
        """The full names of what is replaced."""
        return tuple(str(patch) for patch in self._done)

    def apply(self, patches: Iterable[Patch]) -> None:
        """Put all patches in that are not in yet, or none.

        Raises:
            Refusal: an attribute does not exist.
        """
        todo = [patch for patch in patches if not self._holds(patch)]
        for patch in todo:
            if not hasattr(patch.owner, patch.name):
                raise Refusal(f"{patch} does not exist")
        before = len(self._done)
        try:
            for patch in todo:
                self._put_in(patch)
        except BaseException:
            self._restore(before)
            raise

    def _holds(self, patch: Patch) -> bool:
        return any(done.owner is patch.owner and done.name == patch.name for done in self._done)

    def _put_in(self, patch: Patch) -> None:
        if patch.present:
            # A module imported by value what we had put in elsewhere: it is to get the same back.
            sources = [done for done in self._done if done.replacement is patch.replacement]
            if not sources:
                raise Refusal(f"{patch} is replaced already")
            patch.original = sources[0].original
        else:
            patch.put_in()
        self._done.append(patch)

    def executed(self, module: str) -> None:
        """Let go of what was patched in a module whose code has run anew."""
        for patch in [patch for patch in self._done if patch.module == module]:
            if patch.present:  # in a class that the module has no more
                patch.take_out()
            self._done.remove(patch)

    def restore(self) -> None:
        """Take all patches out, the last one first."""
        self._restore(0)

    def _restore(self, keep: int) -> None:
        lost = []
        while len(self._done) > keep:
            patch = self._done.pop()
            if not patch.present:
                lost.append(str(patch))
            patch.take_out()
        if lost:  # told at the end: a warning may be an error
            text = f"{', '.join(lost)} was replaced by others too, and theirs is gone"
            warn(text, HostWarning, stacklevel=4)
