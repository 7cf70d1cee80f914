"""Threads on one object: a correct result or a clear error, never a crash (S26).

An object is for one thread at a time. Where two come together all the same, the compiled core does
one step at a time, under the GIL or a lock of its own; the pure twin has the GIL's help only. A
step that would begin in the midst of another is refused, and neither of them is the worse for it.
"""

from __future__ import annotations

import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame
from twins import payload_of

from fastws import CodecError, Connection, ProtocolError, _pure
from fastws.deflate import Deflate, PerMessageDeflate

KEY = bytes.fromhex("37fa213d")
WITH_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()
DECODERS = ["FrameDecoder", "MessageDecoder"]


@pytest.fixture(autouse=True)
def hurry(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    if not WITH_GIL and "python" in request.node.name:
        pytest.skip("without the GIL, the pure twin does not see a second thread")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def together(*works: Callable[[], Any]) -> None:
    """Run each work in a thread of its own; raise what one of them raises."""
    start = threading.Barrier(len(works))
    errors: list[BaseException] = []

    def run(work: Callable[[], Any]) -> None:
        start.wait()
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a thread does not come to its end"
    if errors:
        raise errors[0]


def unless_in_use(call: Callable[..., Any], *args: Any) -> Any:
    """Call what another thread may keep from being done; None where it does."""
    try:
        return call(*args)
    except RuntimeError as error:
        assert str(error).startswith("the decoder is in use")
        return None


def step(decoder: Any) -> Any:
    """Take a step; None where there is nothing, or where another thread is in one."""
    return unless_in_use(next, decoder, None)


def numbered(count: int, opcode: int) -> list[bytes]:
    """Make frames whose payloads are their numbers, of sizes on both sides of 125."""
    return [make_frame(opcode, b"%06d" % n * (1 + n % 40), mask=KEY) for n in range(count)]


def taking(decoder: Any, count: int) -> list[Callable[[], None]]:
    """Give two works that take from a decoder until that many came in all; they check order."""
    total = [0, 0]

    def take(which: int) -> None:
        before = -1
        end = time.monotonic() + 50
        while sum(total) < count and time.monotonic() < end:
            item = step(decoder)
            if item is not None:
                data = payload_of(item)
                number = int(data[:6])
                assert data == b"%06d" % number * (1 + number % 40)
                assert number > before
                before = number
                total[which] += 1
        assert sum(total) == count

    return [lambda: take(0), lambda: take(1)]


@pytest.mark.parametrize("opcode", [1, 2])
@pytest.mark.parametrize("kind", DECODERS)
def test_s26_two_threads_take_what_a_third_feeds(codec: ModuleType, kind: str, opcode: int) -> None:
    frames = numbered(1500, opcode)
    decoder = getattr(codec, kind)("server")

    def feed() -> None:
        for piece in cuts(b"".join(frames), 97):
            decoder.feed(piece)

    together(feed, *taking(decoder, len(frames)))
    assert decoder.buffered == 0


@pytest.mark.parametrize("kind", DECODERS)
def test_s26_two_threads_take_what_a_third_reads_into_place(codec: ModuleType, kind: str) -> None:
    """Payloads are larger than what get_buffer() needs to give their own memory."""
    sent = [b"%06d" % n * 5000 for n in range(25)]
    decoder = getattr(codec, kind)("server")
    found: list[bytes] = []

    def read() -> None:
        for data in sent:
            wire = make_frame(2, data, mask=KEY)
            while wire:
                while (view := unless_in_use(decoder.get_buffer)) is None:
                    pass
                size = min(len(view), len(wire), 7001)
                view[:size] = wire[:size]
                while unless_in_use(lambda size=size: decoder.buffer_updated(size) or "") is None:
                    pass
                wire = wire[size:]

    def take() -> None:
        end = time.monotonic() + 50
        while len(found) < len(sent) and time.monotonic() < end:
            item = step(decoder)
            if item is not None:
                found.append(payload_of(item))

    together(read, take, take)
    assert sorted(found) == sent


@pytest.mark.parametrize("kind", DECODERS)
def test_s26_two_threads_feed_and_take(codec: ModuleType, kind: str) -> None:
    decoder = getattr(codec, kind)("client")
    found: list[bytes] = []

    def work() -> None:
        for number in range(600):
            decoder.feed(make_frame(1, b"%04d" % number) + make_frame(9, b"%04d" % number))
            while (item := step(decoder)) is not None:
                found.append(payload_of(item))
            assert type(decoder.buffered) is int
            header = decoder.header
            assert header is None or header.opcode in (1, 9)

    together(work, work, work)
    found += [payload_of(item) for item in decoder]
    assert sorted(found) == sorted([b"%04d" % number for number in range(600)] * 6)


def test_s26_a_step_beside_the_inflater_is_refused(codec: ModuleType) -> None:
    """zlib works without the GIL: another thread comes by in the midst of a message."""
    settings = PerMessageDeflate()
    sender = Deflate(settings)
    texts = [str(n) * 3000 for n in range(300)]
    wire = b"".join(
        make_frame(1, sender.compress(text.encode()), rsv=0x40, mask=KEY) for text in texts
    )
    decoder = codec.MessageDecoder("server", deflate=Deflate(settings))
    decoder.feed(wire)
    found: list[str] = []

    def take() -> None:
        end = time.monotonic() + 50
        while len(found) < len(texts) and time.monotonic() < end:
            event = step(decoder)
            if event is not None:
                found.append(event.data)

    together(take, take, take)
    assert sorted(found) == sorted(texts)


def test_s26_the_thread_that_is_inside_is_not_disturbed(codec: ModuleType) -> None:
    """The refusal, without luck: the inflater waits until another thread has been refused."""
    asked, refused = threading.Event(), threading.Event()

    class Waits:
        def decompress(self, payload: bytes, *, limit: int, fin: bool) -> bytes:
            asked.set()
            assert refused.wait(20)
            return zlib.decompress(payload, -15)

    def other() -> None:
        assert asked.wait(20)
        with pytest.raises(RuntimeError, match="^the decoder is in use"):
            next(decoder)
        decoder.feed(make_frame(2, b"later"))
        refused.set()

    packer = zlib.compressobj(wbits=-15)
    wire = make_frame(1, packer.compress(b"text") + packer.flush(), rsv=0x40)
    decoder = codec.MessageDecoder("client", deflate=Waits())
    decoder.feed(wire + make_frame(9, b"ping"))
    found: list[Any] = []
    together(lambda: found.append(next(decoder)), other)
    found += decoder
    assert found == [codec.Text("text"), codec.Ping(b"ping"), codec.Binary(b"later")]


@pytest.mark.parametrize("kind", DECODERS)
def test_s26_a_broken_stream_is_broken_for_every_thread(codec: ModuleType, kind: str) -> None:
    for number in range(60):
        decoder = getattr(codec, kind)("server")
        decoder.feed(make_frame(2, b"fine", mask=KEY) * (number % 3) + b"\x83\x80")
        found: list[Any] = []

        def take(decoder: Any = decoder, found: list[Any] = found) -> None:
            for _ in range(50):
                decoder.feed(b"\x82\x84" + KEY + b"more")
                try:
                    item = step(decoder)
                except CodecError as error:
                    assert str(error) == "reserved opcode 0x3"
                else:
                    if item is not None:
                        found.append(payload_of(item))

        together(take, take)
        assert found == [b"fine"] * (number % 3)
        with pytest.raises(ProtocolError, match="^reserved opcode 0x3$"):
            next(decoder)
        assert decoder.buffered == 0


def test_s26_threads_share_a_validator(codec: ModuleType) -> None:
    validator = codec.Utf8Validator()
    part = "Grüße, 世界 🌍 ".encode() * 5

    def feed() -> None:
        for _ in range(500):
            assert validator.feed(part)
            assert validator.position >= 0

    if codec is _pure:
        pytest.skip("a validator of the pure twin does not see a second thread")
    together(feed, feed, feed)
    assert (validator.position, validator.complete) == (1500 * len(part), True)
    together(validator.reset, feed, validator.reset)
    assert validator.position % len(part) == 0
    assert validator.complete


def test_s26_a_buffer_may_change_its_size_beside(codec: ModuleType) -> None:
    """Whoever holds a buffer holds its memory: the other thread gets the BufferError."""
    data = bytearray(b"\x82\x05hello" * 1000)
    decoder = codec.FrameDecoder("client")
    done = threading.Event()

    def resize() -> None:
        while not done.is_set():
            try:
                data.extend(bytes(100_000))
                del data[7000:]
            except BufferError:
                pass

    def use() -> None:
        try:
            for _ in range(150):
                codec.mask_inplace(data, KEY)
                codec.mask_inplace(memoryview(data), KEY)
                codec.apply_mask(data, KEY)
                codec.validate_utf8(data)
                codec.encode_frame(2, data, mask=KEY)
                codec.parse_header(data, 6993)
                decoder.feed(data)
        finally:
            done.set()

    together(resize, use)
    assert decoder.buffered >= 150 * 7000


def test_s26_one_thread_reads_a_connection_and_one_writes() -> None:
    connection, peer = Connection("server"), Connection("client")
    frames = [peer.send_text(f"text {n}") + peer.ping(b"%d" % n) for n in range(500)]
    texts: list[Any] = []
    written: list[bytes] = []
    owed: list[bytes] = []

    def read() -> None:
        for frame in frames:
            connection.feed(frame)
            texts.extend(event for event in connection if hasattr(event, "data"))
            owed.append(connection.data_to_send())

    def write() -> None:
        for n in range(500):
            written.append(connection.send_text(f"answer {n}"))

    together(read, write)
    assert [event.data for event in texts[::2]] == [f"text {n}" for n in range(500)]
    # A pong leaves with whatever is written next, by either thread, and once.
    peer.feed(b"".join(written + owed))
    found = [event.data for event in peer]
    answers = [data for data in found if isinstance(data, str)]
    assert answers == [f"answer {n}" for n in range(500)]
    assert sorted(set(found) - set(answers)) == sorted(b"%d" % n for n in range(500))
    assert len(found) == 1000
