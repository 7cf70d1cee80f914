"""The extension that the tests of websockets use."""

import dataclasses


class Rsv2Extension:
    """Set RSV2 on every frame that is sent, and take it off every frame that has come."""

    name = "x-rsv2"

    def encode(self, frame):
        assert not frame.rsv2
        return dataclasses.replace(frame, rsv2=True)

    def decode(self, frame, *, max_size=None):
        assert frame.rsv2
        return dataclasses.replace(frame, rsv2=False)
