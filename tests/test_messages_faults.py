"""MessageDecoder when memory runs out: nothing wrong comes out, whichever allocation fails (S25).

A failed allocation must not make the decoder lose its place: a payload that it takes for frames is
a way to smuggle some in.
"""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from helpers import cuts, make_frame
from message_streams import KEY
from twins import plain

from fastws import CodecError, _pure

on_cpython = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="lets allocations fail as CPython makes them"
)


def decode_starved(
    codec: ModuleType, pieces: list[bytes], text: str, target: int, number: int
) -> tuple[list[Any], CodecError | None, bool, int]:
    """Decode while one allocation fails: that of this number in the call of this number.

    A call that fails is made again. Give the events, the error that ended them, whether the
    allocation failed, and the number of calls.
    """
    testcapi = importlib.import_module("_testcapi")
    failed, calls = False, 0

    def call(function: Callable[..., Any], *args: Any) -> Any:
        nonlocal failed, calls
        calls += 1
        if calls == target:
            testcapi.set_nomemory(number - 1, number)
            try:
                return function(*args)
            except MemoryError:
                failed = True
            finally:
                testcapi.remove_mem_hooks()
        return function(*args)

    decoder = codec.MessageDecoder("server", text=text)
    found = []
    try:
        for piece in pieces:
            call(decoder.feed, piece)
            while (event := call(next, decoder, None)) is not None:
                found.append(plain(event))
    except CodecError as error:
        return found, error, failed, calls
    return found, None, failed, calls


TEXT = "caf\xe9 \u20ac ".encode() * 30
# Payloads that would make frames themselves, if their place was lost.
INNER = make_frame(2, mask=bytes(4)) * 20
STREAMS = {
    "ascii": make_frame(1, b"ascii" * 40, mask=KEY) + make_frame(9, b"ping", mask=KEY),
    "text": make_frame(1, TEXT, mask=KEY) + make_frame(2, INNER, mask=bytes(4)),
    "like frames": make_frame(1, INNER.replace(b"\x82\x80", b"\x01\x02"), mask=KEY)
    + make_frame(2, INNER, mask=bytes(4))
    + make_frame(9, INNER, mask=bytes(4)),
    "text in fragments": make_frame(1, TEXT[:41], fin=False, mask=KEY)
    + make_frame(0, TEXT[41:], mask=KEY),
    "binary in fragments": make_frame(2, INNER, fin=False, mask=bytes(4))
    + make_frame(0, INNER, mask=bytes(4)),
    "close": make_frame(1, b"", mask=KEY) + make_frame(8, b"\x03\xe8bye", mask=KEY),
}


@on_cpython
@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("size", [11, 60, 1000])
def test_s25_memory_may_run_out_anywhere(codec: ModuleType, size: int, kind: str) -> None:
    pytest.importorskip("_testcapi")
    if codec is _pure:
        pytest.skip("the interpreter itself may stop between any two steps")
    pieces = list(cuts(STREAMS[kind], size))
    for text in ("str", "bytes"):
        expected, _, _, calls = decode_starved(codec, pieces, text, 0, 0)
        assert expected
        for target in range(1, calls + 1):
            for number in itertools.count(1):
                found, error, failed, _ = decode_starved(codec, pieces, text, target, number)
                # What came out is right. The rest may be lost, and the stream ended with it, but
                # nothing comes in its place.
                assert found == expected[: len(found)]
                assert error is None or failed
                assert len(found) == len(expected) or error is not None
                if not failed:
                    break
