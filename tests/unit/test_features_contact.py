import math

import pytest

from lead_scoring.features import contact
from tests.builders import bare_lead


@pytest.mark.parametrize(
    ("domain", "free", "company"), [("gmail.com", 1, 0), ("web.de", 1, 0), ("example.com", 0, 1)]
)
def test_free_and_company_domains_are_told_apart(domain: str, free: int, company: int) -> None:
    lead = bare_lead(email_domain=domain, email_hash="0f" * 32)

    assert contact.values(lead) == [1, free, company]


def test_a_lead_without_an_address_has_no_kind_of_domain() -> None:
    present, *kinds = contact.values(bare_lead())

    assert present == 0
    assert all(math.isnan(kind) for kind in kinds)


def test_an_address_without_a_domain_is_present_and_of_unknown_kind() -> None:
    present, *kinds = contact.values(bare_lead(email_hash="0f" * 32))

    assert present == 1
    assert all(math.isnan(kind) for kind in kinds)


def test_the_list_of_free_domains_is_in_lower_case() -> None:
    assert all(domain == domain.lower() and "." in domain for domain in contact.FREE_MAIL_DOMAINS)
