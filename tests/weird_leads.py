"""Leads as no sender should send them, for property tests."""

from datetime import UTC

from hypothesis import strategies as st

from lead_scoring.entities import Lead

_texts = st.text(max_size=300) | st.sampled_from(
    [
        "$" + "9" * 40 + "/hr",
        "a" * 500,
        "\x00",
        "!!!",
        "١٢٣ €٦٠",
        "\ud800 lone",
        "9" * 400 + "+ years",
    ]
)
_optional_texts = st.none() | _texts

moments = st.datetimes(timezones=st.just(UTC))
weird_leads = st.builds(
    Lead,
    lead_id=st.integers() | st.text(min_size=1, max_size=128),
    title=_texts.filter(bool),
    description=_optional_texts,
    category=_optional_texts,
    location_name=_optional_texts,
    price=st.none() | st.floats(0, 1e12),
    email_domain=_optional_texts,
    email_hash=st.none() | st.just("0f" * 32),
    posted_at=st.none() | moments,
)
