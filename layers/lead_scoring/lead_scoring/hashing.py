"""Personal data as keyed hashes: the only form in which it is kept."""

import hmac
from functools import lru_cache

from .entities import LeadId, lead_key


def keyed_hash(text: str | None, hash_key: str, kind: str = "") -> str | None:
    """Return the HMAC-SHA-256 of a text under the secret key, in hex; None of nothing.

    `kind` tells apart what is hashed, so that an address given as a user id does not give away
    which e-mail address it is.

    >>> keyed_hash("u-1", "k" * 16, "user") == keyed_hash("u-1", "k" * 16, "ip")
    False
    """
    if not text:
        return None
    content = f"{kind}\n{text}" if kind else text
    # Headers may hold anything; half of a surrogate pair is hashed as it is.
    keyed = _keyed(hash_key).copy()
    keyed.update(content.encode("utf-8", "surrogatepass"))
    return keyed.hexdigest()


@lru_cache
def _keyed(hash_key: str) -> hmac.HMAC:
    # Looking the hash function up again takes as long as hashing.
    return hmac.new(hash_key.encode(), digestmod="sha256")


def lead_hash(lead_id: LeadId, hash_key: str) -> str:
    """Return the keyed hash under which A/B tests know a lead.

    >>> lead_hash(7, "k" * 16) == lead_hash("7", "k" * 16)
    True
    """
    hashed = keyed_hash(lead_key(lead_id), hash_key, "lead")
    assert hashed is not None  # noqa: S101 (no key of a lead is empty)
    return hashed
