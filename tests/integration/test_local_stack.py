"""The embedded AWS and what is created in it, as real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest

from infra.embedded_aws import (
    LOCAL_CREDENTIALS,
    EmbeddedAws,
    EmbeddedAwsError,
    embedded_aws,
    reserved_port,
)
from infra.local_stack import LocalStack
from infra.provision import provision
from infra.state import RunError, StateFolder
from infra.template import PROJECT, Template


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in LOCAL_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return


def test_the_template_is_created_and_creating_it_again_changes_nothing() -> None:
    template = Template.load()
    with embedded_aws() as endpoint_url:
        dynamodb: Any = boto3.client("dynamodb", endpoint_url=endpoint_url)
        s3: Any = boto3.client("s3", endpoint_url=endpoint_url)

        provision(template, endpoint_url)
        provision(template, endpoint_url)

        tables = dynamodb.list_tables()["TableNames"]
        assert sorted(tables) == sorted(table.name for table in template.tables())
        for table in template.tables():
            found = dynamodb.describe_table(TableName=table.name)["Table"]
            ttl = dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
            assert found["KeySchema"] == table.create["KeySchema"]
            assert ttl.get("AttributeName") == table.ttl_attribute
        for bucket in template.buckets():
            versioning = s3.get_bucket_versioning(Bucket=bucket.name).get("Status")
            assert (versioning == "Enabled") == bucket.versioned


def test_a_table_of_an_older_version_gets_the_indexes_that_have_come_since() -> None:
    template = Template.load()
    [table] = [each for each in template.tables() if "predictions" in each.name]
    older: dict[str, Any] = dict(table.create)
    del older["GlobalSecondaryIndexes"]
    keys = {each["AttributeName"] for each in older["KeySchema"]}
    older["AttributeDefinitions"] = [
        each for each in older["AttributeDefinitions"] if each["AttributeName"] in keys
    ]
    with embedded_aws() as endpoint_url:
        dynamodb: Any = boto3.client("dynamodb", endpoint_url=endpoint_url)
        dynamodb.create_table(**older)
        item = {"lead_id": {"S": "7"}, "score_key": {"S": "x"}, "sample_part": {"S": "2024#01"}}
        item["scored_at"] = {"S": "2024-06-01T12:00:00.000000Z"}
        dynamodb.put_item(TableName=table.name, Item=item)

        provision(template, endpoint_url)

        for index in table.create["GlobalSecondaryIndexes"]:
            [key, *_] = [each["AttributeName"] for each in index["KeySchema"]]
            found = dynamodb.query(
                TableName=table.name,
                IndexName=index["IndexName"],
                KeyConditionExpression="#key = :value",
                ExpressionAttributeNames={"#key": key},
                ExpressionAttributeValues={":value": item.get(key, {"S": "nothing"})},
            )
            assert found["Count"] == (key in item)


def test_only_this_machine_reaches_the_embedded_aws() -> None:
    with embedded_aws() as endpoint_url:
        port = int(endpoint_url.rpartition(":")[2])

        listening = Path("/proc/net/tcp").read_text().splitlines()[1:]

        addresses = {line.split()[1] for line in listening if line.split()[3] == "0A"}
        assert f"0100007F:{port:04X}" in addresses
        assert f"00000000:{port:04X}" not in addresses


def test_an_aws_of_somebody_else_on_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    with embedded_aws() as theirs:
        ours = EmbeddedAws(tmp_path, port=int(theirs.rpartition(":")[2]))

        with pytest.raises(EmbeddedAwsError, match="stopped at once"):
            ours.start()


def test_a_restart_keeps_the_port_and_what_was_written(tmp_path: Path) -> None:
    aws = EmbeddedAws(tmp_path).start()
    try:
        before = aws.pid, aws.endpoint_url
        provision(Template.load(), aws.endpoint_url)
        _put(aws.endpoint_url)

        aws.restart()

        assert (aws.pid != before[0], aws.endpoint_url) == (True, before[1])
        assert _kept(aws.endpoint_url) == ("kept", b"kept")
        with reserved_port(preferred=aws.port) as other:
            assert other != aws.port
    finally:
        aws.stop()


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "no address"])
def test_an_aws_that_is_not_there_is_named_without_a_traceback(
    tmp_path: Path, address: str
) -> None:
    with (
        reserved_port() as nobody_listens,
        mock.patch.dict(os.environ, AWS_ENDPOINT_URL=address.format(port=nobody_listens)),
        pytest.raises(RunError, match="AWS_ENDPOINT_URL"),
    ):
        LocalStack(StateFolder(tmp_path)).start()


def test_settings_that_cannot_be_used_are_all_named_before_anything_is_made(
    tmp_path: Path,
) -> None:
    bad = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "GRADE_A_FROM": "1",
        "MODEL_REFRESH_SECONDS": "x",
    }

    with (
        mock.patch.dict(os.environ, bad),
        pytest.raises(RunError, match=r"MODEL_REFRESH_SECONDS.*GRADE_A_FROM"),
    ):
        LocalStack(StateFolder(tmp_path)).start()


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    aws = EmbeddedAws(tmp_path).start()
    try:
        provision(Template.load(), aws.endpoint_url)
        _put(aws.endpoint_url)
    finally:
        aws.stop()

    again = EmbeddedAws(tmp_path).start()
    try:
        assert _kept(again.endpoint_url) == ("kept", b"kept")
    finally:
        again.stop()


def test_the_embedded_aws_goes_when_its_parent_is_killed_and_still_writes_its_state(
    tmp_path: Path,
) -> None:
    program = (
        "import sys, time; from pathlib import Path; from infra.embedded_aws import EmbeddedAws\n"
        "aws = EmbeddedAws(Path(sys.argv[1])).start()\n"
        "print(aws.pid, aws.endpoint_url, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert parent.stdout is not None
    pid, endpoint_url = parent.stdout.readline().split()
    provision(Template.load(), endpoint_url)
    _put(endpoint_url)

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    _wait_until_gone(int(pid))
    again = EmbeddedAws(tmp_path).start()
    try:
        assert _kept(again.endpoint_url) == ("kept", b"kept")
    finally:
        again.stop()


def _put(endpoint_url: str) -> None:
    template = Template.load()
    keys = {"lead_id": {"S": "a"}, "score_key": {"S": "b"}, "note": {"S": "kept"}}
    table, bucket = _leads_table(template), template.buckets()[0].name
    boto3.client("dynamodb", endpoint_url=endpoint_url).put_item(TableName=table, Item=keys)
    boto3.client("s3", endpoint_url=endpoint_url).put_object(Bucket=bucket, Key="k", Body=b"kept")


def _kept(endpoint_url: str) -> tuple[str, bytes]:
    template = Template.load()
    dynamodb = boto3.client("dynamodb", endpoint_url=endpoint_url)
    s3 = boto3.client("s3", endpoint_url=endpoint_url)
    item = dynamodb.get_item(
        TableName=_leads_table(template), Key={"lead_id": {"S": "a"}, "score_key": {"S": "b"}}
    )
    body = s3.get_object(Bucket=template.buckets()[0].name, Key="k")["Body"].read()
    return item["Item"]["note"]["S"], body


def _leads_table(template: Template) -> str:
    return template.environment()["PREDICTIONS_TABLE"]


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        # Without an init that reaps orphans, one that has ended stays as a zombie.
        if Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z"):
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still there")
