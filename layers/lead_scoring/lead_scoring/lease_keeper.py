"""Keep the lease of a training alive while it trains, and notice when it is lost."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType

from .entities.models import Lease
from .errors import LeaseLostError, StoreUnavailableError
from .ports import Clock, JobStore

logger = logging.getLogger(__name__)

# Renewed so often in its life, and where that failed again after a tenth of it.
_RENEWALS, _RETRIES = 3, 10


class LeaseKeeper:
    """Renews a lease in a thread, for as long as the process runs: `with LeaseKeeper(...)`.

    A process that is stopped renews nothing; when it goes on, `check` says that it came too late.
    """

    def __init__(self, jobs: JobStore, clock: Clock, lease: Lease, lease_seconds: float) -> None:
        """Wire the keeper to a lease that was just taken."""
        self._jobs, self._clock, self._lease = jobs, clock, lease
        self._seconds = lease_seconds
        self._fault: Exception | None = None
        self._stopped = threading.Event()
        self._renewing = threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "LeaseKeeper":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def check(self) -> None:
        """Return while the lease holds; raise LeaseLostError once it does not."""
        if self._fault is not None:
            raise self._fault
        if self._clock.now() >= self._lease.expires_at:
            raise LeaseLostError(f"the lease of job {self._lease.job_id} has expired")

    @contextmanager
    def last(self) -> Iterator[Lease]:
        """Renew once more, and give the lease to what frees it; nothing renews it meanwhile.

        If that fails, renewing goes on. Raises LeaseLostError.
        """
        with self._renewing:
            self.check()
            self._renew()
            yield self._lease
            self._stopped.set()

    def _keep(self) -> None:
        pause = self._seconds / _RENEWALS
        while not self._stopped.wait(pause):
            with self._renewing:
                if self._stopped.is_set():
                    return
                try:
                    self._renew()
                    pause = self._seconds / _RENEWALS
                except StoreUnavailableError as error:
                    logger.warning(json.dumps({"event": "lease_not_renewed", "fault": str(error)}))
                    pause = self._seconds / _RETRIES
                except Exception as error:  # noqa: BLE001 (raised by `check`, in the other thread)
                    self._fault = error
                    return

    def _renew(self) -> None:
        now = self._clock.now()
        until = now + timedelta(seconds=self._seconds)
        self._lease = self._jobs.renew(self._lease, now, until)
