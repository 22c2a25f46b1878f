"""The clients that stores share; nothing is sent here."""

from collections.abc import Iterator

import pytest

from infra.embedded_aws import LOCAL_CREDENTIALS
from lead_scoring.adapters.clients import client
from lead_scoring.adapters.dynamodb import bound
from lead_scoring.adapters.job_item import JobItem
from lead_scoring.adapters.lead_item import LeadItem
from tests import builders

ENDPOINT = "http://127.0.0.1:1"


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in LOCAL_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return


@pytest.mark.usefixtures("signed_in")
def test_tables_share_a_client_unless_they_differ_in_patience() -> None:
    settings = builders.settings(aws_endpoint_url=ENDPOINT)
    jobs, leads = bound(JobItem, "jobs", settings), bound(LeadItem, "leads", settings)
    slow = bound(LeadItem, "leads", settings, read_seconds=8.0)

    clients = [each._get_connection().connection.client for each in (jobs, leads, slow)]

    assert clients[0] is clients[1]
    assert clients[2] is not clients[0]
    assert clients[2].meta.config.read_timeout == 8.0
    assert {each.meta.endpoint_url for each in clients} == {ENDPOINT}


@pytest.mark.usefixtures("signed_in")
def test_services_share_what_botocore_has_read() -> None:
    dynamodb, s3 = client("dynamodb", ENDPOINT), client("s3", ENDPOINT)

    assert dynamodb._loader is s3._loader
    assert client("s3", ENDPOINT) is s3


def test_a_client_without_credentials_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    for name in LOCAL_CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("HOME", str(tmp_path))

    before = client("s3", "http://127.0.0.1:2")

    assert client("s3", "http://127.0.0.1:2") is not before
