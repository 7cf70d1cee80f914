"""The reference has every public name, and the docstrings that it is made of say what they should.

The form: a sentence, then `Args:` with each parameter, `Returns:`, `Raises:`, `Attributes:`; sizes
and the section of the RFC where there are such.
"""

from __future__ import annotations

import ast
import inspect
import re
from enum import Enum, IntEnum
from importlib import import_module
from types import FunctionType, SimpleNamespace
from typing import Any

import pytest
from pages import DOCS, docstring_blocks

import fastws
import fastws.deflate
import fastws.handshake
from fastws import adapters
from fastws.adapters._registry import HOSTS

ENTRY = re.compile(r"^::: ([\w.]+)$((?:\n    .*)*)", re.M)
# Made when they are asked for, so that `__all__` cannot name them: a `*` would import the host.
MADE = {
    "autobahn": ["FastFrames"],
    "tornado": ["FastClientConnection", "FastHandlerMixin", "FastProtocol13", "websocket_connect"],
    "uvicorn": ["WebSocketProtocol"],
    "websockets": ["FastClientProtocol", "FastServerProtocol"],
}
HOST_MODULES = [*HOSTS, "uvicorn"]
MODULES = ["fastws", "fastws.handshake", "fastws.deflate", "fastws.adapters"]


def public_names() -> set[str]:
    names = {f"{module}.{name}" for module in MODULES for name in import_module(module).__all__}
    return names | {f"fastws.adapters.{host}" for host in HOST_MODULES}


def entries() -> dict[str, str]:
    """Give the entries of the reference, each with its options."""
    pages = [page.read_text(encoding="utf-8") for page in sorted((DOCS / "api").glob("*.md"))]
    found = [entry for page in pages for entry in ENTRY.findall(page)]
    assert len({name for name, _ in found}) == len(found), "an entry stands twice"
    return dict(found)


# --- Every name ----------------------------------------------------------------------------------


def test_every_public_name_has_an_entry() -> None:
    assert not public_names() - entries().keys()


def test_every_entry_is_a_public_name() -> None:
    introductions = {"fastws.connection", "fastws.handshake", "fastws.deflate"}
    assert entries().keys() - public_names() == introductions - public_names()
    for name in introductions:
        assert "members: false" in entries()[name]


@pytest.mark.parametrize("host", HOST_MODULES)
def test_the_entry_of_a_host_has_its_functions(host: str) -> None:
    module = import_module(f"fastws.adapters.{host}")
    told = set(re.findall(r"^ +- (\w+)$", entries()[f"fastws.adapters.{host}"], re.M))
    assert told == {*module.__all__, *MADE.get(host, ())}


@pytest.mark.parametrize("host", MADE)
def test_what_is_made_when_asked_for_is_there(host: str) -> None:
    pytest.importorskip(HOSTS[host].modules[0] if host in HOSTS else host)
    module = import_module(f"fastws.adapters.{host}")
    for name in MADE[host]:
        assert getattr(module, name).__doc__


# --- What the docstrings say ---------------------------------------------------------------------


def functions() -> dict[str, Any]:
    """Give every public function, class and method that takes something, by its full name."""
    found = {}
    for module in MODULES:
        for name in import_module(module).__all__:
            thing = getattr(import_module(module), name)
            if isinstance(thing, str | bool | int) or not (
                callable(thing) and thing.__module__.startswith("fastws")
            ):
                continue
            found[f"{module}.{name}"] = thing
            if inspect.isclass(thing):
                found |= {f"{module}.{name}.{key}": method for key, method in methods_of(thing)}
    return found


def methods_of(kind: type) -> list[tuple[str, Any]]:
    return [
        (name, member)
        for name, member in inspect.getmembers(kind)
        if not name.startswith("_")
        and (isinstance(member, FunctionType) or inspect.ismethoddescriptor(member))
        and getattr(member, "__objclass__", kind).__module__.startswith("fastws")
        and not isinstance(getattr(tuple, name, None), type(member))
    ]


FUNCTIONS = functions()
# Their fields are their parameters, and stand under `Attributes:`.
RECORDS = [
    "fastws.CodecError",
    "fastws.ConnectionClosedError",
    "fastws.FrameHeader",
    "fastws.adapters.Status",
    "fastws.handshake.HandshakeError",
    "fastws.handshake.Request",
    "fastws.handshake.Response",
]


def text_of(name: str) -> str:
    """Give a docstring, without the space in front of its lines."""
    return inspect.cleandoc(FUNCTIONS[name].__doc__ or "")


def test_there_is_something_to_look_at() -> None:
    assert {"fastws.apply_mask", "fastws.Connection.ping", "fastws.FrameDecoder.feed"} <= {
        *FUNCTIONS
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_begins_with_a_sentence(name: str) -> None:
    first = text_of(name).split("\n\n")[0]
    assert re.match(r"[A-Z].*[.:]$", first, re.S), first


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_docstring_names_every_parameter(name: str) -> None:
    thing = FUNCTIONS[name]
    if inspect.isclass(thing) and (name in RECORDS or issubclass(thing, Enum | Exception)):
        return
    wanted = [word for word in inspect.signature(thing).parameters if word != "self"]
    assert re.findall(r"^    (\w+): ", section_of(text_of(name), "Args"), re.M) == wanted


@pytest.mark.parametrize("kind", [fastws.Opcode, fastws.CloseCode, fastws.State])
def test_an_enumeration_names_every_member(kind: type[IntEnum]) -> None:
    told = re.findall(
        r"^    (\w+): (\d+), ", section_of(inspect.cleandoc(kind.__doc__ or ""), "Attributes"), re.M
    )
    assert [(name, int(value)) for name, value in told] == [(m.name, m.value) for m in kind]


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_names_every_attribute(name: str) -> None:
    kind = FUNCTIONS[name]
    wanted = list(getattr(kind, "_fields", ())) or list(inspect.signature(kind).parameters)
    told = re.findall(r"^    (\w+): ", section_of(text_of(name), "Attributes"), re.M)
    assert {*told} >= {*wanted}


def section_of(docstring: str, title: str) -> str:
    """Give what stands under a title."""
    match = re.search(rf"^{title}:\n((?:    .*\n?|\n)*)", docstring, re.M)
    return match[1] if match else ""


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if "data: any buffer" in text_of(n)])
def test_who_takes_a_buffer_says_what_anything_else_raises(name: str) -> None:
    assert "TypeError" in section_of(text_of(name), "Raises")


CODEC = [
    name
    for name in fastws.__all__
    if f"fastws.{name}" in FUNCTIONS and name not in ("install", "uninstall", "status", "State")
]


@pytest.mark.parametrize("name", CODEC)
def test_the_codec_names_the_rfc(name: str) -> None:
    assert re.search(r"RFC \d+", getattr(fastws, name).__doc__)


# --- Code in docstrings --------------------------------------------------------------------------


def shown_in(name: str) -> str:
    """Give the Python that a docstring shows, in one piece."""
    return "\n".join(text for where, text in docstring_blocks() if where == name)


PYTHON = {name for name, text in docstring_blocks() if not text.startswith("uvicorn ")}


def run_shown(name: str, **names: Any) -> dict[str, Any]:
    """Run what a docstring shows, with what it takes for granted."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(shown_in(name), name, "exec", flags=flags)
    waiting = eval(code, names)
    if inspect.iscoroutine(waiting):
        try:
            waiting.send(None)
        except StopIteration:
            pass
    return names


def test_all_that_docstrings_show_is_run_here() -> None:
    assert PYTHON == {
        "fastws.adapters.autobahn",
        "fastws.adapters.tornado",
        "fastws.adapters.websockets",
        "fastws.connection",
        "fastws.deflate",
        "fastws.handshake",
    }


def test_the_connection_that_is_shown() -> None:
    written: list[bytes] = []
    transport = SimpleNamespace(write=written.append, close=lambda: written.append(b"closed"))
    data = fastws.encode_frame(1, "hello", mask=True) + fastws.encode_frame(9, mask=True)
    run_shown(
        "fastws.connection",
        Connection=fastws.Connection,
        deflate=None,
        data=data,
        transport=transport,
    )
    assert written == [b"\x81\x03...", b"\x8a\x00\x81\x03...", b""]


def test_the_handshake_that_is_shown() -> None:
    names = {name: getattr(fastws.handshake, name) for name in fastws.handshake.__all__}
    headers = fastws.handshake.request_headers(fastws.handshake.new_key(), subprotocols=["chat"])
    key = dict(headers)["Sec-WebSocket-Key"]
    shown = run_shown(
        "fastws.handshake",
        **names | {"new_key": lambda: key},
        method="GET",
        headers=headers,
        chosen="chat",
        accepted=None,
        wanted=["chat"],
        offer=None,
        status=101,
    )
    assert shown["response"].subprotocol == "chat"


def test_the_compression_that_is_shown() -> None:
    settings = fastws.deflate.PerMessageDeflate()
    names = {"request": SimpleNamespace(extensions=settings.offer()), "settings": settings}
    answer, _ = settings.accept(settings.offer()) or ("", None)
    shown = run_shown("fastws.deflate", **names, response=SimpleNamespace(extensions=answer))
    assert shown["extensions"] == answer
    assert isinstance(shown["deflate"], fastws.deflate.Deflate)


def test_the_mixin_for_autobahn_that_is_shown() -> None:
    host = pytest.importorskip("autobahn.asyncio.websocket")
    factory = SimpleNamespace()
    run_shown(
        "fastws.adapters.autobahn",
        FastFrames=import_module("fastws.adapters.autobahn").FastFrames,
        WebSocketServerProtocol=host.WebSocketServerProtocol,
        factory=factory,
    )
    assert issubclass(factory.protocol, host.WebSocketServerProtocol)


def test_the_handler_and_the_client_for_tornado_that_are_shown() -> None:
    tornado = pytest.importorskip("tornado")
    import_module("tornado.websocket")
    ours = import_module("fastws.adapters.tornado")
    asked = []

    async def websocket_connect(url: str) -> str:
        asked.append(url)
        return "connection"

    assert ours.websocket_connect.__code__.co_varnames[0] == "url"
    shown = run_shown(
        "fastws.adapters.tornado",
        tornado=tornado,
        FastHandlerMixin=ours.FastHandlerMixin,
        websocket_connect=websocket_connect,
        url="ws://here/",
    )
    assert issubclass(shown["Echo"], tornado.websocket.WebSocketHandler)
    assert (asked, shown["connection"]) == (["ws://here/"], "connection")


def test_the_classes_for_websockets_that_are_shown() -> None:
    server = pytest.importorskip("websockets.asyncio.server")
    client = pytest.importorskip("websockets.asyncio.client")
    ours = import_module("fastws.adapters.websockets")
    given: list[Any] = []

    def taking(function: Any) -> Any:
        signature = inspect.signature(function)
        return lambda *words, **more: given.append(signature.bind(*words, **more).arguments)

    run_shown(
        "fastws.adapters.websockets",
        serve=taking(server.serve),
        connect=taking(client.connect),
        handler=None,
        host="127.0.0.1",
        port=0,
        uri="ws://here/",
        AsyncioServerConnection=ours.AsyncioServerConnection,
        AsyncioClientConnection=ours.AsyncioClientConnection,
    )
    assert [words["create_connection"] for words in given] == [
        ours.AsyncioServerConnection,
        ours.AsyncioClientConnection,
    ]


def test_the_names_of_the_package_are_those_of_the_adapters() -> None:
    for name in ("install", "uninstall", "status"):
        face, inner = getattr(fastws, name), getattr(adapters, name)
        assert section_of(inspect.getdoc(face) or "", "Raises") == section_of(
            inspect.getdoc(inner) or "", "Raises"
        )
