import hashlib
import hmac

from lead_scoring.hashing import keyed_hash


def test_a_hash_is_that_of_the_text_alone_however_often_and_whatever_before() -> None:
    texts = ["ann@example.com", "bob@example.com", "ann@example.com"]
    keys = ["k" * 16, "q" * 16]

    hashed = [keyed_hash(text, key) for key in keys for text in texts]

    assert hashed == [
        hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
        for key in keys
        for text in texts
    ]
