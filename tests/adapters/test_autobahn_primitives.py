"""autobahn's validators and maskers: the stock ones of both forms and ours have to agree."""

from __future__ import annotations

from array import array
from importlib import import_module
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

pytest.importorskip("autobahn")

from fastws.adapters import _autobahn_primitives as ours
from fastws.adapters import autobahn as adapter

KEY = b"\x11\x22\x33\x44"


def stock_forms() -> dict[str, Any]:
    """Give the stock validators that autobahn may have in use here."""
    found = {ours.STOCK_VALIDATOR.__module__: ours.STOCK_VALIDATOR}
    if not hasattr(import_module("autobahn.websocket"), "USES_NVX"):
        return found  # it has a compiled one, but makes no use of it
    try:
        import_module("_nvx_utf8validator")
    except ImportError:
        return found
    return {**found, "nvx": import_module("autobahn.nvx").Utf8Validator}


FORMS = stock_forms()
forms = pytest.mark.parametrize("form", FORMS)

pieces = st.sampled_from(
    [b"", b"a", b"\xc3\xa4", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xe2\x82", b"\x82", b"\xf0"]
    + [b"\xed\xa0\x80", b"\xff", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xf4\x8f", b"\xbf\xbf"]
    + [b"\xe0", b"x" * 70, b"\xc3\xa4" * 40]
)
chunks = st.lists(pieces | st.lists(pieces).map(b"".join) | st.binary(max_size=6), max_size=8)


@forms
@given(chunks)
@example([b"ab\xff", b"", b"a"])
@example([b"\xc0\x80", b"\x80"])
@example([b"\xf4\x90\x80\x80"])
@example([b"a\xed\xa0\x80"])
@example([b"\xe2\x82", b"\xac"])
@example([b"\xe2", b"\x82", b"A", b""])
@example([b""])
def test_verdicts(form: str, chunks: list[bytes]) -> None:
    stock, fast = FORMS[form](), ours.counterpart(FORMS[form])()
    for _ in range(2):
        for chunk in chunks:
            assert fast.validate(chunk) == stock.validate(chunk)
        stock.reset()
        fast.reset()


def pure() -> Any:
    """Give the stock validator that is written in Python."""
    if not hasattr(ours.STOCK_VALIDATOR, "decode"):
        pytest.skip("the compiled one is in use; see the run without it")
    return ours.STOCK_VALIDATOR()


@given(chunks, st.binary(max_size=6), chunks)
@example([b"a\xe2\x82"], b"\xacz", [b"a"])
def test_octet_by_octet(before: list[bytes], octets: bytes, after: list[bytes]) -> None:
    stock, fast = pure(), ours.Utf8Validator()
    for chunk in before:
        assert fast.validate(chunk) == stock.validate(chunk)
    for octet in octets:
        assert fast.decode(octet) == stock.decode(octet)
    for chunk in after:
        assert fast.validate(chunk) == stock.validate(chunk)
    stock.reset()
    fast.reset()
    for chunk in after:
        assert fast.validate(chunk) == stock.validate(chunk)


def test_a_validator_of_another_package_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    class Validator:
        pass

    assert ours.counterpart(Validator) is Validator
    monkeypatch.setattr(ours, "Utf8Validator", ours.STOCK_VALIDATOR)
    assert not [patch for patch in adapter.patches() if patch.name == "Utf8Validator"]


@pytest.mark.parametrize("refused", ["text", None, 3])
def test_what_is_no_data_is_refused(refused: Any) -> None:
    for make in (ours.STOCK_VALIDATOR, ours.Utf8Validator):
        with pytest.raises(TypeError):
            make().validate(refused)


@given(st.binary(min_size=4, max_size=4), st.lists(st.binary(max_size=200), max_size=5))
def test_masks(mask: bytes, chunks: list[bytes]) -> None:
    for length in (None, 3, 1000):
        stock = ours.STOCK_CREATE_XOR_MASKER(mask, length)
        fast = ours.create_xor_masker(mask, length)
        assert type(fast) is ours.XorMasker
        for _ in range(2):
            for chunk in chunks:
                for data in (chunk, bytearray(chunk), memoryview(chunk)):
                    found = fast.process(data)
                    assert found == stock.process(data)
                    assert type(found) is bytes
                    assert fast.pointer() == stock.pointer()
            stock.reset()
            fast.reset()
            assert fast.pointer() == stock.pointer() == 0


@pytest.mark.parametrize("length", [5, 500])
@pytest.mark.parametrize(
    "data", ["text", None, 3, [1, 2, 3], array("H", [1, 258]), array("b", b"ab")]
)
def test_what_else_there_is_to_mask(data: Any, length: int) -> None:
    def outcome(make: Any) -> list[Any]:
        masker = make(KEY, length)
        found = [masker.process(b"five!")]
        try:
            found.append(masker.process(data))
        except Exception as error:
            found += [type(error), str(error)]
        return [*found, masker.pointer()]

    assert outcome(ours.create_xor_masker) == outcome(ours.STOCK_CREATE_XOR_MASKER)


@pytest.mark.parametrize(
    "mask", [b"", b"abc", b"abcde", bytearray(KEY), memoryview(KEY), "abcd", None]
)
def test_masks_are_refused_in_the_same_words(mask: Any) -> None:
    def outcome(make: Any) -> Any:
        try:
            return make(mask, 5).process(b"hello")
        except Exception as error:
            return type(error), str(error)

    assert outcome(ours.create_xor_masker) == outcome(ours.STOCK_CREATE_XOR_MASKER)
