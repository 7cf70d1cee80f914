"""The opening handshake, over header lists that the host's own HTTP parser made (RFC 6455 4).

There is no HTTP here: the host parses the request and the response, and sends both. A header list
is any iterable of (name, value) pairs, each `str` or `bytes`, names in any case, as often repeated
as the peer did. What is made here is pairs of `str`. The `Host` header, cookies, credentials and
which origins are welcome stay with the host.

On a server:

    request = check_request(method, headers)
    answer = response_headers(request, subprotocol=chosen, extensions=accepted)

On a client:

    key = new_key()
    headers = request_headers(key, subprotocols=wanted, extensions=offer)
    response = check_response(status, answer, key, subprotocols=wanted, extensions=offer)
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from os import urandom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Headers: TypeAlias = Iterable[tuple[str | bytes, str | bytes]]
    HeaderValues: TypeAlias = str | bytes | Iterable[str | bytes] | None

__all__ = [
    "HandshakeError",
    "Request",
    "Response",
    "accept_key",
    "check_request",
    "check_response",
    "new_key",
    "parse_extensions",
    "request_headers",
    "response_headers",
]

VERSION = "13"  # RFC 6455 4.1, the only version there is
UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
OWS = " \t"  # RFC 9110 5.6.3: str.strip() alone would take more than HTTP calls whitespace
# RFC 9110 5.6.2
TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class HandshakeError(ValueError):
    """The peer's half of the opening handshake is not acceptable (RFC 6455 4).

    Attributes:
        status: on a server the HTTP status to answer with; on a client the one that came.
        reason: what is wrong.
        headers: pairs that the server's answer must carry besides the host's own.
    """

    def __init__(self, status: int, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status, reason, headers)
        self.status = status
        self.reason = reason
        self.headers = headers

    def __str__(self) -> str:
        return self.reason


class Request:
    """An upgrade request that passed its checks.

    Attributes:
        key: the Sec-WebSocket-Key.
        version: the protocol version, 13.
        origin: what the browser sent, or None; check it against cross-site requests.
        subprotocols: those offered, most wanted first.
        extensions: the Sec-WebSocket-Extensions values, well-formed, not judged.
    """

    __slots__ = ("extensions", "key", "origin", "subprotocols", "version")

    def __init__(
        self,
        key: str,
        origin: str | None,
        subprotocols: tuple[str, ...],
        extensions: tuple[str, ...],
    ) -> None:
        self.key = key
        self.version = int(VERSION)
        self.origin = origin
        self.subprotocols = subprotocols
        self.extensions = extensions


class Response:
    """An upgrade response that passed its checks.

    Attributes:
        subprotocol: the one that the server chose, or None.
        extensions: the Sec-WebSocket-Extensions values; they name offered extensions only, whose
            parameters each extension still has to check.
    """

    __slots__ = ("extensions", "subprotocol")

    def __init__(self, subprotocol: str | None, extensions: tuple[str, ...]) -> None:
        self.subprotocol = subprotocol
        self.extensions = extensions


# --- The key (RFC 6455 4.2.2) --------------------------------------------------------------------


def new_key() -> str:
    """Make a fresh Sec-WebSocket-Key: 16 random bytes in base64 (RFC 6455 4.1)."""
    return b2a_base64(urandom(16), newline=False).decode()


def accept_key(key: str) -> str:
    """Give the Sec-WebSocket-Accept value that proves a server read this key (RFC 6455 4.2.2).

    Args:
        key: the Sec-WebSocket-Key, as the client sent it.
    """
    # Not at the top: OpenSSL behind hashlib would be the slowest import of the whole package.
    from hashlib import sha1

    digest = sha1(key.encode("ascii") + GUID, usedforsecurity=False).digest()
    return b2a_base64(digest, newline=False).decode()


def _is_key(key: str) -> bool:
    """Tell whether a Sec-WebSocket-Key is 16 bytes in base64."""
    try:
        return len(a2b_base64(key, strict_mode=True)) == 16
    except ValueError:
        return False


# --- Server --------------------------------------------------------------------------------------


def check_request(
    method: str | bytes, headers: Headers, *, http_version: str | bytes = "1.1"
) -> Request:
    """Check a client's upgrade request (RFC 6455 4.2.1).

    Args:
        method: the request's method.
        headers: the request's headers.
        http_version: "1.1" or "HTTP/1.1", as the host names it.

    Raises:
        HandshakeError: it is no request to open a WebSocket, or a broken one. The status is 405
            for another method than GET, 426 where no upgrade to version 13 is asked for, else 400.
    """
    if _text(method) != "GET":
        raise HandshakeError(405, "the method must be GET", (("Allow", "GET"),))
    if _text(http_version).removeprefix("HTTP/") != "1.1":
        raise HandshakeError(400, "the HTTP version must be 1.1")
    fields = _collect(headers)
    if "websocket" not in _tokens(fields, "upgrade"):
        raise _upgrade_required("the Upgrade header does not name websocket")
    if "upgrade" not in _tokens(fields, "connection"):
        raise _upgrade_required("the Connection header does not name upgrade")
    if _single(fields, "Sec-WebSocket-Version", 400) != VERSION:
        raise _upgrade_required(f"the Sec-WebSocket-Version must be {VERSION}")
    key = _single(fields, "Sec-WebSocket-Key", 400)
    if key is None or not _is_key(key):
        raise HandshakeError(400, "the Sec-WebSocket-Key must be 16 bytes in base64")
    subprotocols = tuple(_items(fields.get("sec-websocket-protocol", ())))
    if not all(map(_is_token, subprotocols)):
        raise HandshakeError(400, "malformed Sec-WebSocket-Protocol")
    extensions = tuple(fields.get("sec-websocket-extensions", ()))
    parse_extensions(extensions)
    return Request(key, _single(fields, "Origin", 400), subprotocols, extensions)


def response_headers(
    request: Request, *, subprotocol: str | None = None, extensions: str | None = None
) -> list[tuple[str, str]]:
    """Make the headers of the 101 response that accepts a request (RFC 6455 4.2.2).

    Args:
        request: what `check_request` gave.
        subprotocol: the one chosen among `request.subprotocols`, or None.
        extensions: the accepted extensions, as PerMessageDeflate.accept() gives them, or None.

    Raises:
        ValueError: the subprotocol or an extension was not offered.
    """
    headers = [*UPGRADE, ("Sec-WebSocket-Accept", accept_key(request.key))]
    if subprotocol is not None:
        if subprotocol not in request.subprotocols:
            raise ValueError(f"subprotocol {subprotocol!r} was not offered")
        headers.append(("Sec-WebSocket-Protocol", subprotocol))
    if extensions:
        unknown = _names(extensions) - _names(request.extensions)
        if unknown:
            raise ValueError(f"extension {min(unknown)!r} was not offered")
        headers.append(("Sec-WebSocket-Extensions", extensions))
    return headers


def _upgrade_required(reason: str) -> HandshakeError:
    # RFC 9110 15.5.22 asks for Upgrade, RFC 6455 4.4 for the version.
    return HandshakeError(426, reason, (*UPGRADE, ("Sec-WebSocket-Version", VERSION)))


# --- Client --------------------------------------------------------------------------------------


def request_headers(
    key: str,
    *,
    host: str | None = None,
    origin: str | None = None,
    subprotocols: Iterable[str] = (),
    extensions: str | None = None,
) -> list[tuple[str, str]]:
    """Make the headers of an upgrade request (RFC 6455 4.1).

    Args:
        key: what `new_key` gave.
        host: the Host header, or None where the HTTP library adds it.
        origin: the Origin header, or None.
        subprotocols: those to offer, most wanted first.
        extensions: the extensions to offer, as PerMessageDeflate.offer() gives them, or None.

    Raises:
        ValueError: one of these may not stand in a header.
    """
    if not _is_key(key):
        raise ValueError("the key must be 16 bytes in base64")
    headers = []
    for name, value in (("Host", host), ("Origin", origin)):
        if value is not None:
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"{name} cannot be {value!r}")
            headers.append((name, value))
    headers += [*UPGRADE, ("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", VERSION)]
    offered = _check_offered(subprotocols)
    if offered:
        headers.append(("Sec-WebSocket-Protocol", ", ".join(offered)))
    if extensions:
        parse_extensions(extensions)
        headers.append(("Sec-WebSocket-Extensions", extensions))
    return headers


def check_response(
    status: int,
    headers: Headers,
    key: str,
    *,
    subprotocols: Iterable[str] = (),
    extensions: HeaderValues = None,
) -> Response:
    """Check a server's answer to an upgrade request (RFC 6455 4.1).

    Args:
        status: the response's HTTP status.
        headers: the response's headers.
        key: the key that was sent.
        subprotocols: those that were offered.
        extensions: the extensions that were offered, as they were sent.

    Raises:
        HandshakeError: the server did not accept, or accepted what was not offered.
    """
    if status != 101:
        raise HandshakeError(status, f"the server answered {status}, not 101")
    fields = _collect(headers)
    # RFC 6455 4.1: in the answer Upgrade is the one protocol switched to, not a list of wishes.
    if _tokens(fields, "upgrade") != ["websocket"]:
        raise HandshakeError(status, "the Upgrade header is not websocket")
    if "upgrade" not in _tokens(fields, "connection"):
        raise HandshakeError(status, "the Connection header does not name upgrade")
    if _single(fields, "Sec-WebSocket-Accept", status) != accept_key(key):
        raise HandshakeError(status, "the Sec-WebSocket-Accept does not answer the key")
    chosen = _single(fields, "Sec-WebSocket-Protocol", status)
    if chosen is not None and chosen not in _check_offered(subprotocols):
        raise HandshakeError(status, f"subprotocol {chosen!r} was not offered")
    accepted = tuple(fields.get("sec-websocket-extensions", ()))
    unknown = {name for name, _ in parse_extensions(accepted, status)} - _names(extensions)
    if unknown:
        raise HandshakeError(status, f"extension {min(unknown)!r} was not offered")
    return Response(chosen, accepted)


def _check_offered(subprotocols: Iterable[str]) -> tuple[str, ...]:
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols must be several names, not one str")
    offered = tuple(subprotocols)
    for name in offered:
        if not _is_token(name):
            raise ValueError(f"subprotocol {name!r} is not a token")
    if len(set(offered)) != len(offered):
        raise ValueError("a subprotocol is offered twice")
    return offered


# --- Header values -------------------------------------------------------------------------------


def parse_extensions(
    values: HeaderValues, status: int = 400
) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Read Sec-WebSocket-Extensions (RFC 6455 9.1).

    Args:
        values: one header value or several.
        status: what HandshakeError.status is to say.

    Returns:
        (name, parameters) of each extension in order; a parameter is (name, value or None).

    Raises:
        HandshakeError: not well-formed.
    """
    # A quoted value must still be a token once unquoted, so no separator can stand in quotes, and
    # splitting at each of them reads every legal header right and no illegal one at all.
    extensions = []
    for item in _items(_values(values)):
        name, *rest = (part.strip(OWS) for part in item.split(";"))
        parameters = [_parameter(part) for part in rest]
        if not _is_token(name) or None in parameters:
            raise HandshakeError(status, f"malformed Sec-WebSocket-Extensions: {item[:80]!r}")
        extensions.append((name, [parameter for parameter in parameters if parameter]))
    return extensions


def _parameter(part: str) -> tuple[str, str | None] | None:
    """Split `name`, `name=token` or `name="token"`; None where it is none of them."""
    name, equals, raw = part.partition("=")
    name, value = name.rstrip(OWS), raw.lstrip(OWS)
    if not _is_token(name):
        return None
    if not equals:
        return name, None
    if value.startswith('"'):
        if not value.endswith('"'):
            return None
        value = value[1:-1]
        # A backslash quotes the character after it, which must be there and be of a token.
        if "\\\\" in value or value.endswith("\\"):
            return None
        value = value.replace("\\", "")
    return (name, value) if _is_token(value) else None


def _is_token(text: str) -> bool:
    return bool(text) and TOKEN.issuperset(text)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _values(values: HeaderValues) -> list[str]:
    if values is None:
        return []
    if isinstance(values, (str, bytes)):
        return [_text(values)]
    return [_text(value) for value in values]


def _items(values: Iterable[str]) -> list[str]:
    """Split comma lists; empty elements do not count (RFC 9110 5.6.1)."""
    items = [item.strip(OWS) for value in values for item in value.split(",")]
    return [item for item in items if item]


def _names(values: HeaderValues) -> set[str]:
    return {name for name, _ in parse_extensions(values)}


def _collect(headers: Headers) -> dict[str, list[str]]:
    """Gather the values of each header under its lower-case name, in order."""
    fields: dict[str, list[str]] = {}
    for name, value in headers:
        fields.setdefault(_text(name).lower(), []).append(_text(value).strip(OWS))
    return fields


def _tokens(fields: dict[str, list[str]], name: str) -> list[str]:
    """Give a header's elements in lower case, where only ASCII has case ("\u212a" is not k)."""
    return [item.lower() if item.isascii() else item for item in _items(fields.get(name, ()))]


def _single(fields: dict[str, list[str]], name: str, status: int) -> str | None:
    """Give the value of a header that may stand once only, or None."""
    values = fields.get(name.lower(), [])
    if len(values) > 1:
        raise HandshakeError(status, f"more than one {name} header")
    return values[0] if values else None
