"""Tell how far a training is, and stop it where it may not go on."""

import json
import logging
import time
from collections.abc import Callable

from .entities.models import Lease
from .errors import StoreUnavailableError
from .lease_keeper import LeaseKeeper
from .ports import JobStore

logger = logging.getLogger(__name__)

# Within one step, reports are at least so far apart.
_SECONDS_BETWEEN = 1.0


class JobProgress:
    """Called with a step and a fraction in [0, 1], which never falls; raises LeaseLostError."""

    def __init__(
        self,
        jobs: JobStore,
        lease: Lease,
        keeper: LeaseKeeper,
        tell: Callable[[str, float], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wire it; `tell` hears everything, the store what it is to be troubled with."""
        self._jobs, self._lease, self._keeper = jobs, lease, keeper
        self._tell, self._monotonic = tell, monotonic
        self.step, self.fraction = "", 0.0
        self._reported_at = -_SECONDS_BETWEEN

    def __call__(self, step: str, fraction: float) -> None:
        """Say what is being done now."""
        self._keeper.check()
        now, is_new = self._monotonic(), step != self.step
        self.step, self.fraction = step, max(self.fraction, fraction)
        if is_new or now - self._reported_at >= _SECONDS_BETWEEN:
            self._reported_at = now
            self._report()
        self._tell(step, self.fraction)

    def tell_end(self) -> None:
        """Say that all is done; the store knows from how the job ended."""
        self._tell("done", 1.0)

    def _report(self) -> None:
        try:
            self._jobs.report(self._lease, self.step, self.fraction)
        except StoreUnavailableError as error:
            # Minutes of work are not thrown away for a line about them.
            logger.warning(json.dumps({"event": "progress_not_written", "fault": str(error)}))
