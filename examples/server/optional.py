"""Use fastws where it is installed, and do without where it is not.

The way for a library that has a codec already: the functions that take its time come from fastws,
under names of its own; nothing else in it has to know. Run it to see which ones it got.

python optional.py
"""

from __future__ import annotations

try:
    from fastws import apply_mask, validate_utf8
except ImportError:

    def apply_mask(data: bytes, mask: bytes, offset: int = 0) -> bytes:
        """XOR bytes with a masking key of 4 bytes that goes on at `offset` (RFC 6455 5.3)."""
        start = offset % 4
        key = (mask[start:] + mask[:start]) * (len(data) // 4 + 1)
        number = int.from_bytes(data, "little") ^ int.from_bytes(key[: len(data)], "little")
        return number.to_bytes(len(data), "little")

    def validate_utf8(data: bytes) -> bool:
        """Tell whether bytes are UTF-8, whole and strict."""
        try:
            data.decode()
        except UnicodeDecodeError:
            return False
        return True


if __name__ == "__main__":
    masked = apply_mask("Grüße".encode(), b"\x37\xfa\x21\x3d")
    text = apply_mask(masked, b"\x37\xfa\x21\x3d")
    print(f"{text.decode()}, valid: {validate_utf8(text)}, by {apply_mask.__module__}")
