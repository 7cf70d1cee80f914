"""Patches: all or none go in, and the very objects come back."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from fastws.adapters._patches import HostWarning, Patch, PatchSet, Refusal


class Base:
    def inherited(self) -> str:
        return "base"


class Owner(Base):
    attribute: Any = object()

    def method(self) -> str:
        return "original"

    @classmethod
    def of_class(cls) -> str:
        return "original"

    @staticmethod
    def of_nothing() -> str:
        return "original"


NAMES = ["attribute", "method", "of_class", "of_nothing"]


def ours(*args: object) -> str:
    return "ours"


@pytest.mark.parametrize("name", NAMES)
def test_the_very_object_comes_back(name: str) -> None:
    before = vars(Owner)[name]
    patches = PatchSet()
    patches.apply([Patch(Owner, name, ours)])
    assert vars(Owner)[name] is ours
    patches.restore()
    assert vars(Owner)[name] is before
    assert not patches


def test_an_inherited_attribute_is_inherited_again() -> None:
    patches = PatchSet()
    patches.apply([Patch(Owner, "inherited", ours)])
    assert Owner().inherited() == "ours"
    assert Base().inherited() == "base"
    patches.restore()
    assert "inherited" not in vars(Owner)


def test_what_another_took_out_is_not_missed() -> None:
    patch = Patch(Owner, "inherited", ours)
    patch.put_in()
    del Owner.inherited
    patch.take_out()
    assert Owner().inherited() == "base"


def test_modules_are_patched_too() -> None:
    module = ModuleType("some.module")
    module.thing = original = object()  # type: ignore[attr-defined]
    patches = PatchSet()
    patches.apply([Patch(module, "thing", ours)])
    assert module.thing is ours
    assert patches.names == ("some.module.thing",)
    patches.restore()
    assert module.thing is original


def test_names_tell_the_module_and_the_class() -> None:
    assert str(Patch(Owner, "method", ours)) == f"{__name__}.Owner.method"


def test_twice_is_once() -> None:
    before = vars(Owner)["method"]
    patches = PatchSet()
    patches.apply([Patch(Owner, "method", ours)])
    patches.apply([Patch(Owner, "method", ours), Patch(Owner, "attribute", ours)])
    assert len(patches.names) == 2
    patches.restore()
    assert vars(Owner)["method"] is before


def test_a_missing_attribute_keeps_all_out() -> None:
    before = dict(vars(Owner))
    patches = PatchSet()
    with pytest.raises(Refusal, match="Owner.missing does not exist"):
        patches.apply([Patch(Owner, "method", ours), Patch(Owner, "missing", ours)])
    assert dict(vars(Owner)) == before
    assert not patches


def test_what_others_put_on_top_is_left_by_a_second_call() -> None:
    before = vars(Owner)["method"]
    patches = PatchSet()
    patches.apply([Patch(Owner, "attribute", ours), Patch(Owner, "method", ours)])
    Owner.method = theirs = lambda self: "theirs"  # type: ignore[method-assign]
    patches.apply([Patch(Owner, "method", ours)])
    assert vars(Owner)["method"] is theirs
    # A warning is an error here, and yet all has to come back.
    with pytest.raises(HostWarning, match="Owner.method was replaced by others too"):
        patches.restore()
    assert vars(Owner)["method"] is before
    assert Owner.attribute is not ours


def test_what_an_unknown_hand_has_put_there_is_refused() -> None:
    copy = ModuleType("copy")
    copy.method = ours  # type: ignore[attr-defined]
    with pytest.raises(Refusal, match="copy.method is replaced already"):
        PatchSet().apply([Patch(copy, "method", ours)])


def test_a_copy_taken_of_a_patch_gets_the_original_too() -> None:
    before = vars(Owner)["method"]
    copy = ModuleType("copy")
    patches = PatchSet()
    patches.apply([Patch(Owner, "method", ours)])
    copy.method = Owner.method  # type: ignore[attr-defined]
    patches.apply([Patch(Owner, "method", ours), Patch(copy, "method", ours)])
    patches.restore()
    assert copy.method is before


class Stubborn(type):
    def __setattr__(cls, name: str, value: object) -> None:
        if name == "second" and value is ours:
            raise TypeError("not that one")
        super().__setattr__(name, value)


class Guarded(metaclass=Stubborn):
    first = "first"
    second = "second"


def test_an_attribute_that_cannot_be_set_keeps_all_out() -> None:
    patches = PatchSet()
    patches.apply([Patch(Owner, "attribute", ours)])
    with pytest.raises(TypeError, match="not that one"):
        patches.apply([Patch(Guarded, "first", ours), Patch(Guarded, "second", ours)])
    assert (Guarded.first, Guarded.second) == ("first", "second")
    # What an earlier call put in stays in.
    assert patches.names == (f"{__name__}.Owner.attribute",)
    patches.restore()
