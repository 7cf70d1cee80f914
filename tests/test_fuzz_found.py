"""What fuzzing found (tests/fuzz), each under a name of its own.

Some of it shows only under sanitizers, with which the whole suite is run as well.
"""

from __future__ import annotations

from types import ModuleType

import pytest
from helpers import make_frame
from twins import run_dry

KEY = bytes.fromhex("37fa213d")


@pytest.mark.parametrize("opcode", [9, 10, 8])
@pytest.mark.parametrize("mask", [None, KEY], ids=["plain", "masked"])
def test_asking_twice_inside_a_control_frame(
    codec: ModuleType, opcode: int, mask: bytes | None
) -> None:
    # No bytes were copied from nowhere, and NULL moved by 0: C leaves both undefined.
    stream = make_frame(opcode, b"\x03\xe8bye", mask=mask)
    decoder = codec.MessageDecoder(None)
    decoder.feed(stream[:-5])
    assert run_dry(decoder) == ([], None)
    assert run_dry(decoder) == ([], None)
    decoder.feed(stream[-5:])
    events, error = run_dry(decoder)
    assert (len(events), error) == (1, None)
    assert decoder.buffered == 0
