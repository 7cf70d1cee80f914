"""fastws in ws4py: what is replaced, what is refused, and streams that are read as by stock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from adapters.violations import KEY, VIOLATIONS, frames_for
from helpers import cuts, kind, outcome
from hypothesis import given
from hypothesis import strategies as st

import fastws
from fastws.adapters import HostWarning
from fastws.adapters import ws4py as adapter

ws4py = pytest.importorskip("ws4py")
framing = pytest.importorskip("ws4py.framing")
streaming = pytest.importorskip("ws4py.streaming")
messaging = pytest.importorskip("ws4py.messaging")
ours: Any = pytest.importorskip("fastws.adapters._ws4py_frames")

REPLACED = (
    "ws4py.framing.Frame.mask",
    "ws4py.framing.Frame.unmask",
    "ws4py.streaming.Utf8Validator",
)


@contextmanager
def fast() -> Iterator[dict[str, int]]:
    """Have fastws in ws4py for a while; gives what the counters were before."""
    fastws.install("ws4py")
    try:
        yield adapter.counters()
    finally:
        fastws.uninstall("ws4py")


# --- Install -------------------------------------------------------------------------------------


def standing() -> list[object]:
    members = vars(framing.Frame)
    return [members["mask"], members["unmask"], streaming.Utf8Validator]


def test_the_very_objects_are_restored() -> None:
    before = standing()
    adapter.install()
    fastws.install("ws4py")
    assert standing() == [ours.mask, ours.mask, ours.Utf8Validator]
    found = fastws.status()["ws4py"]
    assert (found.state, found.supported, found.reason) == ("on", adapter.supported(), "")
    assert found.replaced == REPLACED
    adapter.uninstall()
    assert all(one is other for one, other in zip(standing(), before, strict=True))
    assert fastws.status()["ws4py"].state == "off"


@pytest.mark.parametrize(
    ("owner", "name", "other", "told"),
    [
        (ours, "STOCK_MASK", print, "Frame.mask is not built"),
        (ours, "STOCK_UNMASK", print, "Frame.unmask is not built"),
        (ours, "STOCK_RECEIVER", print, "Stream.receiver is not built"),
        (ours, "STOCK_VALIDATOR", None, "Utf8Validator is not built"),
        (framing, "Frame", type("Frame", (), {}), "it was imported anew"),
        (streaming, "Frame", type("Frame", (), {}), "it was imported anew"),
        (ws4py, "__version__", "0.7.0", "version 0.7.0 is not one"),
        (ws4py, "__version__", "0.3.5", "version 0.3.5 is not one"),
    ],
)
def test_another_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, other: Any, told: str
) -> None:
    before = standing()
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, other)
        with pytest.warns(HostWarning, match=f"{told}.*supported: {adapter.supported()}"):
            fastws.install("ws4py")
        assert fastws.status()["ws4py"].state == "refused"
    assert standing() == before
    fastws.uninstall("ws4py")


def python(code: str) -> list[str]:
    """Run code in a fresh interpreter; give its lines."""
    path = str(Path(fastws.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {path!r}); import fastws\n{code}"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_installed_before_the_import() -> None:
    assert python(
        "fastws.install('ws4py')\n"
        "print(fastws.status()['ws4py'].state, 'ws4py' in sys.modules)\n"
        "from ws4py.streaming import Frame, Utf8Validator\n"
        "print(fastws.status()['ws4py'].state, Frame.mask.__module__, Utf8Validator.__module__)\n"
        "fastws.uninstall()\n"
        "import ws4py.streaming as host\n"
        "print(Frame.unmask.__module__, host.Utf8Validator.__module__)\n"
    ) == [
        "waiting False",
        "on fastws.adapters._ws4py_frames fastws.adapters._ws4py_frames",
        "ws4py.framing ws4py.utf8validator",
    ]


# --- Streams -------------------------------------------------------------------------------------


def described(message: Any) -> Any:
    if message is None:
        return None
    fields = vars(message)
    return type(message), {name: (type(fields[name]), fields[name]) for name in sorted(fields)}


def transcript(chunks: Sequence[bytes], masked: bool, kinds: type = bytes) -> list[Any]:
    """Feed a stream as ws4py's WebSocket does, and note all that it holds after each chunk."""
    stream = streaming.Stream(expect_masking=masked)
    steps: list[Any] = []
    size = 2
    for data in chunks:
        rest = data
        while rest:
            taken, rest = rest[:size], rest[size:]
            try:
                size = stream.parser.send(kinds(taken)) or 2
            except Exception as error:
                return [*steps, type(error), str(error)]
            steps.append(
                (
                    size,
                    described(stream.message),
                    [described(one) for one in stream.pings + stream.pongs + stream.errors],
                    described(stream.closing),
                )
            )
            if stream.closing is not None or stream.errors:
                return steps
    return steps


def same(data: bytes, masked: bool, size: int = 1, kinds: type = bytes) -> None:
    chunked = [[data], list(cuts(data, size)) if data else []]
    expected = [transcript(chunks, masked, kinds) for chunks in chunked]
    with fast():
        assert [transcript(chunks, masked, kinds) for chunks in chunked] == expected


@pytest.mark.parametrize("kinds", [bytes, bytearray])
@pytest.mark.parametrize("masked", [False, True], ids=["client", "server"])
@pytest.mark.parametrize("name", VIOLATIONS)
def test_violations_are_judged_as_by_stock(name: str, masked: bool, kinds: type) -> None:
    same(VIOLATIONS[name](masked), masked, kinds=kinds)


@given(st.booleans(), st.data(), st.integers(1, 40))
def test_random_streams(masked: bool, data: st.DataObject, size: int) -> None:
    frames = data.draw(st.lists(frames_for(masked), max_size=6))
    same(b"".join(frames), masked, size)


def test_our_code_reads_and_writes_large_messages() -> None:
    text = ("Grüße, 世界 " * 9000).encode()
    with fast() as before:
        data = messaging.TextMessage(text).single(mask=True)
        steps = transcript([data], True)
    assert data != text
    assert steps[-1][1][1]["data"] == (bytes, text) or bytes(steps[-1][1][1]["data"][1]) == text
    after = adapter.counters()
    assert after["masked"] == before["masked"] + 2
    assert after["validated"] == before["validated"] + 1


# --- Masks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, bytearray(KEY), b"", None, b"12", b"12345", "abcd"], ids=kind)
@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"hello" * 30, bytearray(b"spam"), memoryview(b"spam"), "text", None, 3],
    ids=kind,
)
def test_masking_is_that_of_stock(key: Any, data: Any) -> None:
    frame = framing.Frame(opcode=2, body=b"x", masking_key=None)
    frame.masking_key = key
    expected = [outcome(frame.mask, data), outcome(frame.unmask, data)]
    with fast():
        assert [outcome(frame.mask, data), outcome(frame.unmask, data)] == expected


@pytest.mark.parametrize("body", [b"", b"x", b"x" * 126, b"x" * 70_000])
def test_frames_are_built_as_by_stock(body: bytes) -> None:
    frame = framing.Frame(opcode=2, body=body, masking_key=KEY, fin=1)
    expected = frame.build()
    with fast():
        assert outcome(frame.build) == ("returns", type(expected), expected)
