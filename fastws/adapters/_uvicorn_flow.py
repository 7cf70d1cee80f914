"""What a WebSocket connection of uvicorn does with its transport: when to read, when to write.

Writing: a frame goes out at once where it is the first that a connection sends in a turn of the
loop and the application has nothing more to read, so that a lone one does not wait. The others are
collected (corked), and leave in one write when the application has no more to read, at the turn's
end, or when it is much. Each write wakes the peer, and that costs more than to copy some bytes.

Reading: a transport is paused only when more comes while there are enough messages ahead of the
application, because pausing and resuming cost two system calls.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, TimerHandle, Transport

__all__ = ["Flow"]

CORK_MOST = 262144  # bytes to collect at most: as much as is read at once
READ_MOST = 65536  # bytes to read at once where no large payload is coming
CLOSE_TIMEOUT = 10.0  # seconds for the peer to answer a close frame
LINGER = 5.0  # seconds for the peer to take something of what is unsent at the transport's end


class Turn:
    """What the connections of a loop share: its turn, and memory to read into."""

    __slots__ = ("begun", "corked", "number", "scratch")

    def __init__(self) -> None:
        self.begun = False  # something was written in it
        self.number = 0
        self.corked: list[Flow] = []  # those that hold back what they wrote in it
        # What is read into it is taken at once. Other loops, in other threads, have their own.
        self.scratch = memoryview(bytearray(READ_MOST))

    def begin(self, loop: AbstractEventLoop) -> None:
        self.begun = True
        loop.call_soon(self._end)

    def _end(self) -> None:
        self.begun = False
        self.number += 1
        if self.corked:
            corked, self.corked = self.corked, []
            for flow in corked:
                flow._flush()


_turns: WeakKeyDictionary[AbstractEventLoop, Turn] = WeakKeyDictionary()


class Flow(asyncio.BufferedProtocol):
    """The transport of one connection."""

    __slots__ = (
        "__weakref__",
        "_cork",
        "_cork_size",
        "_drained",
        "_linger",
        "_lost",
        "_queue",
        "_reading_paused",
        "_turn",
        "_unsent",
        "_writing_paused",
        "_written",
        "close_timeout",
        "close_timer",
        "loop",
        "transport",
    )

    transport: Transport

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        turn = _turns.get(loop)
        if turn is None:
            turn = _turns[loop] = Turn()
        self._turn = turn
        self._written = -1  # the turn in which something was written last
        self._queue: list[dict[str, Any]] = []  # what the application has yet to read
        self._cork: list[bytes] | None = None
        self._cork_size = 0
        self._writing_paused = False
        self._reading_paused = False
        self._drained: list[Future[None]] | None = None
        self.close_timeout = CLOSE_TIMEOUT
        self.close_timer: TimerHandle | None = None  # runs while the peer owes us a close frame
        self._linger: TimerHandle | None = None  # runs while the transport owes the peer data
        self._unsent: int | None = None  # what it owed when that timer ran out last
        self._lost = False

    # --- Writing ---------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        """Write now, or with what else is written in this turn."""
        turn = self._turn
        if not turn.begun:
            turn.begin(self.loop)
        before, self._written = self._written, turn.number
        if self._queue or before == turn.number:
            if self._cork is None:
                self._cork = [data]
                turn.corked.append(self)
            else:
                self._cork.append(data)
            self._cork_size += len(data)
            if self._cork_size >= CORK_MOST:
                self._flush()
            return
        self.transport.write(data)

    def _flush(self) -> None:
        """Write what was collected."""
        cork = self._cork
        if cork is not None:
            self._cork = None
            self._cork_size = 0
            self.transport.write(cork[0] if len(cork) == 1 else b"".join(cork))

    def pause_writing(self) -> None:
        """Note that the transport holds enough; `send()` waits from here on."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Note that the transport takes more."""
        self._writing_paused = False
        waiting, self._drained = self._drained, None
        for waiter in waiting or ():
            if not waiter.done():
                waiter.set_result(None)

    async def _drain(self) -> None:
        """Wait until the transport takes more, or is lost."""
        while self._writing_paused:
            waiter: Future[None] = self.loop.create_future()
            if self._drained is None:
                self._drained = []
            self._drained.append(waiter)
            try:
                await waiter
            finally:
                if self._drained is not None and waiter in self._drained:
                    self._drained.remove(waiter)  # the application was cancelled

    # --- Reading ---------------------------------------------------------------------------------

    def _pause_reading(self) -> None:
        if not self._reading_paused and not self.transport.is_closing():
            self._reading_paused = True
            self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            if not self.transport.is_closing():
                self.transport.resume_reading()

    # --- The end ---------------------------------------------------------------------------------

    def _await_close(self, seconds: float) -> None:
        """Give the peer so long to answer our close frame."""
        self.close_timer = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        self.close_timer = None
        self._close()

    def _close(self) -> None:
        """Close the transport, once it has written what it holds; not for ever, though."""
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = None
        self._flush()
        if not self.transport.is_closing():
            self.transport.close()
        if self._linger is None and not self._lost:
            self._linger = self.loop.call_later(LINGER, self._go_on_lingering)

    def _go_on_lingering(self) -> None:
        """Give up on a peer that took nothing since this was asked last."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        if before is None or self._unsent < before:
            self._linger = self.loop.call_later(LINGER, self._go_on_lingering)
        else:
            self.transport.abort()

    def _let_go(self) -> None:
        """Drop what belongs to a transport that is lost."""
        self._lost = True
        for timer in (self.close_timer, self._linger):
            if timer is not None:
                timer.cancel()
        self.close_timer = self._linger = None
        self._cork = None
        self._cork_size = 0
        # asyncio does not call resume_writing() on a transport that is lost while paused.
        self.resume_writing()
