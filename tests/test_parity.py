"""The compiled back end against its pure twin: the same results, errors, texts and states.

Where the two differ, an attacker can tell them apart, and may pass one where the other refuses.
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers import make_frame, naive_header, outcome
from hypothesis import given
from hypothesis import strategies as st
from twins import ask, frame_fields, frame_state, read_into

import fastws
from fastws import RSV1, RSV2, _pure

if os.environ.get("FASTWS_NO_EXTENSIONS", "") not in ("", "0"):
    pytest.skip("FASTWS_NO_EXTENSIONS: there is one back end only", allow_module_level=True)
_codec = importlib.import_module("fastws._codec")

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
EVENTS = ["Binary", "Close", "Ping", "Pong", "Text"]
CLASSES = ["Frame", "FrameDecoder", "MessageDecoder", "Utf8Validator", *EVENTS]


@pytest.fixture(params=_codec.levels())
def core(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """Give the compiled back end at each level; the twin is not compared with itself."""
    before = _codec._level()
    _codec._use_level(request.param)
    yield _codec
    _codec._use_level(before)


# --- Decoders, step by step ----------------------------------------------------------------------

KEYS = st.sampled_from([b"\x37\xfa\x21\x3d", bytes(4), b"\xff\x00\x80\x7f", None])
SIZES = st.sampled_from([0, 1, 5, 64, 125, 126, 127, 300, 5000])
LENGTHS = st.sampled_from(
    [0, 1, 125, 126, 127, 255, 65535, 65536, 70_000, (1 << 64) - 1]
    + [(1 << bits) + more for bits in (31, 32, 62, 63) for more in (-65, -64, -1, 0, 1)]
)


@st.composite
def frame(draw: st.DrawFn) -> bytes:
    """Draw a frame, mostly a legal one."""
    opcode = draw(st.sampled_from([0, 1, 2, 1, 2, 8, 9, 10, 3, 11, 15]))
    fin = draw(st.sampled_from([True, True, True, False]))
    rsv = draw(st.sampled_from([0, 0, 0, 0, 0x40, 0x20, 0x10, 0x70]))
    size = draw(SIZES)
    form = draw(st.sampled_from([None, None, None, None, 16, 64]))
    if form == 16 and size > 65535:
        form = None
    return make_frame(opcode, bytes(size), fin=fin, rsv=rsv, mask=draw(KEYS), form=form)


@st.composite
def bare_header(draw: st.DrawFn) -> bytes:
    """Draw a header that declares any length, in a form that holds it."""
    length = draw(LENGTHS)
    return naive_header(draw(st.integers(0, 15)), length, mask=draw(KEYS)) + draw(
        st.binary(max_size=10)
    )


@st.composite
def mutated_stream(draw: st.DrawFn) -> bytes:
    """Draw frames, and break what they are made of: bits, bytes, pieces."""
    parts = draw(st.lists(st.one_of(frame(), frame(), frame(), bare_header()), max_size=5))
    stream = bytearray(b"".join(parts))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 4]))):
        if not stream:
            break
        at = draw(st.integers(0, len(stream) - 1))
        kind = draw(st.sampled_from(["flip", "set", "cut", "insert", "repeat"]))
        if kind == "flip":
            stream[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "set":
            stream[at] = draw(st.sampled_from([0, 1, 0x7D, 0x7E, 0x7F, 0x80, 0xFE, 0xFF]))
        elif kind == "cut":
            del stream[at : at + draw(st.integers(1, 20))]
        elif kind == "insert":
            stream[at:at] = draw(st.binary(min_size=1, max_size=14))
        else:
            stream[at:at] = stream[at : at + draw(st.integers(1, 14))]
    return bytes(stream)


STEPS = st.sampled_from(["feed", "feed", "next", "loop", "loop", "read", "limit"])
LIMITS = st.sampled_from([None, 1 << 20, 1 << 20, 65535, 126, 125, 1, 0])


@given(data=st.data())
def test_decoders_agree_after_each_step(core: ModuleType, data: st.DataObject) -> None:
    stream = data.draw(mutated_stream())
    role = data.draw(st.sampled_from([None, None, "server", "client"]))
    options = {
        "max_payload_size": data.draw(LIMITS),
        "rsv": data.draw(st.sampled_from([0, RSV1, RSV1 | RSV2, 0x70])),
        "strict": data.draw(st.booleans()),
    }
    pair = [back_end.FrameDecoder(role, **options) for back_end in (core, _pure)]
    while stream:
        step = data.draw(STEPS)
        piece = stream[: data.draw(st.sampled_from([1, 2, 3, 4, 6, 10, 14, 50, 1000, 100_000]))]
        if step == "feed":
            for decoder in pair:
                decoder.feed(piece)
            stream = stream[len(piece) :]
        elif step == "read":
            stream = stream[read_into(pair, piece) :]
        elif step == "limit":
            limit = data.draw(LIMITS)
            for decoder in pair:
                decoder.max_payload_size = limit
        else:
            compiled, pure = (
                ask(decoder, 1 if step == "next" else 1000, frame_fields) for decoder in pair
            )
            assert compiled == pure
        assert frame_state(pair[0]) == frame_state(pair[1])
    compiled, pure = (ask(decoder, 1000, frame_fields) for decoder in pair)
    assert compiled == pure
    assert frame_state(pair[0]) == frame_state(pair[1])


@pytest.mark.parametrize("role", ["server", "client", None])
def test_decoders_agree_on_every_start_of_a_header(core: ModuleType, role: str | None) -> None:
    for first in range(256):
        for short in (0, 5, 100, 101, 125, 126, 127):
            data = bytes([first, short + 0x80 * (role == "server")]) + b"\x00\x7f\x80\xff" * 4
            for rsv in (0, RSV1, 0x70):
                seen = []
                for back_end in (core, _pure):
                    decoder = back_end.FrameDecoder(role, rsv=rsv, max_payload_size=100)
                    decoder.feed(data)
                    seen.append((ask(decoder, 30, frame_fields), frame_state(decoder)))
                assert seen[0] == seen[1]


# --- Functions -----------------------------------------------------------------------------------

ANYTHING = st.one_of(
    st.binary(max_size=6),
    st.text(max_size=3),
    st.integers(-5, 20),
    st.sampled_from([1 << 16, 1 << 63, 1 << 64, -(1 << 63), 1.5, None, True, False, [], b"1234"]),
    st.binary(max_size=8).map(lambda b: memoryview(b)[::2]),
    st.binary(max_size=8).map(bytearray),
)


def both(core: ModuleType, name: str, *args: Any, **kwargs: Any) -> None:
    """Hold that a function gives or raises the same in both back ends."""
    compiled = outcome(getattr(core, name), *args, **kwargs)
    assert compiled == outcome(getattr(_pure, name), *args, **kwargs)


@given(stream=mutated_stream(), offset=st.integers(-3, 40))
def test_parse_header_agrees(core: ModuleType, stream: bytes, offset: int) -> None:
    both(core, "parse_header", stream, offset)
    for size in range(15):
        both(core, "parse_header", stream[:size])


@given(opcode=ANYTHING, payload=ANYTHING, fin=st.booleans(), rsv=ANYTHING)
@pytest.mark.parametrize("mask", [None, False, b"\x01\x02\x03\x04", b"123", "1234", 7])
def test_encode_frame_agrees(
    core: ModuleType, mask: Any, opcode: Any, payload: Any, fin: bool, rsv: Any
) -> None:
    both(core, "encode_frame", opcode, payload, fin=fin, rsv=rsv, mask=mask)
    for legal in (1, 9):
        both(core, "encode_frame", legal, payload, mask=mask)
    both(core, "encode_frame", opcode, b"", rsv=0x20, mask=mask)
    both(core, "encode_header", 2, payload, mask=mask)
    both(core, "encode_header", opcode, payload, fin=fin, rsv=rsv, mask=mask)


@given(code=st.one_of(ANYTHING, st.integers(990, 5010)), reason=ANYTHING)
def test_encode_close_agrees(core: ModuleType, code: Any, reason: Any) -> None:
    both(core, "encode_close", code, reason)
    both(core, "encode_close", 1000, reason, mask=b"abcd")
    both(core, "encode_close", code)
    both(core, "encode_frame", 8, reason)


@given(data=ANYTHING, mask=ANYTHING, offset=ANYTHING)
def test_masking_agrees(core: ModuleType, data: Any, mask: Any, offset: Any) -> None:
    both(core, "apply_mask", data, mask, offset)
    both(core, "apply_mask", data, b"\x01\x02\x03\x04", offset)
    both(core, "apply_mask", b"payload", mask)
    copies = [bytearray(b"payload"), bytearray(b"payload")]
    ends = [
        outcome(back_end.mask_inplace, copy, mask, offset)
        for back_end, copy in zip((core, _pure), copies, strict=True)
    ]
    assert ends[0] == ends[1]
    assert copies[0] == copies[1]
    both(core, "mask_inplace", data, b"\x01\x02\x03\x04", 1)


@given(data=ANYTHING, pieces=st.lists(st.binary(max_size=5), max_size=5))
def test_text_agrees(core: ModuleType, data: Any, pieces: list[bytes]) -> None:
    for value in (data, b"\xe2\x82\xac".join(pieces), "\u20ac\U0001f600x".encode()[: len(pieces)]):
        both(core, "validate_utf8", value)
        both(core, "decode_text", value)
        both(core, "decode_text", value, b"\x00\x80\x01\xff")
    both(core, "decode_text", b"text", data)
    validators = [core.Utf8Validator(), _pure.Utf8Validator()]
    for piece in [*pieces, data, b""]:
        ends = [outcome(validator.feed, piece) for validator in validators]
        assert ends[0] == ends[1]
        assert validators[0].complete is validators[1].complete
        assert validators[0].position == validators[1].position


def made(call: Callable[..., Any], show: Callable[[Any], Any], **kwargs: Any) -> Any:
    """Make an object; give what it shows, or the type and the text of what is raised."""
    return outcome(lambda: show(call(**kwargs)))


@given(opcode=ANYTHING, payload=ANYTHING, fin=ANYTHING, rsv=ANYTHING, masked=ANYTHING)
def test_frame_construction_agrees(core: ModuleType, **kwargs: Any) -> None:
    assert made(core.Frame, frame_fields, **kwargs) == made(_pure.Frame, frame_fields, **kwargs)
    kwargs["opcode"] = 2
    assert made(core.Frame, frame_fields, **kwargs) == made(_pure.Frame, frame_fields, **kwargs)


@given(role=ANYTHING, max_payload_size=ANYTHING, rsv=ANYTHING, strict=ANYTHING)
def test_decoder_construction_agrees(core: ModuleType, **kwargs: Any) -> None:
    for known in ({}, {"role": "server"}, {"role": "server", "rsv": RSV1}):
        kwargs |= known
        made_by = [made(c.FrameDecoder, frame_state, **kwargs) for c in (core, _pure)]
        assert made_by[0] == made_by[1]


@given(data=ANYTHING, size=ANYTHING)
def test_wrong_use_of_a_decoder_agrees(core: ModuleType, data: Any, size: Any) -> None:
    pair = [core.FrameDecoder("client"), _pure.FrameDecoder("client")]
    for name, args in (
        ("feed", (data,)),
        ("buffer_updated", (size,)),
        ("get_buffer", ()),
        ("buffer_updated", (size,)),
    ):
        ends = [outcome(getattr(decoder, name), *args)[:3:2] for decoder in pair]
        assert name == "get_buffer" or ends[0] == ends[1]
        assert frame_state(pair[0]) == frame_state(pair[1])


# --- What the documentation says -----------------------------------------------------------------


def parameters(call: Any) -> list[tuple[str, Any, Any]]:
    """Give the names, kinds and defaults of what a callable takes."""
    return [(p.name, p.kind, p.default) for p in inspect.signature(call).parameters.values()]


def members(owner: type) -> list[str]:
    """Name the public members of a class, as dir() shows them."""
    return [name for name in dir(owner) if not name.startswith("_")]


def test_public_names_are_all_compared(core: ModuleType) -> None:
    named = set(FUNCTIONS) | set(CLASSES)
    offered = {name for name in fastws.__all__ if hasattr(core, name) and hasattr(_pure, name)}
    of_types = {name for name in dir(fastws._types) if not name.startswith("_")}
    assert offered - of_types == named


@pytest.mark.parametrize("name", FUNCTIONS + CLASSES)
def test_documentation_is_the_same(core: ModuleType, name: str) -> None:
    compiled, pure = getattr(core, name), getattr(_pure, name)
    assert inspect.getdoc(compiled)
    assert inspect.getdoc(compiled) == inspect.getdoc(pure)
    assert parameters(compiled) == parameters(pure)
    assert compiled.__name__ == pure.__name__ == name


@pytest.mark.parametrize("owner", CLASSES)
def test_members_are_the_same(core: ModuleType, owner: str) -> None:
    compiled, pure = getattr(core, owner), getattr(_pure, owner)
    assert members(compiled) == members(pure)
    for name in members(compiled):
        ours, theirs = (inspect.getattr_static(kind, name) for kind in (compiled, pure))
        assert callable(ours) == callable(theirs), name
        assert inspect.getdoc(ours) == inspect.getdoc(theirs), name
        if callable(ours):  # a compiled method's self cannot be named, so it is left out
            assert inspect.getdoc(ours), name
            assert parameters(ours)[1:] == parameters(theirs)[1:], name
