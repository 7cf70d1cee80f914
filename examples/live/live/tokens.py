"""Short-lived tokens: who connects, and that he got the page's leave a moment ago.

A browser sends cookies with a WebSocket request from any page, so they alone prove nothing. A token
that only our own page can read does, together with the check of the Origin.
"""

from __future__ import annotations

import itsdangerous

from .settings import Settings


class Tokens:
    """Make and check tokens; every server with the same secret takes them."""

    def __init__(self, settings: Settings) -> None:
        self._signer = itsdangerous.URLSafeTimedSerializer(settings.secret, salt="live")
        self.age = settings.token_age

    def make(self, name: str) -> str:
        """Give a token for this name."""
        return str(self._signer.dumps(name))

    def name(self, token: str) -> str:
        """Give the name in a token; ValueError says why there is none."""
        try:
            return str(self._signer.loads(token, max_age=self.age))
        except itsdangerous.SignatureExpired:
            raise ValueError("token expired") from None
        except itsdangerous.BadData:
            raise ValueError("token not valid") from None
