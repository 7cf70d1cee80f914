"""autobahn, on asyncio and on Twisted, and so daphne, Django Channels and crossbar.

`install()` replaces the loop that reads frames (`WebSocketProtocol.consumeData`), `sendFrame` and
`sendData`, each name that holds `Utf8Validator` or `create_xor_masker`, and in Twisted what takes
the data. What a user sees stays as it was: every call of a method that may be overridden, with the
same chunks, each error, its text and its moment.

Without replacing anything, the protocol of one factory can be given the mixin of this module:

    class MyProtocol(FastFrames, WebSocketServerProtocol): ...

    factory.protocol = MyProtocol

It is made when first asked for, and only then is autobahn's protocol imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from . import _registry
from ._patches import Patch, Refusal
from ._registry import Range

if TYPE_CHECKING:
    from typing import Any

__all__ = ["counters", "install", "supported", "uninstall"]

SUPPORTED = Range("24.4.2", "27")
COUNTERS = {"decoded": 0, "encoded": 0, "maskers": 0, "validated": 0}


def install() -> None:
    """Put fastws into autobahn; see `fastws.install`."""
    _registry.install("autobahn")


def uninstall() -> None:
    """Take fastws out of autobahn; see `fastws.uninstall`."""
    _registry.uninstall("autobahn")


def supported() -> str:
    """Give the versions of autobahn that this adapter was proven on."""
    return str(SUPPORTED)


def counters() -> dict[str, int]:
    """Give what fastws has done for autobahn in this process.

    Frames decoded and encoded, and outside of those maskers made and chunks of text validated.
    """
    return dict(COUNTERS)


def patches() -> list[Patch]:
    """List what to replace in autobahn.

    Raises:
        Refusal: autobahn is not built as this adapter knows it.
    """
    from . import _autobahn_primitives as primitives
    from . import _autobahn_receiving as receiving
    from . import _autobahn_sending as sending

    check()
    faces = learn_faces()
    host = sys.modules["autobahn.websocket.protocol"]
    protocol = receiving.WebSocketProtocol
    validators = sys.modules["autobahn.websocket.utf8validator"]
    maskers = sys.modules["autobahn.websocket.xormasker"]
    found = []
    if primitives.Utf8Validator is not primitives.STOCK_VALIDATOR:
        found += [
            Patch(validators, "Utf8Validator", primitives.Utf8Validator),
            Patch(host, "Utf8Validator", primitives.Utf8Validator),
        ]
    found += [
        Patch(maskers, "create_xor_masker", primitives.create_xor_masker),
        Patch(host, "create_xor_masker", primitives.create_xor_masker),
        Patch(protocol, "consumeData", receiving.consumeData),
        Patch(protocol, "sendData", sending.sendData),
        Patch(protocol, "sendFrame", sending.sendFrame),
    ]
    if "twisted" in faces:
        from . import _autobahn_twisted as twisted

        found.append(Patch(faces["twisted"], "dataReceived", twisted.dataReceived))
    return found


def learn_faces() -> dict[str, type]:
    """Give the adapter classes of the frameworks in use, and let ours know what is stock there.

    Raises:
        Refusal: one of them is not built as this adapter knows it.
    """
    from . import _autobahn_receiving as receiving
    from . import _autobahn_structure as structure

    found = {}
    protocol = receiving.WebSocketProtocol
    for framework in structure.FACES:
        module = sys.modules.get(f"autobahn.{framework}.websocket")
        server = getattr(module, "WebSocketServerProtocol", None)
        if server is None:  # not imported, or not to its end
            continue
        found[framework] = adapter = module.WebSocketAdapterProtocol  # type: ignore[union-attr]
        if not structure.face_is_known(framework, adapter):
            raise Refusal(f"{adapter.__module__}.{adapter.__name__} is not built as expected")
        stock = [adapter if name.startswith("_") else protocol for name in receiving.BETWEEN]
        if all(
            getattr(server, name) is getattr(owner, name)
            for name, owner in zip(receiving.BETWEEN, stock, strict=True)
        ):
            receiving.PLAIN.add(receiving.between(server))
    return found


def check() -> None:
    """See to it that each method that we stand in for, or go around, is what we know.

    Raises:
        Refusal: one is not.
    """
    from . import _autobahn_receiving as receiving
    from . import _autobahn_structure as structure

    host = sys.modules["autobahn.websocket.protocol"]
    if host.WebSocketProtocol is not receiving.WebSocketProtocol:
        raise Refusal("it was imported anew")
    for name, method in structure.members().items():
        if not structure.is_known(name, method):
            raise Refusal(f"WebSocketProtocol.{name} is not built as expected")


def __getattr__(name: str) -> Any:
    if name != "FastFrames":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ._autobahn_classes import FastFrames

    check()
    globals()[name] = FastFrames
    return FastFrames
