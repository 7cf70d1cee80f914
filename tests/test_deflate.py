"""permessage-deflate: negotiation, both streams, limits, and other implementations."""

from __future__ import annotations

import time
import tracemalloc
import zlib
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from deflates import BIG, CMB, CRN, NAME, SMB, SRN, TEXT, counting_zlib, new, pair
from hypothesis import given
from hypothesis import strategies as st

from fastws import PayloadTooBigError, ProtocolError
from fastws.deflate import MAX_FINAL_BLOCKS, Deflate, PerMessageDeflate
from fastws.handshake import HandshakeError, parse_extensions


@pytest.fixture(params=["zlib", "isal.isal_zlib", "zlib_ng.zlib_ng"])
def module(request: pytest.FixtureRequest) -> ModuleType:
    """Give each zlib that is installed here; the first one always is."""
    return pytest.importorskip(request.param)


def agreed(deflate: Any) -> tuple[int, int, bool, bool]:
    windows = deflate.send_bits, deflate.receive_bits
    return *windows, deflate.send_takeover, deflate.receive_takeover


# --- Settings and negotiation --------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        *({SMB: bits} for bits in (7, 8, 16, 0, -9, True, 9.0, "9")),
        *({CMB: bits} for bits in (7, 8, 16, 0, False, 9.0, "9")),
        *({"level": level} for level in (10, -2, 10**30)),
        *({"mem_level": level} for level in (0, 10)),
        {"threshold": -1},
    ],
    ids=str,
)
def test_s18_wrong_settings_show_at_once(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        PerMessageDeflate(**wrong)


def test_windows_of_a_connection_are_checked() -> None:
    for bits in ((8, 15), (16, 15), (15, 7), (15, 16)):
        with pytest.raises(ValueError, match="bits must be"):
            Deflate(PerMessageDeflate(), *bits)


def test_offer() -> None:
    assert PerMessageDeflate().offer() == f"{NAME}; {CMB}"
    assert PerMessageDeflate(**{CMB: 10, SRN: True}).offer() == f"{NAME}; {SRN}; {CMB}=10"
    assert PerMessageDeflate(**{SMB: 9, CRN: True, CMB: None}).offer() == f"{NAME}; {CRN}; {SMB}=9"
    for values in ("", (), None, "other", NAME.upper()):
        assert PerMessageDeflate().accept(values) is None
        assert PerMessageDeflate().check_response(values) is None


@pytest.mark.parametrize(
    ("settings", "offer", "answer", "expected"),
    [
        ({}, "", "", (15, 15, True, True)),
        ({}, f"; {CMB}", "", (15, 15, True, True)),
        ({}, f"; {CMB}=8", f"; {CMB}=8", (15, 8, True, True)),
        ({}, f'; {CMB}="1\\0"', f"; {CMB}=10", (15, 10, True, True)),
        ({}, f"; {SMB}=9", f"; {SMB}=9", (9, 15, True, True)),
        ({}, f"; {SMB}=15", f"; {SMB}=15", (15, 15, True, True)),
        ({}, f"; {SRN}", f"; {SRN}", (15, 15, False, True)),
        ({}, f"; {CRN}", f"; {CRN}", (15, 15, True, False)),
        ({SMB: 12}, "", f"; {SMB}=12", (12, 15, True, True)),
        ({SMB: 12}, f"; {SMB}=13", f"; {SMB}=12", (12, 15, True, True)),
        ({CMB: 12}, "", "", (15, 15, True, True)),
        ({CMB: 12}, f"; {CMB}", f"; {CMB}=12", (15, 12, True, True)),
        ({CMB: 12}, f"; {CMB}=13", f"; {CMB}=12", (15, 12, True, True)),
        ({CMB: None}, f"; {CMB}=11", "", (15, 15, True, True)),
        ({SRN: True, CRN: True}, "", f"; {SRN}; {CRN}", (15, 15, False, False)),
    ],
)
def test_server_answers(settings: Any, offer: str, answer: str, expected: object) -> None:
    header, deflate = PerMessageDeflate(**settings).accept(NAME + offer) or (None, None)
    assert header == NAME + answer
    assert agreed(deflate) == expected


BAD_PARAMETERS = [
    *(f"{bits}={value}" for bits in (SMB, CMB) for value in ("7", "16", "0", "015", "+9", "1e1")),
    *(f"{bits}={value}" for bits in (SMB, CMB) for value in ("x", "150", "0x9", "-9", "true")),
    *(f"{flag}={value}" for flag in (SRN, CRN) for value in ("1", "true", "15")),
    *(f"{flag}; {flag}" for flag in (SRN, CRN)),
    *(SMB, f"{SMB}=9; {SMB}=9", f"{CMB}=9; {CMB}=9", "unknown", "unknown=1", SRN.upper()),
]


@pytest.mark.parametrize("parameters", [*BAD_PARAMETERS, f"{CMB}; {CMB}=9", f"{SMB}=8"])
def test_s18_server_declines_the_offer_and_takes_the_next(parameters: str) -> None:
    settings, declined, good = PerMessageDeflate(), f"{NAME}; {parameters}", f"{NAME}; {SRN}"
    assert settings.accept(declined) is None
    for values in (f"{declined}, {good}, {NAME}", ["a", declined.encode(), good]):
        header, _ = settings.accept(values) or (None, None)
        assert header == good


@pytest.mark.parametrize(
    ("settings", "answer", "expected"),
    [
        ({}, "", (15, 15, True, True)),
        ({}, f"; {CMB}=9", (9, 15, True, True)),
        ({}, f"; {SMB}=8", (15, 8, True, True)),
        ({}, f"; {SRN}; {CRN}", (15, 15, False, False)),
        ({SMB: 12}, f"; {SMB}=9", (15, 9, True, True)),
        ({SMB: 15}, "", (15, 15, True, True)),
        ({CMB: 12}, "", (12, 15, True, True)),
        ({CMB: 12}, f"; {CMB}=11", (11, 15, True, True)),
        ({CMB: None, CRN: True}, "", (15, 15, False, True)),
        ({SRN: True}, f"; {SRN}", (15, 15, True, False)),
    ],
)
def test_client_takes_the_answer(settings: Any, answer: str, expected: object) -> None:
    assert agreed(PerMessageDeflate(**settings).check_response(NAME + answer)) == expected


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        *(({}, f"; {parameters}") for parameters in [*BAD_PARAMETERS, CMB, f"{CMB}=8", ""]),
        ({}, f", {NAME}"),
        ({SRN: True}, ""),
        *(({SMB: 12}, answer) for answer in ("", f"; {SMB}=13")),
        ({CMB: 12}, f"; {CMB}=13"),
        ({CMB: None}, f"; {CMB}=15"),
    ],
)
def test_s18_client_refuses_the_answer(settings: Any, answer: str) -> None:
    with pytest.raises(HandshakeError) as caught:
        PerMessageDeflate(**settings).check_response(NAME + answer)
    assert caught.value.status == 101


@pytest.mark.parametrize("parameter", ["other", "other=1", f"{SRN}=true", f"{SMB}=16"])
def test_error_names_the_parameter(parameter: str) -> None:
    with pytest.raises(HandshakeError, match=f"^{NAME} cannot have {parameter}$"):
        PerMessageDeflate().check_response(f"{NAME}; {parameter}")


# --- Streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payloads",
    [
        *("f248cdc9c90700 f200110000", "000500faff48656c6c6f00", "f24805000000ffffcac9c90700"),
        "f348cdc9c9070000 f348cdc9c90700 f248cdc9c90700",
    ],
)
def test_examples_of_the_rfc(payloads: str, module: ModuleType) -> None:
    """Inflate RFC 7692 7.2.3, and a final block without the byte that should follow it."""
    for cut in (0, 1, 3):
        deflate = Deflate(PerMessageDeflate(zlib=module))
        for payload in map(bytes.fromhex, payloads.split()):
            first = deflate.decompress(payload[:cut], limit=5, fin=False)
            rest = deflate.decompress(payload[cut:], limit=5 - len(first), fin=True)
            assert first + rest == b"Hello"


def test_what_looks_like_a_tail_inside_a_message_is_none(module: ModuleType) -> None:
    """Behind a final block in a fragment, these four bytes begin a stored block of 65280."""
    content = bytes(range(255)) * 256
    deflate = Deflate(PerMessageDeflate(zlib=module))
    assert deflate.decompress(b"\x03\0" + b"\0\0\xff\xff", limit=BIG, fin=False) == b""
    assert deflate.decompress(b"\0" + content + b"\0", limit=BIG) == content


WINDOWS = st.none() | st.integers(9, 15)
SETTINGS = st.fixed_dictionaries(
    {SRN: st.booleans(), CRN: st.booleans(), SMB: WINDOWS, CMB: WINDOWS | st.just(True)}
)
FRAGMENTS = st.lists(st.binary(max_size=50) | st.sampled_from([TEXT, bytes(70_000)]), min_size=1)


@given(SETTINGS, SETTINGS, st.lists(FRAGMENTS, max_size=4))
def test_round_trip(module: ModuleType, client: Any, server: Any, messages: Any) -> None:
    ours, theirs = pair(*(PerMessageDeflate(zlib=module, **side) for side in (client, server)))
    for sender, receiver in ((ours, theirs), (theirs, ours)):
        assert sender.send_bits <= receiver.receive_bits
        assert sender.send_takeover <= receiver.receive_takeover
        for fragments in messages:
            for n, fragment in enumerate(fragments, 1):
                fin = n == len(fragments)
                compressed = sender.compress(fragment, fin=fin)
                plain = receiver.decompress(compressed, limit=len(fragment), fin=fin)
                assert plain == fragment
                assert type(compressed) is type(plain) is bytes


@pytest.mark.parametrize("takeover", [True, False])
def test_context_takeover(module: ModuleType, takeover: bool) -> None:
    settings = {"zlib": module, SRN: not takeover}
    client, server = new(**settings)
    payload = zlib.compress(TEXT) + bytes(range(256))
    first, second = server.compress(payload), server.compress(payload)
    assert (len(second) < len(first) / 2) is takeover
    assert [client.decompress(data, limit=BIG) for data in (first, second)] == [payload, payload]
    if not takeover:
        assert new(**settings)[0].decompress(second, limit=BIG) == payload


@pytest.mark.parametrize("takeover", [True, False])
def test_objects_are_made_when_first_needed(takeover: bool) -> None:
    counting = counting_zlib()
    client, server = new(zlib=counting, **{SRN: not takeover})
    counting.made.clear()
    fins = (False, True, False, True)
    data = [server.compress(TEXT, fin=fin) for fin in fins]
    assert counting.made == (["c"] if takeover else ["c", "c"])
    for payload, fin in zip(data, fins, strict=True):
        client.decompress(payload, limit=BIG, fin=fin)
    assert counting.made[-2:] == (["c", "d"] if takeover else ["d", "d"])
    # Without takeover nothing is held between messages; what was never used holds nothing at all.
    assert (server._compressor is None, client._decompressor is None) == (not takeover,) * 2
    assert client._compressor is server._decompressor is None


def test_s16_limit_is_exact(module: ModuleType) -> None:
    for size in (0, 1, 1000, 100_000):
        compressed = new()[1].compress(bytes(size))
        for limit in (size, size + 1, (1 << 63) - 1, 1 << 70):
            assert new(zlib=module)[0].decompress(compressed, limit=limit) == bytes(size)
        for limit in (size - 1, size // 2 - 1, -5):
            with pytest.raises(PayloadTooBigError) as caught:
                new(zlib=module)[0].decompress(compressed, limit=limit)
            assert caught.value.close_code == 1009


@pytest.mark.parametrize("fin", [True, False])
def test_s16_bomb_takes_no_more_memory_than_the_limit(module: ModuleType, fin: bool) -> None:
    bomb = zlib.compressobj(9, wbits=-15)
    payload = bomb.compress(bytes(64 * BIG)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooBigError):
            new(zlib=module)[0].decompress(payload, limit=100_000, fin=fin)
        assert tracemalloc.get_traced_memory()[1] < 600_000
    finally:
        tracemalloc.stop()


def test_s16_bombs_behind_final_blocks_have_the_same_limit(module: ModuleType) -> None:
    def final(size: int) -> bytes:
        block = zlib.compressobj(9, wbits=-15)
        return block.compress(bytes(size)) + block.flush()

    limit = 100_000
    # The first block leaves a little, the second takes that to the last byte.
    for parts in ([limit - 10, 64 * BIG], [limit - 10, 11, 64 * BIG]):
        payload = b"".join(map(final, parts))
        tracemalloc.start()
        try:
            with pytest.raises(PayloadTooBigError, match="inflates"):
                new(zlib=module)[0].decompress(payload, limit=limit)
            assert tracemalloc.get_traced_memory()[1] < 3.2 * limit + len(payload) * 3
        finally:
            tracemalloc.stop()


# Four blocks of 90 bits, of nothing but Huffman codes of their own.
EMPTY = "04c081000000000090ff6b100007020000000040feaf41001c080000000000f9bf060170200000000000e4ff1a"


@pytest.mark.parametrize("block", ["000000ffff", "02000000ffff", EMPTY])
def test_s17_empty_blocks_cost_little(module: ModuleType, block: str) -> None:
    started = time.perf_counter()
    blocks = bytes.fromhex(block) * (1_000_000 // len(block))
    assert new(zlib=module)[0].decompress(blocks, limit=0, fin=False) == b""
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("size", [1, 2, 400_000])
def test_s17_final_blocks_are_counted(module: ModuleType, size: int) -> None:
    final, end = b"\x03\0", b"\0"
    client, _ = new(zlib=module)
    started = time.perf_counter()
    for _ in range(2):  # each message starts counting anew
        client.decompress(final * MAX_FINAL_BLOCKS + end, limit=0)
    with pytest.raises(PayloadTooBigError, match="final deflate"):
        for _ in range(400_000):
            client.decompress(final * size, limit=0, fin=False)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("payload", ["ff" * 8, "06", "0001000100", "f24805ffff", "f348cdc9c907"])
def test_corrupt_data_is_1002(module: ModuleType, payload: str) -> None:
    with pytest.raises(ProtocolError, match="corrupt") as caught:
        new(zlib=module)[0].decompress(bytes.fromhex(payload), limit=BIG)
    assert caught.value.close_code == 1002


# --- Other implementations -----------------------------------------------------------------------


def websockets_side(client: bool, ours: PerMessageDeflate, settings: Any) -> tuple[Any, Any, Any]:
    """Negotiate with websockets; give our Deflate, and how websockets compresses and inflates."""
    host = pytest.importorskip("websockets.extensions.permessage_deflate")
    from websockets import frames, headers

    if client:
        factory = host.ClientPerMessageDeflateFactory(**settings)
        offer = headers.build_extension([(NAME, factory.get_request_params())])
        header, deflate = ours.accept(offer) or ("", None)
        extension = factory.process_response_params(parse_extensions(header)[0][1], [])
    else:
        factory = host.ServerPerMessageDeflateFactory(**settings)
        answer, extension = factory.process_request_params(parse_extensions(ours.offer())[0][1], [])
        deflate = ours.check_response(headers.build_extension([(NAME, answer)]))

    def step(method: Any, data: bytes, first: bool, fin: bool) -> bytes:
        return bytes(method(frames.Frame(frames.Opcode(first), data, fin, first)).data)

    return deflate, partial(step, extension.encode), partial(step, extension.decode)


def wsproto_side(client: bool, ours: PerMessageDeflate, settings: Any) -> tuple[Any, Any, Any]:
    """Negotiate with wsproto; give our Deflate, and how wsproto compresses and inflates."""
    extension = pytest.importorskip("wsproto.extensions").PerMessageDeflate(**settings)
    from wsproto.frame_protocol import Opcode as Op
    from wsproto.frame_protocol import RsvBits

    if client:
        header, deflate = ours.accept(f"{NAME}; {extension.offer()}") or ("", None)
        extension.finalize(header)
    else:
        deflate = ours.check_response(f"{NAME}; {extension.accept(ours.offer())}")
    side = SimpleNamespace(client=client)

    def compress(data: bytes, first: bool, fin: bool) -> Any:
        return extension.frame_outbound(side, Op(first), RsvBits(0, 0, 0), data, fin)[1]

    def inflate(data: bytes, first: bool, fin: bool) -> Any:
        extension.frame_inbound_header(side, Op(first), RsvBits(first, 0, 0), len(data))
        plain = extension.frame_inbound_payload_data(side, data)
        return plain + (extension.frame_inbound_complete(side, fin) or b"")

    return deflate, compress, inflate


@pytest.mark.parametrize("host", [websockets_side, wsproto_side])
@pytest.mark.parametrize("client", [True, False], ids=["client", "server"])
@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("resets", [{}, {SRN: True}, {CRN: True}, {SRN: True, CRN: True}], ids=str)
def test_other_implementations(host: Any, client: bool, bits: int, resets: Any) -> None:
    settings = {SMB: bits, CMB: bits, **resets}
    deflate, compress, inflate = host(client, PerMessageDeflate(**settings), settings)
    assert agreed(deflate)[:2] == (bits, bits)
    for fragments in ([b""], [TEXT], [TEXT, b"", zlib.compress(TEXT)], [b"", TEXT * 99, b""]):
        received = b""
        for n, fragment in enumerate(fragments):
            first, fin = n == 0, n == len(fragments) - 1
            assert inflate(deflate.compress(fragment, fin=fin), first, fin) == fragment
            received += deflate.decompress(compress(fragment, first, fin), limit=BIG, fin=fin)
        assert received == b"".join(fragments)
