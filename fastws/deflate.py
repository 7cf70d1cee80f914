"""permessage-deflate: compression of messages (RFC 7692), for servers and clients.

`PerMessageDeflate` says what one side wants. It never changes, and one serves every connection.
Negotiation gives a `Deflate`: the two streams of one connection, made when first needed. Nothing
here knows frames: who calls sees to it that RSV1 stands on the first frame of a compressed message
and nowhere else, and that control frames between fragments never come here.

On a server:

    accepted = settings.accept(request.extensions)
    extensions, deflate = accepted or (None, None)  # for the response, and for the connection

On a client:

    offer = settings.offer()
    deflate = settings.check_response(response.extensions)  # or None: it is done without

Memory of one connection, once both directions were used, with a standard zlib: for sending
2 ** (window bits + 2) + 2 ** (mem_level + 9) bytes, 144 KiB for 15 and 5; for receiving
2 ** window bits + 7 KiB, 39 KiB for 15. A direction without context takeover holds nothing between
messages.
"""

from __future__ import annotations

import zlib as standard_zlib
from collections import namedtuple
from sys import maxsize

from ._backend import codec
from ._rules import not_a_payload
from ._types import RSV1, Opcode, PayloadTooBigError, ProtocolError
from .handshake import HandshakeError, parse_extensions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    from .handshake import HeaderValues

__all__ = ["Deflate", "PerMessageDeflate", "PreparedMessage"]

NAME = "permessage-deflate"
SERVER_RESETS = "server_no_context_takeover"
CLIENT_RESETS = "client_no_context_takeover"
SERVER_BITS = "server_max_window_bits"
CLIENT_BITS = "client_max_window_bits"
BITS = {str(bits): bits for bits in range(8, 16)}  # RFC 7692 7.1.2: decimal, no leading zero

Z_SYNC_FLUSH = standard_zlib.Z_SYNC_FLUSH  # the same number in each such module
TAIL = b"\x00\x00\xff\xff"  # RFC 7692 7.2.1: what a sync flush ends with, and senders cut off
# RFC 7692 7.2.1: a message may hold final blocks. Each costs a new stream, so they are counted:
# one is usual where they are used at all, and a megabyte has room for half a million empty ones.
MAX_FINAL_BLOCKS = 64
CORRUPT = "compressed data is corrupt"
NO_MEMORY = "Error -4 "  # how an error of zlib begins that is none of the data


_Settings = namedtuple(
    "_Settings",
    "server_no_context_takeover client_no_context_takeover server_max_window_bits "
    "client_max_window_bits zlib level mem_level threshold",
)
PARAMETERS = _Settings._fields[:4]
TERMS: dict[tuple[int, int, bool, bool], tuple[int, int, bool, bool]] = {}  # all that are in use


class PerMessageDeflate(_Settings):
    """What one side wants of permessage-deflate; immutable, and equal where all of it is.

    Args:
        server_no_context_takeover: the server forgets its window after each message.
        client_no_context_takeover: the client does.
        server_max_window_bits: the server's window at most, 9 to 15, or None to leave it open.
        client_max_window_bits: the client's window at most, 9 to 15; True to let the other side
            ask for any; None not to speak of it. 8 bits are not asked for: zlib cannot deflate
            with them. They are taken from a peer that deflates.
        zlib: a module like zlib: zlib itself, isal.isal_zlib, zlib_ng.zlib_ng.
        level: the compression level in that module's own range, or None for its default.
        mem_level: 1 to 9, more memory for better compression.
        threshold: messages of fewer bytes are to be sent uncompressed.

    Raises:
        TypeError, ValueError: one of these is out of range, or not to the module's liking.
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | Literal[True] | None = True,
        zlib: Any = standard_zlib,
        level: int | None = None,
        mem_level: int = 5,
        threshold: int = 64,
    ) -> PerMessageDeflate:
        resets = bool(server_no_context_takeover), bool(client_no_context_takeover)
        bits = server_max_window_bits, client_max_window_bits
        _check_bits(SERVER_BITS, bits[0])
        _check_bits(CLIENT_BITS, None if bits[1] is True else bits[1])
        if threshold < 0:
            raise ValueError(f"threshold cannot be negative: {threshold}")
        self = super().__new__(cls, *resets, *bits, zlib, level, mem_level, threshold)
        # A level that this module does not know has to show here, not at the first message.
        try:
            self.new_compressor(15)
        except (ValueError, OverflowError, zlib.error) as error:
            raise ValueError(f"level {level}, mem_level {mem_level}: {error}") from error
        return self

    def __repr__(self) -> str:
        return f"<PerMessageDeflate {self.offer()}>"

    def new_compressor(self, bits: int) -> Any:
        """Make a raw deflate stream.

        Args:
            bits: the window is 2 ** bits bytes, 9 to 15.
        """
        if self.level is None:
            return self.zlib.compressobj(wbits=-bits, memLevel=self.mem_level)
        return self.zlib.compressobj(level=self.level, wbits=-bits, memLevel=self.mem_level)

    def offer(self) -> str:
        """Give the Sec-WebSocket-Extensions value that a client offers."""
        return _header(self[:4])

    def accept(self, values: HeaderValues) -> tuple[str, Deflate] | None:
        """Choose, on a server, the first acceptable one of a client's offers (RFC 7692 5.1).

        An offer with unknown, repeated or invalid parameters is declined, as is one for a server
        window of 8 bits, which zlib cannot deflate with.

        Args:
            values: the request's Sec-WebSocket-Extensions, one value or several.

        Returns:
            The Sec-WebSocket-Extensions value of the response, and the connection's Deflate; or
            None where no offer is acceptable.

        Raises:
            HandshakeError: a value is not well-formed (RFC 6455 9.1); the status is 400.
        """
        for name, parameters in parse_extensions(values):
            if name == NAME:
                try:
                    return self._accept_one(parameters)
                except HandshakeError:
                    continue
        return None

    def _accept_one(self, parameters: list[tuple[str, str | None]]) -> tuple[str, Deflate]:
        offered = _read(parameters, 400, hint=True)
        server_resets = self.server_no_context_takeover or SERVER_RESETS in offered
        client_resets = self.client_no_context_takeover or CLIENT_RESETS in offered
        server_bits = min(offered.get(SERVER_BITS, 15), self.server_max_window_bits or 15)
        if server_bits == 8:
            raise HandshakeError(400, "zlib cannot deflate with a window of 8 bits")
        client_bits = 15
        # RFC 7692 7.1.2.2: a client that does not speak of its window must not be told about it.
        if CLIENT_BITS in offered and self.client_max_window_bits is not None:
            own = self.client_max_window_bits
            client_bits = min(offered[CLIENT_BITS], 15 if own is True else own)
        told_server = server_bits if server_bits < 15 or SERVER_BITS in offered else None
        told_client = client_bits if client_bits < 15 else None
        header = _header((server_resets, client_resets, told_server, told_client))
        return header, Deflate(self, server_bits, client_bits, not server_resets, not client_resets)

    def check_response(self, values: HeaderValues) -> Deflate | None:
        """Check, on a client, what a server answered to `offer()` (RFC 7692 5.1).

        Args:
            values: the response's Sec-WebSocket-Extensions, one value or several.

        Returns:
            The connection's Deflate, or None where the server does without the extension.

        Raises:
            HandshakeError: the answer does not fit the offer.
        """
        answers = [rest for name, rest in parse_extensions(values, 101) if name == NAME]
        if not answers:
            return None
        if len(answers) > 1:
            raise HandshakeError(101, f"{NAME} is accepted twice")
        agreed = _read(answers[0], 101, hint=False)
        if self.server_no_context_takeover and SERVER_RESETS not in agreed:
            raise HandshakeError(101, f"{SERVER_RESETS} was offered and not accepted")
        server_bits = agreed.get(SERVER_BITS, 15)
        if server_bits > (self.server_max_window_bits or 15):
            raise HandshakeError(101, f"{SERVER_BITS} is {server_bits}, more than offered")
        own = self.client_max_window_bits
        if own is None and CLIENT_BITS in agreed:
            raise HandshakeError(101, f"{CLIENT_BITS} was not offered")
        limit = 15 if own is None or own is True else own
        client_bits = agreed.get(CLIENT_BITS, limit)
        if client_bits > limit:
            raise HandshakeError(101, f"{CLIENT_BITS} is {client_bits}, more than offered")
        if client_bits == 8:
            raise HandshakeError(101, "zlib cannot deflate with a window of 8 bits")
        client_resets = self.client_no_context_takeover or CLIENT_RESETS in agreed
        return Deflate(
            self, client_bits, server_bits, not client_resets, SERVER_RESETS not in agreed
        )


class Deflate:
    """The two compressed streams of one connection.

    Args:
        settings: whose zlib, levels and threshold to use.
        send_bits: the window of what is sent, 9 to 15.
        receive_bits: the window of what is received, 8 to 15.
        send_takeover: a message that is sent may refer to those before it.
        receive_takeover: a message that is received may.

    Raises:
        ValueError: a window is out of range.
    """

    # One for each connection, so it is small: the terms are a tuple that equal connections share.
    __slots__ = ("_compressor", "_decompressor", "_final_blocks", "_terms", "settings")

    def __init__(
        self,
        settings: PerMessageDeflate,
        send_bits: int = 15,
        receive_bits: int = 15,
        send_takeover: bool = True,
        receive_takeover: bool = True,
    ) -> None:
        _check_bits("send_bits", send_bits)
        _check_bits("receive_bits", receive_bits, least=8)
        self.settings = settings
        terms = (send_bits, receive_bits, send_takeover, receive_takeover)
        self._terms = TERMS.setdefault(terms, terms)
        self._compressor: Any = None
        self._decompressor: Any = None
        self._final_blocks = 0

    @property
    def send_bits(self) -> int:
        """The window of what is sent, 9 to 15."""
        return self._terms[0]

    @property
    def receive_bits(self) -> int:
        """The window of what is received, 8 to 15."""
        return self._terms[1]

    @property
    def send_takeover(self) -> bool:
        """Whether a message that is sent may refer to those before it."""
        return self._terms[2]

    @property
    def receive_takeover(self) -> bool:
        """Whether a message that is received may."""
        return self._terms[3]

    @property
    def threshold(self) -> int:
        """Messages of fewer bytes are to be sent uncompressed."""
        return int(self.settings.threshold)

    def compress(self, payload: bytes, *, fin: bool = True) -> bytes:
        """Compress a message, or one fragment of it after the other.

        Args:
            payload: any buffer.
            fin: False where more fragments of this message follow.
        """
        compressor = self._compressor or self.settings.new_compressor(self.send_bits)
        self._compressor = None if fin and not self.send_takeover else compressor
        try:
            data: bytes = compressor.compress(payload) + compressor.flush(Z_SYNC_FLUSH)
            return data[:-4] if fin else data
        except MemoryError:  # pragma: no cover - test_allocations.py, which no tracer may watch
            self.forget()
            raise

    def forget(self) -> None:  # pragma: no cover - for want of memory: test_allocations.py
        """Let nothing that follows refer to what was compressed: some of it was not sent."""
        self._compressor = None

    def decompress(self, payload: bytes, *, limit: int, fin: bool = True) -> bytes:
        """Decompress a message, or one fragment of it after the other.

        After an error the streams are of no more use: the connection has to fail.

        Args:
            payload: a frame's payload, unmasked.
            limit: how many bytes may come out, which is what the message's limit still leaves.
            fin: False where more fragments of this message follow.

        Raises:
            PayloadTooBigError: more would come out, or the message makes too much work.
            ProtocolError: this is no deflate data.
        """
        # One byte more than allowed shows an excess for certain: not every zlib hands back the
        # input that it did not get to. And it is never 0, which would mean no limit at all.
        most = max(0, min(limit, maxsize - 1)) + 1
        try:
            stream = self._decompressor or self._new_decompressor()
            # This copy costs less than a second call for the tail, or little beside inflating.
            data: bytes = stream.decompress(payload + TAIL if fin else payload, most)
            if stream.eof and len(data) < most:
                data = self._after_final_block(data, most, fin)
        except self.settings.zlib.error as error:
            self._decompressor = None
            if str(error).startswith(NO_MEMORY):  # pragma: no cover - see test_allocations.py
                raise MemoryError from None
            raise ProtocolError(CORRUPT) from None
        if len(data) > limit:
            self._decompressor = None
            raise PayloadTooBigError(f"message inflates to more than the {limit} bytes left to it")
        if fin:
            self._final_blocks = 0
            if not self.receive_takeover:
                self._decompressor = None
        return data

    def _new_decompressor(self) -> Any:
        self._decompressor = self.settings.zlib.decompressobj(wbits=-self.receive_bits)
        return self._decompressor

    def _after_final_block(self, data: bytes, most: int, fin: bool) -> bytes:
        """Go on behind a block with BFINAL set, where zlib stops and RFC 7692 7.2.1 does not."""
        stream = self._decompressor
        while stream.eof and len(data) < most:
            self._final_blocks += 1
            if self._final_blocks > MAX_FINAL_BLOCKS:
                raise PayloadTooBigError(f"more than {MAX_FINAL_BLOCKS} final deflate blocks")
            rest = stream.unused_data
            self._decompressor = None
            if rest == (TAIL if fin else b""):
                break
            if fin and len(rest) < len(TAIL):
                # The block was cut short, and took the tail for its own end.
                raise ProtocolError(CORRUPT)
            stream = self._new_decompressor()
            data += stream.decompress(rest, most - len(data))
        return data


class PreparedMessage:
    """A message that a server frames and compresses once, and sends to many connections.

    It pays with connections that are uncompressed or without context takeover on the server's
    side: they share one frame per window size. With context takeover each connection's stream is
    different, so there it is compressed again for each one, and nothing is gained.

    Args:
        payload: `str` for a text message, a buffer for a binary one.
        opcode: Opcode.TEXT or Opcode.BINARY, to send a buffer as text; not checked to be UTF-8.

    Raises:
        TypeError, ValueError: the payload or the opcode is none of these.
    """

    __slots__ = ("_frames", "opcode", "payload")

    def __init__(self, payload: str | bytes, opcode: int | None = None) -> None:
        if isinstance(payload, str):
            usual, self.payload = Opcode.TEXT, payload.encode()
        else:
            try:
                usual, self.payload = Opcode.BINARY, bytes(memoryview(payload))
            except TypeError:
                raise not_a_payload(payload) from None
        self.opcode = usual if opcode is None else Opcode(opcode)
        if self.opcode not in (Opcode.TEXT, Opcode.BINARY):
            raise ValueError("only text and binary messages can be prepared")
        self._frames: dict[object, bytes] = {}

    def frame(self, deflate: Deflate | None = None) -> bytes:
        """Give the frame to write to one connection.

        Args:
            deflate: that connection's Deflate, or None where it is uncompressed.
        """
        if deflate is not None and len(self.payload) < deflate.threshold:
            deflate = None
        key = None if deflate is None else (deflate.settings, deflate.send_bits)
        shared = deflate is None or not deflate.send_takeover
        if shared and key in self._frames:
            return self._frames[key]
        payload, rsv = self.payload, 0
        if deflate is not None:
            compressed = deflate.compress(payload)
            # A shared frame is not referred to by later messages: it may go as it is instead.
            if not shared or len(compressed) < len(payload):
                payload, rsv = compressed, RSV1
        try:
            frame: bytes = codec.encode_frame(self.opcode, payload, rsv=rsv)
            if shared:
                self._frames[key] = frame
        except MemoryError:  # pragma: no cover - test_allocations.py, which no tracer may watch
            if deflate is not None:
                deflate.forget()
            raise
        return frame


def _check_bits(name: str, bits: int | None, least: int = 9) -> None:
    if bits is not None and not (isinstance(bits, int) and least <= bits <= 15):
        raise ValueError(f"{name} must be {least} to 15, not {bits!r}")


def _header(values: Iterable[int | None]) -> str:
    """Write an offer or an answer: True is a bare name; False and None are left out."""
    parts = [n if v is True else f"{n}={v}" for n, v in zip(PARAMETERS, values, strict=True) if v]
    return "; ".join([NAME, *parts])


def _read(parameters: list[tuple[str, str | None]], status: int, *, hint: bool) -> dict[str, int]:
    """Read the parameters of an offer or an answer (RFC 7692 7.1), or raise HandshakeError.

    Only an offer may give a `hint`: client_max_window_bits without a value.
    """
    found: dict[str, int] = {}
    for name, value in parameters:
        if name in found:
            raise HandshakeError(status, f"{name} is repeated")
        if name in (SERVER_RESETS, CLIENT_RESETS) and value is None:
            found[name] = True
        elif name in (SERVER_BITS, CLIENT_BITS) and value in BITS:
            found[name] = BITS[value]
        elif name == CLIENT_BITS and value is None and hint:
            found[name] = 15
        else:
            shown = name if value is None else f"{name}={value}"
            raise HandshakeError(status, f"{NAME} cannot have {shown[:80]}")
    return found
