"""The opening handshake: which requests and responses pass, and what the others are told."""

from __future__ import annotations

import base64
import copy
import pickle
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastws.handshake import (
    HandshakeError,
    accept_key,
    check_request,
    check_response,
    new_key,
    parse_extensions,
    request_headers,
    response_headers,
)

# The example of RFC 6455 1.3.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

REQUEST = {
    "Host": "server.example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
NO_KEYS = [
    *("", " " * 24, KEY[:-1], KEY[:-2], KEY + "=", "!" + KEY[1:], "\xe9" + KEY[1:]),
    *("====" + KEY[4:], f"{KEY[:11]} {KEY[12:]}"),
    *(base64.b64encode(bytes(n)).decode() for n in (0, 15, 17, 18)),
]
KELVIN = "websoc\u212aet"  # U+212A KELVIN SIGN, whose lower case is an ASCII k
RESPONSE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": ACCEPT}


def changed(headers: dict[str, str], name: str, *values: str) -> list[tuple[str, str]]:
    """Give the headers with one of them replaced: by none, one or several."""
    return [pair for pair in headers.items() if pair[0] != name] + [(name, v) for v in values]


def each(name: str, *cases: list[str]) -> list[tuple[str, list[str]]]:
    return [(name, values) for values in cases]


def refused(headers: list[tuple[str, str]]) -> HandshakeError:
    with pytest.raises(HandshakeError) as caught:
        check_request("GET", headers)
    return caught.value


def not_accepted(headers: list[tuple[str, str]], **offered: Any) -> str:
    with pytest.raises(HandshakeError) as caught:
        check_response(101, headers, KEY, **offered)
    assert caught.value.status == 101
    return str(caught.value)


# --- The key -------------------------------------------------------------------------------------


def test_accept_key_of_the_rfc() -> None:
    assert accept_key(KEY) == ACCEPT


def test_new_key_is_16_random_bytes() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(base64.b64decode(key, validate=True)) for key in keys} == {16}
    assert {len(key) for key in keys} == {24}


# --- Requests ------------------------------------------------------------------------------------


def test_plain_request_passes() -> None:
    request = check_request("GET", REQUEST.items())
    assert (request.key, request.version, request.origin) == (KEY, 13, None)
    assert (request.subprotocols, request.extensions) == ((), ())


def test_request_says_what_was_offered() -> None:
    headers = [
        *REQUEST.items(),
        ("Origin", "https://example.com"),
        ("Sec-WebSocket-Protocol", "chat ,\tsuperchat"),
        ("Sec-WebSocket-Protocol", ", mqtt,"),
        ("Sec-WebSocket-Extensions", "a; b=1, c"),
        ("Sec-WebSocket-Extensions", "d"),
    ]
    request = check_request("GET", headers)
    assert request.origin == "https://example.com"
    assert request.subprotocols == ("chat", "superchat", "mqtt")
    assert request.extensions == ("a; b=1, c", "d")


def test_bytes_and_any_case_pass() -> None:
    for change in (str.upper, str.lower, str.title):
        headers = [(change(name).encode(), value.encode()) for name, value in REQUEST.items()]
        headers.append((b"ORIGIN", b"https://caf\xe9.example"))
        request = check_request(b"GET", headers, http_version=b"1.1")
        assert (request.key, request.origin) == (KEY, "https://caf\xe9.example")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *each("Upgrade", ["WebSocket"], ["h2c, websocket"], ["h2c", "WEBSOCKET"]),
        *each("Connection", ["keep-alive, Upgrade"], ["a ,\t upgrade ,"], ["a", "UPGRADE"]),
        *each("Sec-WebSocket-Key", [f" {KEY}\t"]),
        *each("Sec-WebSocket-Version", [" 13 "]),
    ],
)
def test_lists_whitespace_and_case_pass(name: str, values: list[str]) -> None:
    assert check_request("GET", changed(REQUEST, name, *values)).key == KEY


@pytest.mark.parametrize("method", ["POST", "get", "CONNECT", "", b"HEAD"])
def test_other_methods_are_405(method: str | bytes) -> None:
    with pytest.raises(HandshakeError) as caught:
        check_request(method, REQUEST.items())
    assert caught.value.status == 405
    assert caught.value.headers == (("Allow", "GET"),)


def test_other_http_versions_are_400() -> None:
    for version in ("1.0", b"1.0", "2", "HTTP/1.0", "HTTP/2", "1.10", ""):
        with pytest.raises(HandshakeError, match=r"1\.1") as caught:
            check_request("GET", REQUEST.items(), http_version=version)
        assert caught.value.status == 400
    for version in ("1.1", b"1.1", "HTTP/1.1", b"HTTP/1.1"):
        assert check_request("GET", REQUEST.items(), http_version=version).key == KEY


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *each("Upgrade", [], [""], ["h2c"], ["websocket2"], ["web socket"], [KELVIN]),
        *each("Connection", [], ["keep-alive"], ["Upgrade-Insecure-Requests"]),
        *each("Sec-WebSocket-Version", [], ["8"], ["013"], ["13, 8"], ["14"]),
    ],
)
def test_no_upgrade_to_version_13_is_426(name: str, values: list[str]) -> None:
    error = refused(changed(REQUEST, name, *values))
    assert error.status == 426
    assert name in error.reason
    assert ("Sec-WebSocket-Version", "13") in error.headers
    assert ("Upgrade", "websocket") in error.headers


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *each("Sec-WebSocket-Key", [], [KEY, KEY], *([key] for key in NO_KEYS)),
        *each("Sec-WebSocket-Version", ["13", "13"]),
        *each("Origin", ["https://a", "https://b"]),
        *each("Sec-WebSocket-Protocol", ["a b"], ["ok, caf\xe9"]),
        *each("Sec-WebSocket-Extensions", ["a; b=c d"]),
    ],
)
def test_broken_request_is_400(name: str, values: list[str]) -> None:
    error = refused(changed(REQUEST, name, *values))
    assert error.status == 400
    assert name in error.reason


# --- The answer ----------------------------------------------------------------------------------


def test_plain_answer() -> None:
    request = check_request("GET", REQUEST.items())
    assert response_headers(request) == [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", ACCEPT),
    ]


def test_answer_takes_only_what_was_offered() -> None:
    offers = [("Sec-WebSocket-Protocol", "chat, mqtt"), ("Sec-WebSocket-Extensions", "a; b, c")]
    request = check_request("GET", [*REQUEST.items(), *offers])
    assert response_headers(request, subprotocol="mqtt", extensions="a; x=1")[3:] == [
        ("Sec-WebSocket-Protocol", "mqtt"),
        ("Sec-WebSocket-Extensions", "a; x=1"),
    ]
    for wrong in ("CHAT", "chat, mqtt", "chat\r\nSet-Cookie: a=b", ""):
        with pytest.raises(ValueError, match="was not offered"):
            response_headers(request, subprotocol=wrong)
    for wrong in ("b", "a, d"):
        with pytest.raises(ValueError, match="was not offered"):
            response_headers(request, extensions=wrong)
    with pytest.raises(ValueError, match="malformed"):
        response_headers(request, extensions="a\r\nSet-Cookie: a=b")


# --- The client's half ---------------------------------------------------------------------------


def test_request_headers() -> None:
    assert request_headers(KEY) == list(REQUEST.items())[1:]
    headers = request_headers(
        KEY, host="h:81", origin="https://a", subprotocols=["x", "y"], extensions="e; f=1"
    )
    assert dict(headers) == {
        **dict(changed(REQUEST, "Host", "h:81")),
        "Origin": "https://a",
        "Sec-WebSocket-Protocol": "x, y",
        "Sec-WebSocket-Extensions": "e; f=1",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "short"},
        *({"host": host} for host in ("a\r\nX: b", "caf\xe9")),
        {"origin": "a\nX: b"},
        *({"subprotocols": names} for names in (["a b"], ["a\r\nX: b"], [""], ["a", "a"])),
        {"extensions": "a\r\nX: b"},
    ],
    ids=str,
)
def test_request_headers_refuse_what_is_no_header(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        request_headers(**{"key": KEY, **wrong})
    with pytest.raises(TypeError):
        request_headers(KEY, subprotocols="chat")


def test_plain_response_passes() -> None:
    response = check_response(101, RESPONSE.items(), KEY, subprotocols=["a"], extensions="e")
    assert (response.subprotocol, response.extensions) == (None, ())


def test_response_says_what_was_accepted() -> None:
    headers = [
        *((name.upper().encode(), f" {value} ".encode()) for name, value in RESPONSE.items()),
        ("sec-websocket-protocol", "b"),
        ("sec-websocket-extensions", "e; p=1"),
        ("sec-websocket-extensions", "f"),
    ]
    response = check_response(101, headers, KEY, subprotocols=["a", "b"], extensions=["f", "e"])
    assert response.subprotocol == "b"
    assert response.extensions == ("e; p=1", "f")


@pytest.mark.parametrize("status", [100, 200, 301, 401, 426, 503])
def test_response_of_another_status(status: int) -> None:
    with pytest.raises(HandshakeError, match=str(status)) as caught:
        check_response(status, RESPONSE.items(), KEY)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *each("Upgrade", [], ["h2c"], ["websocket, h2c"], ["websocket", "websocket"], [KELVIN]),
        *each("Connection", [], ["close"]),
        *each("Sec-WebSocket-Accept", [], [ACCEPT, ACCEPT], [ACCEPT.lower()], [ACCEPT[:-1]], [KEY]),
        *each("Sec-WebSocket-Protocol", ["b"], ["A"], ["a, a"], ["a", "a"], [""]),
        *each("Sec-WebSocket-Extensions", ["e; ="]),
    ],
)
def test_broken_response(name: str, values: list[str]) -> None:
    reason = not_accepted(changed(RESPONSE, name, *values), subprotocols=["a"], extensions="e")
    assert name in reason or "subprotocol" in reason


def test_response_may_not_bring_what_was_not_offered() -> None:
    headers = [*RESPONSE.items(), ("Sec-WebSocket-Extensions", "e, f")]
    assert not_accepted(headers) == "extension 'e' was not offered"
    assert not_accepted(headers, extensions="e; a=1") == "extension 'f' was not offered"
    headers = [*RESPONSE.items(), ("Sec-WebSocket-Protocol", "a")]
    assert not_accepted(headers) == "subprotocol 'a' was not offered"


def test_websockets_server_takes_our_request_and_we_its_response() -> None:
    host = pytest.importorskip("websockets.server")
    from websockets.datastructures import Headers
    from websockets.http11 import Request

    key = new_key()
    asked = request_headers(key, host="h", origin="https://a", subprotocols=["a", "b"])
    server = host.ServerProtocol(subprotocols=["b"], origins=["https://a"])
    answer = server.accept(Request("/", Headers(asked)))
    assert check_response(answer.status_code, answer.headers.raw_items(), key, subprotocols=["b"])


def test_websockets_client_takes_our_response() -> None:
    host = pytest.importorskip("websockets.client")
    from websockets.datastructures import Headers
    from websockets.http11 import Response
    from websockets.uri import parse_uri

    client = host.ClientProtocol(parse_uri("ws://h/"), subprotocols=["a", "b"])
    request = check_request("GET", client.connect().headers.raw_items())
    answer = Headers(response_headers(request, subprotocol="b"))
    client.process_response(Response(101, "Switching Protocols", answer))
    assert client.subprotocol == "b"


# --- Header values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        (" , ,\t", []),
        ("a", [("a", [])]),
        ("a,b", [("a", []), ("b", [])]),
        (" a ; b ; c = 1 , d ", [("a", [("b", None), ("c", "1")]), ("d", [])]),
        ('a; b="1"', [("a", [("b", "1")])]),
        ('a; b = "\\1\\2" ', [("a", [("b", "12")])]),
        ("a; b; b=2", [("a", [("b", None), ("b", "2")])]),
        (b"a; b=1", [("a", [("b", "1")])]),
        (["a", b"b; c"], [("a", []), ("b", [("c", None)])]),
        (None, []),
    ],
)
def test_extensions_are_read(value: Any, expected: list[Any]) -> None:
    assert parse_extensions(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(
            "a;",
            "a; ;b",
            "; a",
            "a b",
            "a; b c",
            "a; b=",
            "a; =1",
            "a; b=1=2",
            "a; b=c d",
            "=",
            '"a"',
        ),
        *('a; b=""', 'a; b="', 'a; b="12', 'a; b=1"', 'a; b="1" 2', 'a; b="1 2"', 'a; b="1,2"'),
        *('a; b="1;2"', 'a; b="1\\"', 'a; b="\\\\1"', 'a; b="1""', 'a; "b"=1', "caf\xe9", "a\x00"),
        *("a\r\nb", "a; b=\x0b1", "a\x85", "a;\xa0b"),
    ],
)
def test_malformed_extensions(value: str) -> None:
    with pytest.raises(HandshakeError, match="malformed Sec-WebSocket-Extensions") as caught:
        parse_extensions(value, 418)
    assert caught.value.status == 418


TOKENS = st.text("abcxyz0189-_.!~", min_size=1, max_size=6)


@given(st.lists(st.tuples(TOKENS, st.lists(st.tuples(TOKENS, st.none() | TOKENS)))), st.data())
def test_written_extensions_read_back(extensions: list[Any], data: st.DataObject) -> None:
    def space() -> str:
        return data.draw(st.sampled_from(["", " ", "\t "]))

    def written(name: str, value: str | None) -> str:
        if value is None:
            return name
        quoted = '"' + "".join(data.draw(st.sampled_from(["", "\\"])) + c for c in value) + '"'
        return name + space() + "=" + space() + data.draw(st.sampled_from([value, quoted]))

    items = [
        (space() + ";" + space()).join([name, *(written(*parameter) for parameter in parameters)])
        for name, parameters in extensions
    ]
    assert parse_extensions((space() + "," + space()).join(items)) == extensions


@given(st.text(max_size=30) | st.text('ab;,="\\ \t', max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(HandshakeError):
        for name, parameters in parse_extensions(text):
            assert name
            assert all(parameters)


def test_error_can_be_copied_and_pickled() -> None:
    error = HandshakeError(426, "why", (("A", "b"),))
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (twin.status, twin.reason, twin.headers, str(twin)) == (
            426,
            "why",
            (("A", "b"),),
            "why",
        )
    assert isinstance(error, ValueError) and HandshakeError(400, "why").args == (400, "why", ())
