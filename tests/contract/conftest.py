"""Every store there is of each port: the fake, moto in process, and the embedded AWS."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.embedded_aws import LOCAL_CREDENTIALS, embedded_aws
from infra.provision import provision
from infra.template import Template
from lead_scoring.adapters.ab_test_store import DynamoABTestStore
from lead_scoring.adapters.artifact_store import S3ArtifactStore
from lead_scoring.adapters.exposure_store import DynamoExposureStore
from lead_scoring.adapters.feedback_store import DynamoFeedbackStore
from lead_scoring.adapters.job_store import DynamoJobStore
from lead_scoring.adapters.model_registry import DynamoModelRegistry
from lead_scoring.adapters.monitoring_store import DynamoMonitoringStore
from lead_scoring.adapters.prediction_store import DynamoPredictionStore
from lead_scoring.adapters.reply_store import DynamoReplyStore
from lead_scoring.adapters.training_store import DynamoTrainingStore
from lead_scoring.settings import Settings
from tests.fakes import (
    FakeArtifactStore,
    FakeClock,
    FakeModelRegistry,
    FakePredictionStore,
    FakeTrainingStore,
)
from tests.fakes_ab_tests import FakeABTestStore, FakeExposureStore
from tests.fakes_feedback import FakeFeedbackStore, FakeReplyStore
from tests.fakes_monitoring import FakeMonitoringStore


@dataclass
class Stores:
    """One world: every port, all of the same kind."""

    predictions: Any
    training_data: Any
    models: Any
    artifacts: Any
    clock: FakeClock
    jobs: Any
    feedback: Any
    replies: Any
    ab_tests: Any
    exposures: Any
    monitoring: Any


def fake_stores() -> Stores:
    predictions, models, clock = FakePredictionStore(), FakeModelRegistry(), FakeClock()
    replies = FakeReplyStore(clock, predictions.outage)
    feedback = FakeFeedbackStore(replies, predictions.outage)
    ab_tests = FakeABTestStore(models, predictions.outage)
    return Stores(
        predictions,
        FakeTrainingStore(predictions, feedback),
        models,
        FakeArtifactStore(),
        clock,
        models.jobs,
        feedback,
        replies,
        ab_tests,
        FakeExposureStore(ab_tests, predictions, predictions.outage),
        FakeMonitoringStore(predictions.outage),
    )


def real_stores(endpoint_url: str | None) -> Stores:
    environment = Template.load().environment({"HASH_KEY": "a key of the tests"})
    if endpoint_url:
        environment["AWS_ENDPOINT_URL"] = endpoint_url
    settings, clock = Settings.from_environment(environment), FakeClock()
    return Stores(
        DynamoPredictionStore(settings, clock),
        DynamoTrainingStore(settings, clock),
        DynamoModelRegistry(settings),
        S3ArtifactStore(settings),
        clock,
        DynamoJobStore(settings),
        DynamoFeedbackStore(settings, clock),
        DynamoReplyStore(settings, clock),
        DynamoABTestStore(settings),
        DynamoExposureStore(settings),
        DynamoMonitoringStore(settings),
    )


@contextmanager
def local_credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in LOCAL_CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def embedded_endpoint() -> Iterator[str]:
    with local_credentials(), embedded_aws() as endpoint_url:
        provision(Template.load(), endpoint_url)
        _keep_what_has_expired(endpoint_url)
        yield endpoint_url


def _keep_what_has_expired(endpoint_url: str) -> None:
    """Turn off the removal of expired items: tests live in the past, and must not lose theirs."""
    dynamodb: Any = boto3.client("dynamodb", endpoint_url=endpoint_url)
    for table in Template.load().tables():
        if table.ttl_attribute:
            off = {"Enabled": False, "AttributeName": table.ttl_attribute}
            dynamodb.update_time_to_live(TableName=table.name, TimeToLiveSpecification=off)


# Whatever line of ours moto meets, the embedded AWS meets too.
MOTO = pytest.param("moto", marks=pytest.mark.untraced)


@pytest.fixture(scope="module", params=["fake", MOTO, "embedded AWS"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Stores of one module's tests; each test uses leads and versions of its own."""
    if request.param == "fake":
        yield fake_stores()
    elif request.param == "moto":
        with local_credentials(), mock_aws():
            provision(Template.load(), None)
            yield real_stores(None)
    else:
        endpoint_url = request.getfixturevalue("embedded_endpoint")
        with local_credentials():
            yield real_stores(endpoint_url)


@pytest.fixture
def embedded_stores(embedded_endpoint: str) -> Iterator[Stores]:
    """Stores on the embedded AWS alone: for races and sizes, where moto is not exact."""
    with local_credentials():
        yield real_stores(embedded_endpoint)
