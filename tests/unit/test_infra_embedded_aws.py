import pytest

from infra.embedded_aws import reserved_port


def test_two_reservations_of_one_port_never_get_the_same() -> None:
    with reserved_port() as first, reserved_port(preferred=first) as second:
        assert second != first


def test_a_port_is_free_again_after_its_reservation() -> None:
    with reserved_port() as first:
        pass

    with reserved_port(preferred=first) as second:
        assert second == first


def test_a_reservation_ends_with_an_error_too() -> None:
    with pytest.raises(KeyError), reserved_port() as first:
        raise KeyError

    with reserved_port(preferred=first) as second:
        assert second == first
