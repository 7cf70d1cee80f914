"""Choose the back end: the compiled core where it is there, else its pure twin.

Environment, read once at import:
    FASTWS_NO_EXTENSIONS=1: take the pure twin.
    FASTWS_REQUIRE_EXTENSIONS=1: a missing core is an ImportError, not a silent fallback.
    FASTWS_SIMD=LEVEL: the compiled core takes this level; one that the machine lacks is an
        ImportError, with or without the switch above.
"""

from os import environ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["ACCELERATED", "backend", "codec", "simd"]


def switched_on(name: str) -> bool:
    """Tell whether an environment variable asks for something: set, and neither empty nor 0."""
    return environ.get(name, "") not in ("", "0")


def load() -> "ModuleType":
    """Import the back end that the environment and this machine allow.

    Raises:
        ImportError: the core is required and missing, or FASTWS_SIMD names a level that is not
            to be had.
    """
    if not switched_on("FASTWS_NO_EXTENSIONS"):
        try:
            from . import _codec

            return _codec
        except ImportError as error:
            if switched_on("FASTWS_REQUIRE_EXTENSIONS") or error.name == "FASTWS_SIMD":
                raise
    from . import _pure

    return _pure


codec = load()
ACCELERATED: bool = codec.__name__ == "fastws._codec"
"""Whether the compiled core is in use."""
backend: str = "c" if ACCELERATED else "python"
"""Which back end is in use: "c" or "python"."""
simd: str = codec._level() if ACCELERATED else "python"
"""Which kernels are: "avx512", "avx2", "sse4", "neon", "scalar"; "python" on the pure twin."""
