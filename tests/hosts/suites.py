"""What there is to run: every host's suite, where it is, what it needs, what it gives.

A suite is data. Its counts are those without fastws; with fastws they are the same, but for the
tests that are allowed to differ, each with the reason why. The versions of everything stand in
`locks/`, one file per environment.

Not here, because their distributions bring no tests: websockets from 17.0 on (its last ones, of
16.1.1, are here), gevent-websocket. Nor trio-websocket, whose fixtures fail without fastws as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Suite:
    """One suite of a host, or of a library that stands on one.

    Attributes:
        distribution: what is under test, pinned as in the environment's lock.
        adapters: those that must be seen to work in it.
        expected: how many tests come to which outcome without fastws.
        tests: what to run: files and folders of `files`, or modules of installed packages.
        files: what to take from the source distribution; nothing where the wheel brings the tests.
        sdist: the source distribution, where it is not the one of `distribution`.
        support: a folder beside this file, laid over `files`: what the tests import and the source
            distribution lacks.
        program: a module that runs the tests; pytest where it is not given.
        options: for that program.
        plugins: of pytest. None is loaded that is not named, since they share an environment.
        environment: the name of a lock.
        variables: to be set.
        quick: whether it runs for every change.
        left_out: tests not run, and why.
        allowed: tests to which fastws makes a difference, and why it may.
        timeout: seconds for one run.
    """

    name: str
    distribution: str
    adapters: tuple[str, ...]
    expected: Mapping[str, int]
    tests: tuple[str, ...]
    files: tuple[str, ...] = ()
    sdist: str = ""
    support: str = ""
    program: str = ""
    options: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    environment: str = "shared"
    variables: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)
    allowed: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 600


STRUCT = "it makes struct.unpack fail, to see an internal error: fastws reads headers without it"
DNS = "it resolves example.com"
CLIENT_TESTS = "tests/test_client.py::SimpleWebSocketClientTestCase::test_"
UVICORN_TESTS = "tests/protocols/test_websocket.py::test_"
HTTP = ("httptools", "h11", "zttp")
AT_ONCE = "skipped for uvicorn's class, which sends a denial in one; ours sends it as it comes"
READ_AHEAD = "it looks for a pause after one unread message; ours reads on up to ws_max_queue"
REPLACING = "it replaces a method of the transport, which uvloop does not let it"


def uvicorn_class(loop: str) -> Suite:
    """Give the suite of uvicorn with our `WebSocketProtocol` in the place of a class of its own."""
    differing = {
        "server_reject_connection_with_invalid_msg": AT_ONCE,
        "server_reject_connection_with_missing_body": AT_ONCE,
        "server_multiple_websocket_http_response_start_events": AT_ONCE,
        "close_resumes_reads_paused_on_an_unconsumed_message": READ_AHEAD,
    }
    left_out = {
        f"{UVICORN_TESTS}server_keepalive_ping_timeout[websockets-sansio-{http}]": REPLACING
        for http in (HTTP if loop == "uvloop" else ())
    }
    return Suite(
        f"uvicorn-class-{loop}",
        "uvicorn==0.54.0",
        ("websockets",),  # in the client
        {"passed": 204 - len(left_out), "skipped": 9},
        ("tests/protocols/test_websocket.py",),
        files=("tests", "pyproject.toml"),
        options=("-k", "sansio"),
        plugins=("anyio.pytest_plugin", "pytest_mock", "uvicorn_class"),
        variables={"FASTWS_HOSTS_LOOP": loop},
        left_out=left_out,
        allowed={
            f"{UVICORN_TESTS}{test}[websockets-sansio-{http}]": why
            for test, why in differing.items()
            for http in HTTP
        },
    )


SUITES = (
    Suite(
        "websockets",
        "websockets==16.1.1",
        ("websockets",),
        {"passed": 278, "subtests passed": 263},
        ("tests.test_frames", "tests.test_protocol", "tests.test_streams", "tests.test_utils"),
        files=("tests",),
        support="websockets",
        program="unittest",
        environment="websockets-16",
        quick=True,
        allowed={
            "tests.test_protocol.ErrorTests.test_client_hits_internal_error_reading_frame": STRUCT,
            "tests.test_protocol.ErrorTests.test_server_hits_internal_error_reading_frame": STRUCT,
        },
    ),
    Suite(
        "sanic",
        "sanic==25.12.1",
        ("websockets",),
        {"passed": 39},
        ("tests/test_websockets.py", "tests/test_ws_handlers.py"),
        files=("tests",),
        plugins=("pytest_asyncio.plugin",),
        environment="websockets-16",
        quick=True,
    ),
    Suite(
        "uvicorn-sansio",
        "uvicorn==0.54.0",
        ("websockets",),
        {"passed": 68, "skipped": 3},
        ("tests/protocols/test_websocket.py",),
        files=("tests", "pyproject.toml"),
        options=("-k", "sansio and httptools"),
        plugins=("anyio.pytest_plugin", "pytest_mock"),
        quick=True,
    ),
    Suite(
        "uvicorn",
        "uvicorn==0.54.0",
        ("websockets", "wsproto"),
        {"passed": 429, "skipped": 9},
        ("tests/protocols/test_websocket.py",),
        files=("tests", "pyproject.toml"),
        plugins=("anyio.pytest_plugin", "pytest_mock"),
    ),
    uvicorn_class("asyncio"),
    uvicorn_class("uvloop"),
    Suite(
        "wsproto",
        "wsproto==1.3.2",
        ("wsproto",),
        {"passed": 230},
        ("tests",),
        files=("tests",),
        quick=True,
    ),
    Suite(
        "hypercorn",
        "hypercorn==0.18.0",
        ("wsproto",),
        {"passed": 43},
        ("tests/protocol/test_ws_stream.py",),
        files=("tests",),
        plugins=("pytest_asyncio.plugin",),
        quick=True,
    ),
    Suite(
        "httpx-ws",
        "httpx-ws==0.9.0",
        ("wsproto",),
        {"passed": 147},
        ("tests",),
        files=("tests",),
        plugins=("anyio.pytest_plugin",),
    ),
    Suite(
        "simple-websocket",
        "simple-websocket==1.1.0",
        (),  # what its tests feed it comes as events, not as frames
        {"passed": 36},
        ("tests",),
        files=("tests",),
        left_out={
            f"{CLIENT_TESTS}{name}": DNS
            for name in (
                *("close", "make_client", "make_client_headers", "make_client_headers2"),
                *("make_client_subprotocol", "make_client_subprotocols", "receive"),
                *("receive_after_close", "receive_empty", "receive_ping", "send"),
            )
        },
    ),
    Suite(
        "autobahn",
        "autobahn==26.10.2",
        ("autobahn",),
        {"passed": 73, "skipped": 2, "subtests passed": 116, "subtests skipped": 4},
        ("autobahn.websocket.test", "autobahn.nvx.test"),
        variables={"AUTOBAHN_USE_NVX": "1", "USE_ASYNCIO": "1"},
        quick=True,
    ),
    Suite(
        "autobahn-pure",
        "autobahn==26.10.2",
        ("autobahn",),
        {"passed": 74, "skipped": 1, "subtests passed": 116, "subtests skipped": 4},
        ("autobahn.websocket.test", "autobahn.nvx.test"),
        variables={"AUTOBAHN_USE_NVX": "0", "USE_ASYNCIO": "1"},
        quick=True,
    ),
    Suite(
        "autobahn-twisted",
        "autobahn==26.10.2",
        ("autobahn",),
        {"passed": 98, "skipped": 5},
        (
            "autobahn.websocket.test",
            "autobahn.nvx.test",
            "autobahn.twisted.test.test_tx_websocket_agent",
            "autobahn.twisted.test.test_tx_protocol",
        ),
        program="twisted.trial",
        variables={"USE_TWISTED": "1"},
        quick=True,
    ),
    Suite(
        "daphne",
        "daphne==4.2.3",
        ("autobahn",),
        {"passed": 16, "subtests passed": 12},
        ("tests/test_websocket.py",),
        files=("tests",),
    ),
    Suite(
        "tornado",
        "tornado==6.6.1",
        ("tornado",),
        {"passed": 70, "skipped": 1, "subtests passed": 12},
        ("tornado.test.websocket_test",),
        program="tornado.test.runtests",
        quick=True,
    ),
    Suite(
        "tornado-pure",
        "tornado==6.6.1",
        ("tornado",),
        {"passed": 70, "skipped": 1, "subtests passed": 12},
        ("tornado.test.websocket_test",),
        program="tornado.test.runtests",
        variables={"TORNADO_EXTENSION": "0"},
        quick=True,
    ),
    Suite(
        "websocket-client",
        "websocket-client==1.9.2",
        ("websocket_client",),
        {"passed": 195, "skipped": 26, "subtests passed": 21},
        ("websocket.tests",),
        quick=True,
    ),
    Suite(
        "ws4py",
        "ws4py==0.6.0",
        ("ws4py",),
        {"passed": 120},
        ("test",),
        files=("test",),
        options=("--ignore=test/test_cherrypy.py",),  # it needs a server that is none of ours
        quick=True,
    ),
    Suite(
        "eventlet",
        "eventlet==0.41.3",
        ("eventlet",),
        {"passed": 45},
        ("tests/websocket_new_test.py", "tests/websocket_test.py"),
        files=("tests",),
        environment="eventlet",
        quick=True,
    ),
    Suite(
        "aiohttp",
        "aiohttp==3.14.5",
        ("aiohttp",),
        {"passed": 400},
        (
            "tests/test_websocket_parser.py",
            "tests/test_websocket_writer.py",
            "tests/test_websocket_data_queue.py",
            "tests/test_websocket_handshake.py",
            "tests/test_client_ws.py",
            "tests/test_web_websocket.py",
            "tests/test_client_ws_functional.py",
            "tests/test_web_websocket_functional.py",
        ),
        files=("tests", "pytest.ini"),
        plugins=("pytest_mock", "pytest_timeout"),
    ),
)
