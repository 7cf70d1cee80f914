"""How a client goes through the cases of the fuzzing server, one connection for each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

# Seconds after which the fuzzing server hangs up on a client that does not end a case; what it has
# not ended is not in its report.
SETTLING = 1.5


class Drive:
    """All cases, one after the other, and then the report.

    Args:
        port: where the fuzzing server listens.
        agent: the name to report under.
        run_case: opens a connection to a target and echoes until it ends.
        get: opens a connection to a target and gives the first message.
    """

    def __init__(
        self,
        port: int,
        agent: str,
        run_case: Callable[[int, str], object],
        get: Callable[[int, str], str | None],
    ) -> None:
        self.port = port
        self.agent = agent
        self.run_case = run_case
        self.get = get

    def run(self) -> None:
        for case in range(1, int(self.get(self.port, "/getCaseCount") or 0) + 1):
            try:
                self.run_case(self.port, f"/runCase?case={case}&agent={self.agent}")
            except Exception as error:  # what a host raises for a broken connection is its own
                print(f"case {case}: {type(error).__name__}: {error}", file=sys.stderr)
        time.sleep(SETTLING)
        # The server ends with the report written, and may leave this handshake unanswered.
        target = f"/updateReports?agent={self.agent}&shutdownOnComplete=true"
        try:
            self.get(self.port, target)
        except Exception as error:
            print(f"the report: {type(error).__name__}: {error}", file=sys.stderr)
