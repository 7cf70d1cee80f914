"""The stream under every decoder of the pure back end: chunks in, headers read, payloads filled.

A chunk is held, never copied, and walked by a position. Only a header that a chunk cuts in two is
put together aside. A payload that is there whole is cut out and unmasked in one step; one that is
not grows as its bytes come, so that a declared length takes no memory. The decoders read a whole
frame themselves, since that is hot, and leave everything else to `Stream._take_frame()`.
"""

from __future__ import annotations

from operator import index

from ._pure_kernels import (
    ALL_ALLOWED,
    HEADER_MAX,
    LENGTHS,
    REFUSED,
    allowed,
    as_bytes,
    declared_length,
    header_of,
    header_size,
    xor,
)
from ._rules import (
    MAX_CONTROL_PAYLOAD,
    again,
    header_error,
    in_use,
    out_of_memory,
    payload_too_big,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque

    from _typeshed import ReadableBuffer

    from ._types import CodecError, FrameHeader

SCRATCH = 65536  # bytes that get_buffer() hands out
LARGE = 16384  # what a payload must lack to be read into directly

# What is done with a stream now. Another thread, or the inflater, may come to a stream in the midst
# of a step: it is refused a step of its own.
IDLE = 0
INSIDE = 1  # a step has begun
OUTSIDE = 2  # and waits for the inflater
LOST = 3  # one failed in the midst, mostly for memory: with a frame, the place may be lost


class Stream:
    """Chunks in, headers read, payloads put together."""

    __slots__ = (
        "_allowed",
        "_at",
        "_barred",
        "_broken",
        "_chunk",
        "_cut",
        "_end",
        "_ended",
        "_error",
        "_filled",
        "_head",
        "_held",
        "_length",
        "_lengths",
        "_limit",
        "_memory",
        "_memory_start",
        "_open",
        "_payload",
        "_plain",
        "_queue",
        "_queued",
        "_role",
        "_rsv",
        "_step",
        "_strict",
        "_view",
    )

    def __init__(self, role: int, limit: int, rsv: int, strict: bool) -> None:
        self._role = role
        self._limit = limit
        self._rsv = rsv
        self._strict = strict
        self._lengths = LENGTHS[role if strict else 0]
        self._allowed = allowed(rsv) if strict else ALL_ALLOWED
        self._barred = 0  # the opcodes that may not come now, one bit each

        self._chunk = b""  # what is read now
        self._at = 0
        self._end = 0
        self._queue: deque[bytes] | None = None  # the chunks that came after it
        self._queued = 0  # their bytes

        self._open = False  # no new header starts here: one is cut, a payload or an error stands
        self._cut = b""  # the start of a header that is not whole yet
        self._head = b""  # the header of the frame in progress, or b""
        self._length = 0  # and its payload length
        self._payload: bytearray | None = None  # what has come of a payload, and room behind it
        self._filled = 0  # bytes that have come
        self._plain = 0  # and bytes that are unmasked
        self._held = 0  # bytes of earlier frames that are held, of a message in progress

        self._step = IDLE
        self._memory: bytearray | None = None  # handed out by get_buffer(): scratch or payload,
        self._memory_start = 0  # from here,
        self._view: memoryview | None = None  # as this
        self._ended = False  # nothing that comes counts any more:
        self._error: CodecError | None = None  # this broke the stream, or it was closed
        self._broken: FrameHeader | None = None  # and the header that it is about

    # --- Input ---

    def feed(self, data: ReadableBuffer) -> None:
        """Take the next bytes of the stream.

        Nothing is parsed here: that happens as the loop asks. `bytes` are held, other buffers are
        copied. After an error the bytes are dropped.

        Args:
            data: any buffer, of any size.

        Raises:
            TypeError: data is not a buffer.
        """
        chunk = data if type(data) is bytes else as_bytes(data)
        if self._ended:
            return
        if self._memory is not None and self._memory is self._payload:
            # The view's holder may still write there: leave it that memory.
            self._payload = self._memory[: self._filled]
        self._append(chunk)

    def _append(self, chunk: bytes) -> None:
        """Take a chunk, between two steps of another thread or in the midst of one."""
        size = len(chunk)
        fresh: deque[bytes] | None = None
        if self._queue is None and (self._at != self._end or self._step == INSIDE):
            from collections import deque  # imported where it is needed, which is seldom

            fresh = deque((chunk,))
        # No call stands between what belongs together, so that nobody sees the half of it.
        if not size or self._ended:
            return
        if self._queue is not None:
            self._queued += size
            try:
                self._queue.append(chunk)
            except MemoryError:  # pragma: no cover - test_allocations.py, which no tracer may watch
                self._queued -= size
                raise
        elif fresh is not None:
            self._queued += size
            self._queue = fresh
        else:
            self._chunk = chunk
            self._at = 0
            self._end = size

    def _more(self) -> bool:
        """Go on to the next chunk; False where there is none."""
        queue = self._queue
        self._at = 0
        if queue is None:
            self._chunk = b""
            self._end = 0
            return False
        self._chunk = queue.popleft()
        self._end = len(self._chunk)
        self._queued -= self._end
        if not queue:
            self._queue = None
        return True

    # --- Reading into place ---

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """Give memory to read the next bytes into (`asyncio.BufferedProtocol.get_buffer`).

        Inside a large payload this is the payload's own memory, unless that is text which has to be
        transcoded on its way there. The view must not be written any more after `buffer_updated()`;
        another call gives another view in place of this one.

        Args:
            sizehint: int, the bytes wanted; 64 KiB where it is not positive.

        Returns:
            A writable memoryview of at least 1 byte.
        """
        size = index(sizehint)
        before = self._claim()
        try:
            return self._open_window(size)
        finally:
            self._step = before

    def _open_window(self, size: int) -> memoryview:
        start = lacking = 0
        if self._head and self._at == self._end and self._queue is None:
            lacking = self._length - self._filled
        if lacking >= LARGE:
            start = self._filled
            memory = self._reserve(start + min(lacking, SCRATCH))
        else:
            memory = bytearray(size if size > 0 else SCRATCH)
        with memoryview(memory) as whole:
            view = whole[start:]
        self._memory, self._memory_start, self._view = memory, start, view
        return view

    def buffer_updated(self, nbytes: int) -> None:
        """Take the bytes that were read into the view of `get_buffer()`, and release the view.

        Args:
            nbytes: int, how many, counted from the view's first byte.

        Raises:
            RuntimeError: get_buffer() was not called.
            ValueError: nbytes is negative or more than the view holds.
        """
        size = index(nbytes)  # which may call anything: this very decoder, too
        before = self._claim()
        try:
            self._close_window(size)
        except MemoryError:  # pragma: no cover - test_allocations.py, which no tracer may watch
            before = LOST
            raise
        finally:
            self._step = before

    def _close_window(self, size: int) -> None:
        memory, view = self._memory, self._view
        if memory is None or view is None:
            raise RuntimeError("get_buffer() was not called")
        start = self._memory_start
        room = len(memory) - start
        if not 0 <= size <= room:
            raise ValueError(f"nbytes must be from 0 to {room}, not {size}")
        self._memory = self._view = None
        try:
            view.release()
        except BufferError:
            pass  # its holder exports it: what needs room then moves away
        if self._ended:
            return
        if memory is self._payload and start == self._filled:
            self._filled += size
        else:
            with memoryview(memory) as whole:
                self._append(whole[start : start + size].tobytes())

    # --- Steps ---

    def _claim(self) -> int:
        """Keep steps from beginning; give what is to be put back."""
        before = self._step
        if before == INSIDE:
            raise in_use()
        self._step = INSIDE
        return before

    def _enter(self) -> None:
        """Begin a step where another one is on, or was left in the midst."""
        if self._step != LOST:
            raise in_use()
        self._stop(out_of_memory(self._length))

    def _leave(self, error: BaseException) -> None:
        """End a step that found no frame."""
        if not self._ended and not isinstance(error, StopIteration):
            self._step = LOST
        elif self._step != LOST:
            self._step = IDLE

    # --- The frame in progress ---

    def _reserve(self, size: int) -> bytearray:
        """Make room for `size` bytes of the payload."""
        payload = self._payload
        if payload is None:
            payload = self._payload = bytearray()
        room = len(payload)
        if size > room:
            more = bytes(min(self._length, max(size, room * 2)) - room)
            try:
                payload += more
            except BufferError:  # a view of it is still held
                payload = self._payload = payload + more
        return payload

    def _take(self, piece: bytes) -> bytes:
        """Add bytes of the payload as they came, and give them unmasked."""
        if self._head[1] > 0x7F:
            piece = xor(piece, self._head[-4:], self._filled)
        payload = self._payload
        if payload is None:
            self._payload = bytearray(piece)
        else:
            try:
                payload[self._filled :] = piece
            except BufferError:  # a view of it is still held
                self._payload = payload[: self._filled] + piece
        self._filled += len(piece)
        self._plain = self._filled
        return piece

    def _unmask(self) -> None:
        """Unmask, where it lies, what was read into the payload directly."""
        start, end = self._plain, self._filled
        if self._payload is not None and self._head[1] > 0x7F:
            self._payload[start:end] = xor(self._payload[start:end], self._head[-4:], start)
        self._plain = end

    def _gather(self) -> bytes | bytearray | None:
        """Take what has come of the payload; give it where it is whole, else None.

        Whoever takes it from here calls `_end_frame()`.
        """
        length = self._length
        if self._plain < self._filled:
            self._unmask()
        while self._filled < length or self._payload is None:
            at = self._at
            piece = self._chunk[at : at + length - self._filled]
            if len(piece) == length:
                whole = xor(piece, self._head[-4:]) if self._head[1] > 0x7F else piece
                self._at = at + length
                return whole
            if piece:
                self._take(piece)
                self._at = at + len(piece)
            elif not self._more():
                return None
        return self._payload

    def _end_frame(self) -> None:
        """Be ready for the next header."""
        self._payload = None
        self._filled = self._plain = 0
        self._head = b""
        self._open = False

    def _take_frame(self) -> tuple[int, bool, bytes]:
        """Go on where a frame is not there in one piece: give first byte, masked, payload.

        Raises:
            CodecError: the stream is broken, here or earlier.
            StopIteration: bytes are missing.
        """
        if self._error is not None:
            raise again(self._error)
        if not self._head and not self._read_header():
            raise StopIteration
        payload = self._gather()
        if payload is None:
            raise StopIteration
        whole = bytes(payload)
        first, second = self._head[:2]
        self._end_frame()
        return first, second > 0x7F, whole

    def _read_header(self) -> bool:
        """Read the header that is next; False where bytes are missing."""
        while True:
            cut, at = self._cut, self._at
            head = cut + self._chunk[at : at + HEADER_MAX]
            size = self._judge(head) if len(head) >= 2 else HEADER_MAX
            self._open = bool(head)
            if size <= len(head):
                self._at = at + size - len(cut)
                self._head = head[:size]
                self._cut = b""
                return True
            self._cut = head
            if not self._more():
                return False

    def _judge(self, head: bytes) -> int:
        """Check what is there of a header, in the order of its bytes, and give its size."""
        first, second = head[0], head[1]
        extended = second & 0x7F > MAX_CONTROL_PAYLOAD
        error: CodecError | None = None
        if self._strict and (
            not self._allowed[first]
            or self._lengths[second] == REFUSED
            or (extended and first & 0x08)
        ):
            length = None if extended else second & 0x7F
            error = header_error(first, second, None, self._role, self._rsv, self._barred)
        else:
            length = declared_length(head)
            if length is not None:
                if self._strict and extended:
                    error = header_error(first, second, length, self._role, self._rsv, self._barred)
                if error is None and length > self._limit:
                    error = self._too_big(first, length)
                self._length = length
        if error is not None:
            self._broken = None if length is None else header_of(head, length, with_key=False)
            self._stop(error)
            raise again(error)
        return header_size(second)

    def _too_big(self, first: int, length: int) -> CodecError | None:
        """Make the error for a payload that the limit does not allow; None where it need not."""
        return payload_too_big(length, self._limit)

    def _stop(self, error: CodecError | None) -> None:
        """Enter the state that nothing leaves, and let go of all input."""
        self._error = error
        self._ended = self._open = True
        self._chunk = self._cut = self._head = b""
        self._at = self._end = self._queued = self._filled = self._plain = self._held = 0
        self._queue = self._payload = None

    # --- What there is to see ---

    @property
    def buffered(self) -> int:
        """Bytes fed and not yet handed out: int, parsed or not."""
        size = len(self._cut) + self._end - self._at + self._queued
        return size + len(self._head) + self._filled + self._held

    @property
    def header(self) -> FrameHeader | None:
        """The FrameHeader of the frame in progress, or None between frames.

        After an error: the header that broke the stream, without its masking key, where its length
        was read.
        """
        return header_of(self._head, self._length) if self._head else self._broken

    @property
    def partial_header(self) -> bytes:
        """The bytes of a header that is not whole yet, as of the last step of the loop."""
        return self._cut
