"""Where the bytes of a tornado connection come from: as IOStream reads them, with less between.

An IOStream reads 64 KiB into a buffer that it clears first, moves what has come into a second one,
cuts pieces off that, and makes a Future for each piece. Here what the socket has goes straight into
the decoder, and one Future is made where there is nothing and the connection has to wait.

Rule: when is read, how much may be held, what is listened for and how it ends are the stream's own.
The stock loop reads two bytes of a frame first; whatever has come with them lies in the stream, and
as long as it does the stream does not listen. So it goes on not noticing, while a handler is busy,
that the peer has gone: `rest()` sees to it.
"""

from __future__ import annotations

from tornado.iostream import BaseIOStream, IOStream, SSLIOStream, StreamBufferFullError
from tornado.log import gen_log

from fastws import FrameDecoder

__all__ = ["BaseIOStream", "IOStream", "Source"]

CHUNK = 65536  # what stock asks the socket for at once
LARGE = 16384  # what a payload must lack for get_buffer() to hand out its own memory
KNOWN = (IOStream, SSLIOStream)  # a class of the user's own may have another way to read


class Source:
    """What feeds a decoder from a stream."""

    __slots__ = ("_deaf", "_known", "_stream", "decoder")

    def __init__(self, stream: IOStream) -> None:
        self._stream = stream
        self.decoder = FrameDecoder(None, max_payload_size=None, strict=False)
        self._known = type(stream) in KNOWN
        self._deaf = False  # whether a stock stream would have ceased to listen by now

    def read_now(self) -> bool:
        """Read what is there; False where there is nothing, or another way has to be taken.

        Raises:
            StreamClosedError: the stream is closed, or has just come to its end.
            OSError: reading failed, and not because the peer has gone.
        """
        stream = self._stream
        if not self._known or stream._read_buffer_size or self._lacking() >= LARGE:
            return False
        stream._check_closed()
        decoder = self.decoder
        try:
            size = stream.read_from_fd(decoder.get_buffer())
        except OSError as error:
            stream.close(exc_info=error)
            if not stream._is_connreset(error):
                raise
            size = 0
        decoder.buffer_updated(size or 0)  # an idle connection holds no buffer
        if size == 0:
            stream.close()
            stream._check_closed()
        return size is not None

    async def wait(self) -> None:
        """Wait for the next bytes.

        Raises:
            StreamClosedError: the stream is closed, or came to its end.
        """
        stream, decoder = self._stream, self.decoder
        lacking = self._lacking()
        if not self._known or stream._read_buffer_size:
            decoder.feed(await stream.read_bytes(CHUNK, partial=True))
            return
        if lacking >= LARGE:
            # The view stands for the bytearray that read_into() asks for.
            size = await stream.read_into(decoder.get_buffer(), partial=True)  # type: ignore
            decoder.buffer_updated(size)
        else:
            # What read_bytes() does, but for the attempt that read_now() has just made.
            future = stream._start_read()
            stream._read_bytes = CHUNK
            stream._read_partial = True
            stream._add_io_state(stream.io_loop.READ)
            data = await future
            decoder.feed(data)
            size = len(data)
        # With a payload that ends here nothing is left over, and stock listens on.
        self._deaf = size > lacking

    def _lacking(self) -> int:
        """Give how many bytes the payload in progress lacks; 0 where there is none."""
        header = self.decoder.header
        if header is None:
            return 0
        return header.header_length + header.payload_length - self.decoder.buffered

    def rest(self) -> None:
        """Prepare for a pause in which nothing is read: listen no more if stock would not."""
        stream = self._stream
        if not self._deaf:
            return
        self._deaf = False
        state, read = stream._state, stream.io_loop.READ
        if state is None or not state & read or stream.closed():
            return
        if stream._close_callback is not None and not self.decoder.buffered:
            return  # somebody wants to hear of the end
        stream._state = state & ~read
        stream.io_loop.update_handler(stream.fileno(), stream._state)

    def overflow(self) -> None:
        """Close the stream, which may not hold so much at once (`max_buffer_size`).

        Raises:
            StreamClosedError: always.
        """
        full = StreamBufferFullError("Reached maximum read buffer size")
        gen_log.error("Reached maximum read buffer size")
        self._stream.close(exc_info=full)
        gen_log.warning("error on read: %s", full)
        self._stream._check_closed()
