"""fastws: the WebSocket codec under Python's servers (RFC 6455, RFC 7692).

This file holds the public names and nothing else; `_backend` chooses the back end.
"""

from ._backend import ACCELERATED, backend, codec, simd
from ._types import (
    RSV1,
    RSV2,
    RSV3,
    CloseCode,
    CodecError,
    ConnectionClosedError,
    FrameHeader,
    InvalidUtf8Error,
    Opcode,
    PayloadTooBigError,
    ProtocolError,
    State,
)
from ._version import __version__
from .connection import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._codec import (
        Binary,
        Close,
        Frame,
        FrameDecoder,
        MessageDecoder,
        Ping,
        Pong,
        Text,
        Utf8Validator,
        apply_mask,
        decode_text,
        encode_close,
        encode_frame,
        encode_header,
        mask_inplace,
        new_mask_key,
        parse_header,
        validate_utf8,
    )
    from .adapters import Status
else:
    Binary = codec.Binary
    Close = codec.Close
    Frame = codec.Frame
    FrameDecoder = codec.FrameDecoder
    MessageDecoder = codec.MessageDecoder
    Ping = codec.Ping
    Pong = codec.Pong
    Text = codec.Text
    Utf8Validator = codec.Utf8Validator
    apply_mask = codec.apply_mask
    decode_text = codec.decode_text
    encode_close = codec.encode_close
    encode_frame = codec.encode_frame
    encode_header = codec.encode_header
    mask_inplace = codec.mask_inplace
    new_mask_key = codec.new_mask_key
    parse_header = codec.parse_header
    validate_utf8 = codec.validate_utf8

__all__ = [
    "ACCELERATED",
    "RSV1",
    "RSV2",
    "RSV3",
    "Binary",
    "Close",
    "CloseCode",
    "CodecError",
    "Connection",
    "ConnectionClosedError",
    "Frame",
    "FrameDecoder",
    "FrameHeader",
    "InvalidUtf8Error",
    "MessageDecoder",
    "Opcode",
    "PayloadTooBigError",
    "Ping",
    "Pong",
    "ProtocolError",
    "State",
    "Text",
    "Utf8Validator",
    "__version__",
    "apply_mask",
    "backend",
    "decode_text",
    "encode_close",
    "encode_frame",
    "encode_header",
    "install",
    "mask_inplace",
    "new_mask_key",
    "parse_header",
    "simd",
    "status",
    "uninstall",
    "validate_utf8",
]


# The adapters stand above the codec: they are imported when asked for, never with it.


def install(*hosts: str) -> None:
    """Put fastws into host libraries; see `fastws.adapters.install`.

    Args:
        hosts: their names; none for every host that has an adapter.

    Raises:
        ValueError: no adapter has this name.
    """
    from .adapters import install

    install(*hosts)


def uninstall(*hosts: str) -> None:
    """Take fastws out of host libraries; see `fastws.adapters.uninstall`.

    Args:
        hosts: their names; none for every host that has an adapter.

    Raises:
        ValueError: no adapter has this name.
    """
    from .adapters import uninstall

    uninstall(*hosts)


def status() -> "dict[str, Status]":
    """Tell where fastws is in; see `fastws.adapters.status`."""
    from .adapters import status

    return status()
