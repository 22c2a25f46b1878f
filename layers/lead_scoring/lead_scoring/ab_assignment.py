"""Which variant a unit gets: the same for ever within a test, independent between tests."""

import hashlib
import hmac

from .experiments import ABTest, Variant

_BUCKETS = 2**64


def bucket(test_name: str, unit: str, hash_key: str) -> float:
    """Return where a unit stands in a test: uniform in [0, 1), by a keyed hash of both.

    >>> bucket("colours", "u-1", "k" * 16) == bucket("colours", "u-1", "k" * 16)
    True
    >>> bucket("colours", "u-1", "k" * 16) == bucket("prices", "u-1", "k" * 16)
    False
    """
    content = f"ab-test\n{test_name}\n{unit}".encode()
    digest = hmac.digest(hash_key.encode(), content, hashlib.sha256)
    return int.from_bytes(digest[:8]) / _BUCKETS


def assign_variant(test: ABTest, unit: str, hash_key: str) -> Variant:
    """Return the variant of a unit, in proportion to the traffic of the variants in their order."""
    arms = test.arms
    position = bucket(test.test_name, unit, hash_key) * sum(
        each.traffic_percentage for each in arms
    )
    for arm in arms[:-1]:
        position -= arm.traffic_percentage
        if position < 0:
            return arm
    return arms[-1]
