"""Events as values: Text, Binary, Ping, Pong and Close, made by hand and by a decoder."""

from __future__ import annotations

import copy
import inspect
import pickle
from array import array
from types import ModuleType
from typing import Any

import pytest
from helpers import BUFFERS, Index, make_frame, outcome, released

from fastws import CloseCode, Opcode, _pure

OPCODES = {
    "Text": Opcode.TEXT,
    "Binary": Opcode.BINARY,
    "Ping": Opcode.PING,
    "Pong": Opcode.PONG,
    "Close": Opcode.CLOSE,
}
NAMES = list(OPCODES)
OF_BYTES = ["Binary", "Ping", "Pong"]


def sample(codec: ModuleType, name: str) -> Any:
    """Give an event of each kind."""
    if name == "Close":
        return codec.Close(1000, "bye")
    return getattr(codec, name)("hi" if name == "Text" else b"hi")


@pytest.mark.parametrize("name", ["Text", *OF_BYTES, "Frame"])
def test_content_is_read_without_a_call(codec: ModuleType, name: str) -> None:
    """CPython's interpreter is quick with members; it calls properties."""
    attribute = "payload" if name == "Frame" else "data"
    found = inspect.getattr_static(getattr(codec, name), attribute)
    assert inspect.ismemberdescriptor(found) or codec is _pure


# --- What they hold ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_event_has_the_opcode_it_came_with(codec: ModuleType, name: str) -> None:
    opcode = sample(codec, name).opcode
    assert opcode is OPCODES[name]
    assert type(opcode) is Opcode


@pytest.mark.parametrize("name", OF_BYTES)
@pytest.mark.parametrize("kind", BUFFERS)
def test_buffers_are_copied_to_bytes(codec: ModuleType, kind: str, name: str) -> None:
    content = bytes(range(48))
    data = getattr(codec, name)(BUFFERS[kind](content)).data
    assert data == content
    assert type(data) is bytes


@pytest.mark.parametrize("kind", BUFFERS)
def test_text_takes_str_and_buffers(codec: ModuleType, kind: str) -> None:
    content = bytes(range(48))
    data = codec.Text(BUFFERS[kind](content)).data
    assert data == content
    assert type(data) is bytes
    for text in ("", "hi", "\u20ac", "\U0001f600", "\ud800"):
        assert codec.Text(text).data is text


def test_changed_buffer_does_not_change_the_event(codec: ModuleType) -> None:
    buffer = bytearray(b"before")
    event = codec.Binary(buffer)
    buffer[:] = b"behind"
    buffer.clear()  # a BufferError if the event still held it
    assert event.data == b"before"


@pytest.mark.parametrize("wrong", [None, 5, 1.5, [1], object()])
def test_what_is_no_content_is_refused(codec: ModuleType, wrong: Any) -> None:
    kind = type(wrong).__name__
    text = f"^payload must be str or a bytes-like object, not '{kind}'$"
    with pytest.raises(TypeError, match=text):
        codec.Text(wrong)
    for name in OF_BYTES:
        with pytest.raises(TypeError, match=f"^a bytes-like object is required, not '{kind}'$"):
            getattr(codec, name)(wrong)


@pytest.mark.parametrize("name", OF_BYTES)
def test_str_is_no_binary_content(codec: ModuleType, name: str) -> None:
    with pytest.raises(TypeError, match="^a bytes-like object is required, not 'str'$"):
        getattr(codec, name)("text")


@pytest.mark.parametrize("name", ["Text", *OF_BYTES])
def test_number_is_not_a_size(codec: ModuleType, name: str) -> None:
    # bytes(50) would be 50 zeros (CVE-2016-10518).
    with pytest.raises(TypeError):
        getattr(codec, name)(50)
    with pytest.raises(ValueError):
        getattr(codec, name)(released())


@pytest.mark.parametrize("name", NAMES)
def test_content_has_to_be_given(codec: ModuleType, name: str) -> None:
    with pytest.raises(TypeError):
        getattr(codec, name)()
    with pytest.raises(TypeError):
        getattr(codec, name)(b"a", "b", "c")


def test_close_has_code_and_reason(codec: ModuleType) -> None:
    close = codec.Close(1001)
    assert (close.code, close.reason) == (1001, "")
    assert type(close.code) is int
    assert codec.Close(code=1001, reason="") == close
    assert type(codec.Close(CloseCode.GOING_AWAY).code) is int
    assert codec.Close(CloseCode.GOING_AWAY) == close
    assert codec.Close(Index(1001)) == close
    assert codec.Close(1001, "\u20ac").reason == "\u20ac"


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 65535])
def test_any_code_can_be_reported(codec: ModuleType, code: int) -> None:
    assert codec.Close(code).code == code


@pytest.mark.parametrize("code", [-1, 65536, 1 << 31, 1 << 64, -(1 << 63)])
def test_code_out_of_range_is_refused(codec: ModuleType, code: int) -> None:
    with pytest.raises(ValueError, match=f"^close code out of range: {code}$"):
        codec.Close(code)


@pytest.mark.parametrize("wrong", ["1000", 1000.0, None, b"\x03\xe8"])
def test_code_is_an_int(codec: ModuleType, wrong: Any) -> None:
    with pytest.raises(TypeError):
        codec.Close(wrong)


@pytest.mark.parametrize("wrong", [b"bye", None, 5])
def test_reason_is_a_str(codec: ModuleType, wrong: Any) -> None:
    kind = type(wrong).__name__
    with pytest.raises(TypeError, match=f"^reason must be a str, not '{kind}'$"):
        codec.Close(1000, wrong)


# --- Immutable, final ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("attribute", ["data", "code", "reason", "opcode", "other"])
def test_event_cannot_be_changed(codec: ModuleType, name: str, attribute: str) -> None:
    event = sample(codec, name)
    before = repr(event), event.opcode
    with pytest.raises(AttributeError):
        setattr(event, attribute, b"x")
    with pytest.raises(AttributeError):
        delattr(event, attribute)
    assert (repr(event), event.opcode) == before
    assert not hasattr(event, "__dict__")


@pytest.mark.parametrize("name", NAMES)
def test_event_cannot_be_initialised_again(codec: ModuleType, name: str) -> None:
    event = sample(codec, name)
    arguments = (1001, "") if name == "Close" else (b"other",)
    with pytest.raises(AttributeError, match=f"^a {name} cannot be changed$"):
        event.__init__(*arguments)
    assert event == sample(codec, name)


@pytest.mark.parametrize("name", NAMES)
def test_event_class_is_final(codec: ModuleType, name: str) -> None:
    with pytest.raises(TypeError, match=f"type '.*{name}' is not an acceptable base type"):
        type("Sub", (getattr(codec, name),), {})


# --- Equality, hash, repr ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_events_are_equal_by_what_they_carry(codec: ModuleType, name: str) -> None:
    event, same = sample(codec, name), sample(codec, name)
    assert event == same
    assert not event != same
    assert hash(event) == hash(same)
    assert len({event, same}) == 1


def test_events_of_different_kinds_are_never_equal(codec: ModuleType) -> None:
    events = [getattr(codec, name)(b"hi") for name in ("Text", *OF_BYTES)]
    events += [codec.Text("hi"), codec.Text("ho"), codec.Binary(b""), codec.Close(1000)]
    events += [codec.Close(1001), codec.Close(1000, "x")]
    for i, one in enumerate(events):
        for j, other in enumerate(events):
            assert (one == other) is (i == j)
            assert (one != other) is (i != j)
    assert len(set(events)) == len(events)


@pytest.mark.parametrize("name", NAMES)
def test_event_is_equal_to_nothing_else(codec: ModuleType, name: str) -> None:
    event = sample(codec, name)
    assert all(event != other for other in (None, "hi", b"hi", (b"hi",), (1000, "bye"), object()))
    with pytest.raises(TypeError):
        _ = event < event  # events have no order


@pytest.mark.parametrize("name", NAMES)
def test_event_lets_others_say_that_they_are_equal(codec: ModuleType, name: str) -> None:
    class Equal:
        def __eq__(self, other: object) -> bool:
            return True

    event = sample(codec, name)
    assert event == Equal()
    others = [sample(codec, other) for other in NAMES if other != name]
    for other in ((1000, "bye"), codec.Frame(1, b"hi"), *others):
        assert event.__eq__(other) is NotImplemented


def test_hash_is_that_of_the_fields(codec: ModuleType) -> None:
    for name, data in (("Text", "hi"), ("Text", b"hi"), ("Binary", b"hi"), ("Pong", b"")):
        event = getattr(codec, name)(data)
        assert hash(event) == hash((OPCODES[name], data))
    assert hash(codec.Close(1000, "bye")) == hash((Opcode.CLOSE, 1000, "bye"))


def test_events_show_themselves(codec: ModuleType) -> None:
    assert repr(codec.Text("hi")) == str(codec.Text("hi")) == "Text(data='hi')"
    assert repr(codec.Text(b"hi")) == "Text(data=b'hi')"
    assert repr(codec.Binary(array("B", [1, 255]))) == "Binary(data=b'\\x01\\xff')"
    assert repr(codec.Ping(b"")) == "Ping(data=b'')"
    assert repr(codec.Pong(b"p")) == "Pong(data=b'p')"
    assert repr(codec.Close(CloseCode.NORMAL_CLOSURE, "bye")) == "Close(code=1000, reason='bye')"


# --- match, pickle, copy -------------------------------------------------------------------------


def test_events_are_matched_by_position_and_by_name(codec: ModuleType) -> None:
    text, binary, ping, pong, close = (getattr(codec, name) for name in NAMES)

    def told(event: Any) -> Any:
        match event:
            case text(data):
                return "text", data
            case binary(data=data, opcode=2):
                return "binary", data
            case ping(data) | pong(data):
                return "control", data
            case close(1000, reason):
                return "fine", reason
            case close(code):
                return "closed", code

    assert told(codec.Text("hi")) == ("text", "hi")
    assert told(codec.Binary(b"b")) == ("binary", b"b")
    assert told(codec.Ping(b"1")) == told(codec.Pong(b"1")) == ("control", b"1")
    assert told(codec.Close(1000, "bye")) == ("fine", "bye")
    assert told(codec.Close(1001, "bye")) == ("closed", 1001)
    assert text.__match_args__ == ("data",)
    assert close.__match_args__ == ("code", "reason")


@pytest.mark.parametrize("name", NAMES)
def test_events_survive_pickling_and_copying(codec: ModuleType, name: str) -> None:
    event = sample(codec, name)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(event, protocol))
        assert again == event
        assert type(again) is type(event)
    assert copy.copy(event) == copy.deepcopy(event) == event


# --- From a decoder ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut"])
def test_decoder_gives_what_a_call_would_make(codec: ModuleType, cut: bool, name: str) -> None:
    expected = sample(codec, name)
    payload = b"\x03\xe8bye" if name == "Close" else b"hi"
    wire = make_frame(OPCODES[name], payload)
    decoder = codec.MessageDecoder("client")
    decoder.feed(wire[:3] if cut else wire)
    events = list(decoder)
    decoder.feed(wire[3:] if cut else b"")
    (event,) = [*events, *decoder]
    assert event == expected
    assert type(event) is type(expected) is getattr(codec, name)
    assert (hash(event), repr(event)) == (hash(expected), repr(expected))
    assert event.opcode is OPCODES[name]
    for attribute in event.__match_args__:
        with pytest.raises(AttributeError):
            setattr(event, attribute, b"x")
    arguments = (1001, "") if name == "Close" else (b"other",)
    with pytest.raises(AttributeError):
        event.__init__(*arguments)


def shown(back_end: ModuleType, name: str, *args: Any) -> str:
    """Make an event, and give what it shows of itself."""
    return repr(getattr(back_end, name)(*args))


@pytest.mark.parametrize("name", NAMES)
def test_twins_make_and_refuse_alike(codec: ModuleType, name: str) -> None:
    values: list[Any] = [b"", "", b"x", "x", 0, 5, 65536, -1, None, 1.5, True, [], {}, Index(7)]
    for first in values:
        assert outcome(shown, codec, name, first) == outcome(shown, _pure, name, first)
        for second in values if name == "Close" else ():
            ours = outcome(shown, codec, name, first, second)
            assert ours == outcome(shown, _pure, name, first, second)
