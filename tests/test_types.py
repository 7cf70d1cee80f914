"""The names that both back ends share, and that the back ends themselves are twins."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections import namedtuple
from types import ModuleType
from typing import Any

import pytest

import fastws
from fastws import _pure, _types

CLOSE_CODES = {
    "NORMAL_CLOSURE": 1000,
    "GOING_AWAY": 1001,
    "PROTOCOL_ERROR": 1002,
    "UNSUPPORTED_DATA": 1003,
    "NO_STATUS_RECEIVED": 1005,
    "ABNORMAL_CLOSURE": 1006,
    "INVALID_PAYLOAD": 1007,
    "POLICY_VIOLATION": 1008,
    "MESSAGE_TOO_BIG": 1009,
    "MANDATORY_EXTENSION": 1010,
    "INTERNAL_ERROR": 1011,
    "SERVICE_RESTART": 1012,
    "TRY_AGAIN_LATER": 1013,
    "BAD_GATEWAY": 1014,
    "TLS_HANDSHAKE": 1015,
}

ERRORS = [
    (fastws.CodecError, Exception, 1002),
    (fastws.ProtocolError, fastws.CodecError, 1002),
    (fastws.InvalidUtf8Error, fastws.CodecError, 1007),
    (fastws.PayloadTooBigError, fastws.CodecError, 1009),
]

FUNCTIONS = [
    "apply_mask",
    "decode_text",
    "encode_close",
    "encode_frame",
    "encode_header",
    "mask_inplace",
    "new_mask_key",
    "parse_header",
    "validate_utf8",
]
CLASSES = ["Frame", "FrameDecoder", "Utf8Validator"]


# --- Constants and errors ------------------------------------------------------------------------


def test_opcodes() -> None:
    expected = {"CONTINUATION": 0, "TEXT": 1, "BINARY": 2, "CLOSE": 8, "PING": 9, "PONG": 10}
    assert {member.name: int(member) for member in fastws.Opcode} == expected


def test_close_codes() -> None:
    assert {member.name: int(member) for member in fastws.CloseCode} == CLOSE_CODES


def test_states() -> None:
    expected = {"CONNECTING": 0, "OPEN": 1, "CLOSING": 2, "CLOSED": 3}
    assert {member.name: int(member) for member in fastws.State} == expected


def test_reserved_bits() -> None:
    assert (fastws.RSV1, fastws.RSV2, fastws.RSV3) == (0x40, 0x20, 0x10)


def test_frame_header() -> None:
    fields = ("fin", "rsv", "opcode", "masked", "mask", "payload_length", "header_length")
    assert issubclass(fastws.FrameHeader, tuple)
    assert fastws.FrameHeader._fields == fields


@pytest.mark.parametrize(("error", "base", "code"), ERRORS)
def test_errors(error: type[fastws.CodecError], base: type[Exception], code: int) -> None:
    assert error.__bases__ == (base,)
    assert not issubclass(error, (TypeError, ValueError))
    made = error("what is wrong")
    assert (made.close_code, made.reason, str(made)) == (code, "what is wrong", "what is wrong")
    assert (error().reason, error().close_code, error().args) == ("", code, ("",))
    assert str(error(reason="what is wrong")) == "what is wrong"


@pytest.mark.parametrize(("error", "base", "code"), ERRORS)
def test_errors_can_be_copied_and_pickled(
    error: type[fastws.CodecError], base: type[Exception], code: int
) -> None:
    made = error("what is wrong")
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert type(other) is error
        assert (other.close_code, other.reason, other.args) == (code, made.reason, made.args)


def test_a_header_does_what_a_named_tuple_does(codec: ModuleType) -> None:
    header = codec.parse_header(b"\x81\x05")
    like = namedtuple("FrameHeader", header._fields)(*header)  # type: ignore[misc]
    assert repr(header) == repr(like)
    assert header._asdict() == like._asdict()
    changed = header._replace(fin=False, opcode=2)
    assert changed == like._replace(fin=False, opcode=2) != header
    assert type(changed) is type(header._make(like)) is type(header)
    assert header._make(iter(like)) == header
    with pytest.raises(TypeError):
        header._replace(size=1)


def test_headers_and_enums_can_be_pickled(codec: ModuleType) -> None:
    header = codec.parse_header(b"\x81\x80abcd")
    copied = pickle.loads(pickle.dumps(header))
    assert copied == header
    assert type(copied) is fastws.FrameHeader
    assert copied.opcode is fastws.Opcode.TEXT


def test_the_public_names_are_the_shared_ones() -> None:
    for name in _types.__all__:
        assert getattr(fastws, name) is getattr(_types, name)
        assert name in fastws.__all__
    for name in FUNCTIONS + CLASSES:
        assert name in fastws.__all__


# --- Twins ---------------------------------------------------------------------------------------


def parameters(call: Any) -> list[tuple[str, Any, Any]]:
    """Give the names, kinds and defaults of a callable's parameters."""
    found = inspect.signature(call).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in found]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_same_parameters(codec: ModuleType, name: str) -> None:
    assert parameters(getattr(codec, name)) == parameters(getattr(_pure, name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_documented_in_the_same_words(codec: ModuleType, name: str) -> None:
    text = inspect.getdoc(getattr(codec, name))
    assert text
    assert text == inspect.getdoc(getattr(_pure, name))


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_documented_in_the_same_words(codec: ModuleType, name: str) -> None:
    one, other = getattr(codec, name), getattr(_pure, name)
    assert inspect.getdoc(one)
    assert inspect.getdoc(one) == inspect.getdoc(other)
    # The members that are there to be used, and what is said about each.
    public = [member for member in dir(other) if not member.startswith("_")]
    assert [member for member in dir(one) if not member.startswith("_")] == public
    for member in public:
        assert inspect.getdoc(getattr(one, member)) == inspect.getdoc(getattr(other, member))
