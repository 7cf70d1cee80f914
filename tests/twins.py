"""What decoders show, and how they are driven: for tests that hold twins against each other.

Nothing here chooses anything: property tests and fuzzers both drive it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastws import CodecError

Events = list[tuple[Any, ...]]


def plain(event: Any) -> tuple[Any, ...]:
    """Give an event as its name and its fields, of which the types count as well."""
    fields = [getattr(event, name) for name in event.__match_args__]
    return (type(event).__name__, *fields)


def run_dry(decoder: Any) -> tuple[Events, CodecError | None]:
    """Give the events that are whole, and the error that broke the stream, or None."""
    events: Events = []
    try:
        for event in decoder:
            events.append(plain(event))
    except CodecError as error:
        return events, error
    return events, None


def carried(item: Any) -> Any:
    """Give what a frame or an event carries."""
    return item.payload if hasattr(item, "payload") else item.data


def payload_of(item: Any) -> bytes:
    """Give it as bytes."""
    content = carried(item)
    return content.encode() if isinstance(content, str) else content


def contents(decoder: Any) -> list[bytes]:
    """Give what a decoder has, as bytes."""
    return [payload_of(item) for item in decoder]


def frame_state(decoder: Any) -> tuple[Any, ...]:
    """Give all that a FrameDecoder shows."""
    header = decoder.header
    kinds = None if header is None else [type(field) for field in header]
    shown = (decoder.buffered, header, kinds, decoder.partial_header, decoder.max_payload_size)
    return (*shown, decoder.role, decoder.rsv, decoder.strict)


def frame_fields(frame: Any) -> tuple[Any, ...]:
    """Give what a frame shows, with the types."""
    values = (frame.opcode, frame.payload, frame.fin, frame.rsv, frame.masked)
    return (*values, *map(type, values), hash(frame), repr(frame))


def message_state(decoder: Any) -> tuple[Any, ...]:
    """Give all that a MessageDecoder shows."""
    header = decoder.header
    kinds = None if header is None else [type(field) for field in header]
    shown = (decoder.buffered, header, kinds, decoder.partial_header)
    options = (decoder.role, decoder.text, decoder.validate_utf8)
    return (*shown, *options, decoder.max_message_size, decoder.max_fragments)


def event_fields(event: Any) -> tuple[Any, ...]:
    """Give what an event shows, with the types."""
    shown = plain(event)
    return (*shown, *map(type, shown), event.opcode, hash(event), repr(event))


def ask(decoder: Any, most: int, fields: Callable[[Any], Any]) -> list[Any]:
    """Ask for at most so many frames or events; give them, and how it ended."""
    seen: list[Any] = []
    for _ in range(most):
        try:
            seen.append(fields(next(decoder)))
        except StopIteration:
            return [*seen, "dry"]
        except CodecError as error:
            return [*seen, (type(error), str(error), error.reason, error.close_code)]
    return seen


def read_into(decoders: list[Any], data: bytes, sizehint: int = -1) -> int:
    """Write data into the buffer of each decoder, as much as fits all; give how much."""
    views = [decoder.get_buffer(sizehint) for decoder in decoders]
    size = min(len(data), *map(len, views))
    for decoder, view in zip(decoders, views, strict=True):
        view[:size] = data[:size]
        decoder.buffer_updated(size)
    return size
