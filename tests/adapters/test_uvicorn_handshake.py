"""`WebSocketProtocol` of uvicorn: how a connection is opened, or is not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from adapters.uvicorn_driven import ACCEPT, KEY, REQUEST, Driven, recorder, scripted, stock, turns
from helpers import make_frame
from uvicorn.protocols.utils import ClientDisconnected

from fastws.adapters.uvicorn import WebSocketProtocol, supported

OURS_AND_STOCK = pytest.mark.parametrize("side", ["ours", "stock"])


def class_of(side: str) -> Any:
    return WebSocketProtocol if side == "ours" else stock()


def opened(app: Any, side: str = "ours", extra: bytes = b"", **config: Any) -> tuple[str, Driven]:
    """Open a connection; give the answer."""

    async def run() -> tuple[str, Driven]:
        driven = Driven(app, class_of(side), **config)
        driven.feed(REQUEST + extra + b"\r\n")
        await turns()
        answer = driven.take().decode("latin-1")
        await driven.end()
        return answer, driven

    return asyncio.run(run())


def lines(answer: str) -> tuple[str, set[str], str]:
    """Take an answer apart: its first line, its headers but for the date, its body."""
    head, _, body = answer.partition("\r\n\r\n")
    first, *headers = head.split("\r\n")
    fields = (line.partition(": ") for line in headers)
    return first, {f"{n.lower()}: {v}" for n, _, v in fields if n.lower() != "date"}, body


def test_nothing_is_imported_before_the_class_is_asked_for() -> None:
    code = (
        "import sys, fastws.adapters.uvicorn as module\n"
        "assert not {'uvicorn', 'asyncio', 'h11'} & set(sys.modules), sys.modules\n"
        "assert module.WebSocketProtocol is module.WebSocketProtocol\n"
        "assert 'uvicorn' in sys.modules\n"
        "try: module.Other\n"
        "except AttributeError as error: assert 'Other' in str(error)\n"
        "else: raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert supported()


def test_a_request_is_accepted_with_headers_and_a_subprotocol() -> None:
    headers = [(b"x-one", b"1"), (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")]
    app = scripted({**ACCEPT, "headers": headers, "subprotocol": "chat"})
    extra = b"sec-websocket-protocol: super, chat\r\n"
    first, fields, body = lines(opened(app, extra=extra)[0])
    assert first.startswith("HTTP/1.1 101 ")
    assert {
        "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "sec-websocket-protocol: chat",
        *("upgrade: websocket", "connection: Upgrade"),
        *("x-one: 1", "set-cookie: a=b", "set-cookie: c=d"),
    } == fields
    assert body == ""


@pytest.mark.parametrize(
    "extra", [b"", b"sec-websocket-protocol: a, b\r\nsec-websocket-protocol: c\r\ncookie: \xe9\r\n"]
)
@pytest.mark.parametrize("root", ["", "/root"])
def test_the_scope_is_the_one_of_uvicorn(extra: bytes, root: str) -> None:
    scopes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)

    for side in ("ours", "stock"):
        opened(app, side, extra, root_path=root)
    assert scopes[0] == scopes[1]
    assert scopes[0]["state"] == {"of": "lifespan"}
    assert scopes[0]["path"] == f"{root}/chat"


def test_default_headers_go_along() -> None:
    async def run() -> bytes:
        driven = Driven(scripted(ACCEPT))
        driven.protocol.default_headers.append((b"server", b"uvicorn"))
        head = await driven.open()
        await driven.end()
        return head

    assert b"server: uvicorn" in asyncio.run(run()).lower()


def test_a_closing_application_rejects_as_with_uvicorn() -> None:
    app = scripted({"type": "websocket.close", "code": 4000})
    ours, theirs = (opened(app, side)[0] for side in ("ours", "stock"))
    assert lines(ours) == lines(theirs)
    assert ours.startswith("HTTP/1.1 403 Forbidden")


DENIAL = {
    "type": "websocket.http.response.start",
    "status": 418,
    "headers": [(b"x-a", b"b"), (b"content-type", b"text/html")],
}
BODY = {"type": "websocket.http.response.body", "body": b"<p>"}


def test_a_denial_response_is_as_with_uvicorn() -> None:
    ours, theirs = (opened(scripted(DENIAL, BODY), side)[0] for side in ("ours", "stock"))
    assert lines(ours) == lines(theirs)
    assert ours.endswith("<p>")


def test_a_denial_response_is_streamed() -> None:
    app = scripted(DENIAL, {**BODY, "more_body": True}, BODY)
    answer, driven = opened(app)
    first, fields, body = lines(answer)
    assert first.startswith("HTTP/1.1 418 ")
    assert "transfer-encoding: chunked" in fields
    assert body == "3\r\n<p>\r\n3\r\n<p>\r\n0\r\n\r\n"
    assert driven.transport.closing


@OURS_AND_STOCK
@pytest.mark.parametrize("failing", [True, False])
def test_an_application_that_does_not_answer_gets_the_client_a_500(
    side: str, failing: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if failing:
            raise ValueError("broken")

    answer, _ = opened(app, side)
    assert answer.startswith("HTTP/1.1 500 Internal Server Error")
    assert answer.endswith("Internal Server Error")
    told = "Exception in ASGI" if failing else "without completing handshake"
    assert told in caplog.text


WRONG = {
    "no key": (b"sec-websocket-key", b"x-key"),
    "bad key": (b"dGhlIHNhbXBsZSBub25jZQ==", b"short"),
    "no connection": (b"connection: Upgrade", b"connection: close"),
}


def test_another_version_is_told_which_one_there_is() -> None:
    """RFC 6455 4.4; uvicorn's own class answers 400."""

    async def run() -> str:
        driven = Driven(scripted())
        driven.feed(REQUEST.replace(b"version: 13", b"version: 12") + b"\r\n")
        answer = driven.take().decode()
        await driven.end()
        return answer

    first, fields, _ = lines(asyncio.run(run()))
    assert first == "HTTP/1.1 426 Upgrade Required"
    assert "sec-websocket-version: 13" in fields


@pytest.mark.parametrize("wrong", WRONG)
def test_a_request_that_is_wrong_is_refused_as_with_uvicorn(wrong: str) -> None:
    async def run(cls: Any) -> str:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise AssertionError

        driven = Driven(app, cls)
        driven.feed(REQUEST.replace(*WRONG[wrong]) + b"\r\n")
        answer = driven.take().decode()
        await driven.end()
        return answer.split("\r\n")[0]

    ours, theirs = (asyncio.run(run(class_of(side))) for side in ("ours", "stock"))
    assert ours == theirs


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "websocket.send", "text": "early"}],
        [ACCEPT, {"type": "websocket.accept"}],
        [ACCEPT, {"type": "websocket.close"}, {"type": "websocket.send", "text": "late"}],
        [ACCEPT, {"type": "websocket.http.response.start", "status": 200}],
        [{"type": "websocket.http.response.start", "status": 1000}],
        [DENIAL, ACCEPT],
    ],
)
def test_messages_out_of_turn_are_refused_as_with_uvicorn(messages: list[Any]) -> None:
    told = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        try:
            for message in messages:
                await send(message)
        except Exception as error:
            told.append((type(error), str(error)))
            raise ClientDisconnected from None

    for side in ("ours", "stock"):
        opened(app, side)
    assert told[0] == told[1]
    assert told[0][0] is RuntimeError


def test_a_header_that_breaks_http_gets_no_further() -> None:
    told = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        try:
            await send({**ACCEPT, "headers": [(b"x", b"a\r\nevil: 1")]})
        except Exception as error:
            told.append(error)

    answer, _ = opened(app)
    assert told
    assert answer.startswith("HTTP/1.1 500 ")
    assert "evil" not in answer


def test_a_client_that_goes_before_it_is_accepted() -> None:
    told: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        told.append(await receive())
        try:
            await send(ACCEPT)
        except OSError as error:
            told.append(type(error))

    async def run() -> None:
        driven = Driven(app)
        await driven.open()
        driven.protocol.eof_received()
        await driven.end()

    asyncio.run(run())
    assert told == [{"type": "websocket.disconnect", "code": 1006}, ClientDisconnected]


def test_frames_behind_the_request_are_received() -> None:
    seen: list[Any] = []

    async def run() -> None:
        driven = Driven(recorder(seen))
        await driven.open(behind=make_frame(1, b"early", mask=KEY))
        await driven.end()

    asyncio.run(run())
    assert seen[0] == {"type": "websocket.receive", "text": "early"}
