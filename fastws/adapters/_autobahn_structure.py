"""What the methods of autobahn look like that ours stand in for, or go around.

Each is told by the names that its code uses: whoever uses other names does other things, and is not
what the adapter was proven on.
"""

from __future__ import annotations

from typing import Any

from . import _autobahn_receiving as receiving
from . import _autobahn_sending as sending

__all__ = ["FACES", "face_is_known", "is_known", "members"]

# By method, what its code uses in every version.
USES = {
    "consumeData": "Exception STATE_CLOSED STATE_CLOSING STATE_CONNECTING STATE_OPEN"
    " STATE_PROXY_CONNECTING WebSocketProtocol debug log processData processHandshake"
    " processProxyConnect state",
    "processData": "EXTENSION_NAME Exception FrameHeader XorMaskerNull _perMessageCompress"
    " _protocol_violation acceptMaskedServerFrames applyMask create_xor_masker current_frame"
    " current_frame_masker data factory inside_message isServer len length onFrameBegin"
    " onFrameData onFrameEnd pointer process requireMaskedClientFrames struct unpack",
    "onFrameBegin": "MESSAGE_TYPE_BINARY MESSAGE_TYPE_TEXT WebSocketProtocol _isMessageCompressed"
    " _onMessageBegin _onMessageFrameBegin _perMessageCompress control_frame_data current_frame"
    " inside_message length opcode reset rsv start_decompress_message track trackedTimings"
    " utf8validateIncoming utf8validateIncomingCurrentMessage utf8validateLast utf8validator",
    "onFrameData": "STATE_OPEN WebSocketProtocol _LazyHexFormatter _invalid_payload"
    " _isMessageCompressed _onMessageFrameData _perMessageCompress append control_frame_data"
    " current_frame debug decompress_message_data incomingOctetsAppLevel"
    " incomingOctetsWebSocketLevel len log opcode state trafficStats"
    " utf8validateIncomingCurrentMessage utf8validateLast utf8validator validate",
    "onFrameEnd": "STATE_OPEN WebSocketProtocol _cancelAutoPingTimeoutCall _invalid_payload"
    " _isMessageCompressed _onMessageEnd _onMessageFrameEnd _perMessageCompress"
    " autoPingRestartOnAnyTraffic autoPingTimeoutCall control_frame_data current_frame"
    " end_decompress_message fin frame_data incomingWebSocketFrames incomingWebSocketMessages"
    " inside_message logFrames logRxFrame opcode processControlFrame state trafficStats"
    " utf8validateIncomingCurrentMessage utf8validateLast",
    "onMessageBegin": "message_data message_data_total_length message_is_binary",
    "onMessageFrameBegin": "_max_message_size_exceeded failedByMe frame_data frame_length"
    " maxFramePayloadSize maxMessagePayloadSize message_data_total_length"
    " wasMaxFramePayloadSizeExceeded wasMaxMessagePayloadSizeExceeded",
    "onMessageFrameData": "_max_message_size_exceeded append failedByMe frame_data len"
    " maxMessagePayloadSize message_data message_data_total_length"
    " wasMaxMessagePayloadSizeExceeded websocket_version",
    "onMessageFrameEnd": "_onMessageFrame failedByMe frame_data",
    "onMessageFrame": "extend failedByMe message_data",
    "onMessageEnd": "_onMessage add_callbacks failedByMe fire join message_data message_is_binary"
    " track trackedTimings txaio",
    "fire": "_check_event _listeners _parent _results append as_future create_future fire gather"
    " get txaio",
    "sendFrame": "Exception FrameHeader applyMask create_xor_masker factory getrandbits isServer"
    " join len logFrames logTxFrame maskClientFrames maskServerFrames outgoingWebSocketFrames pack"
    " process random range sendData struct to_bytes trafficStats",
    "sendData": "STATE_CONNECTING STATE_OPEN STATE_PROXY_CONNECTING WebSocketProtocol _trigger"
    " append debug hltype hlval len log logOctets logTxOctets outgoingOctetsWireLevel peer"
    " preopenOutgoingOctetsWireLevel sendData send_queue state trafficStats transport write",
}
# What some versions use besides: all for compressed messages, and another way to write texts.
SOME_USE = (
    "PayloadCorruptError PayloadExceededError _max_message_size_exceeded failedByMe format"
    " maxMessagePayloadSize message_data_total_length wasMaxMessagePayloadSizeExceeded"
)
# By framework, what the methods use that hand on a call to the user's method of that name.
FACES = {"asyncio": "asyncio ensure_future yields", "twisted": ""}
DATA_RECEIVED_USES = "_dataReceived dataReceived debug hltype hlval len log peer"  # on Twisted


def members() -> dict[str, Any]:
    """Give the methods that the adapter knows, by name, as autobahn made them."""
    found = {name: getattr(receiving.WebSocketProtocol, name, None) for name in USES}
    found["consumeData"] = receiving.STOCK_CONSUME_DATA
    found["sendFrame"] = sending.STOCK_SEND_FRAME
    found["sendData"] = sending.STOCK_SEND_DATA
    return found


def is_known(name: str, method: Any) -> bool:
    """Tell whether a method of the protocol is what the adapter was proven on."""
    return _uses(method, USES[name], SOME_USE)


def face_is_known(framework: str, adapter: type) -> bool:
    """Tell whether the methods of a framework's adapter class only hand on their calls."""
    if framework == "twisted":
        from . import _autobahn_twisted as twisted

        if not _uses(twisted.STOCK_DATA_RECEIVED, DATA_RECEIVED_USES):
            return False
    return all(
        _uses(getattr(adapter, name, None), f"{FACES[framework]} {name[1:]}")
        for name in receiving.BETWEEN
        if name.startswith("_")
    )


def _uses(method: Any, names: str, more: str = "") -> bool:
    code = getattr(method, "__code__", None)
    if code is None:
        return False
    known = set(names.split())
    return bool(known <= set(code.co_names) <= known | set(more.split()))
