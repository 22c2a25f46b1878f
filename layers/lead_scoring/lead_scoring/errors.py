"""What can go wrong, in the words of the domain. `api` maps each error to one HTTP status."""

from collections.abc import Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    """One fault of an input: where it is (a JSON pointer, or a column) and what is wrong.

    >>> Fault("/price", "must be at most 1e12").message
    'must be at most 1e12'
    """

    pointer: str
    message: str


def json_pointer(location: Sequence[str | int]) -> str:
    """Write a place in a document as RFC 6901 does.

    >>> json_pointer(("leads", 7, "a/b~c"))
    '/leads/7/a~1b~0c'
    """
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in location)


ANOTHER_CONTENT = Fault(
    "/Idempotency-Key", "was used for another request; take a new key for a new request"
)


class LeadScoringError(Exception):
    """Base of every error that this package raises on purpose."""


class InvalidInputError(LeadScoringError):
    """An input breaks a rule; `faults` names every one of them, not only the first."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{fault.pointer}: {fault.message}" for fault in faults))


class NotFoundError(LeadScoringError):
    """The lead or the model that was asked for is not known."""


class ConflictError(LeadScoringError):
    """The state of the system does not allow this now."""


class JobRunningError(ConflictError):
    """A model is being trained already; `job_id` says by which job."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} is training a model already; wait until it has finished")


class TestStoppedError(ConflictError):
    """The A/B test takes no more scores."""

    # Its name is no reason for pytest to look for tests in it.
    __test__ = False

    def __init__(self, test_name: str) -> None:
        super().__init__(f"the test {test_name} is stopped: score with POST /score instead")


class PointerMovedError(ConflictError):
    """Another model was activated since the pointer was read."""


class LeaseLostError(LeadScoringError):
    """The lease of a training expired or went to another: what it made must not take effect."""


class KeyInUseError(LeadScoringError):
    """What an idempotency key stands for is done already, or is being done."""


class TooLargeError(LeadScoringError):
    """More was sent at once than one answer can hold."""


class StoreUnavailableError(LeadScoringError):
    """A store throttles, hangs or fails, and nothing cached can take its place."""

    def __init__(self, store: str, retry_after_seconds: int = 5) -> None:
        self.store = store
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{store} is unavailable")


class ArtifactError(LeadScoringError):
    """A model artifact is missing, fails its checksum, or does not fit this code."""


class SettingsError(LeadScoringError):
    """The environment holds settings that cannot be used; the message names each one."""


class TooFewSamplesError(LeadScoringError):
    """There are too few samples for what is asked."""
