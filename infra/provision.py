"""Create what `template.yaml` declares in a DynamoDB and an S3 that lack it."""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.template import Bucket, Table, Template


def provision(template: Template, endpoint_url: str, *, expire: bool = True) -> None:
    """Create every table, index and bucket of the template that is missing; leave the others alone.

    Without `expire`, no item ever expires.
    """
    patience = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})
    dynamodb = boto3.client("dynamodb", endpoint_url=endpoint_url, config=patience)
    for table in template.tables():
        _create_table(dynamodb, table, expire)
    s3 = boto3.client("s3", endpoint_url=endpoint_url, config=patience)
    for bucket in template.buckets():
        _create_bucket(s3, bucket)


def _create_table(dynamodb: Any, table: Table, expire: bool) -> None:
    try:
        dynamodb.create_table(**table.create)
    except dynamodb.exceptions.ResourceInUseException:
        _add_indexes(dynamodb, table)
        return
    dynamodb.get_waiter("table_exists").wait(TableName=table.name, WaiterConfig={"Delay": 1})
    if table.ttl_attribute and expire:
        dynamodb.update_time_to_live(
            TableName=table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
        )


def _add_indexes(dynamodb: Any, table: Table) -> None:
    """Give a table of an older version the indexes that have come since."""
    found = dynamodb.describe_table(TableName=table.name)["Table"]
    existing = {each["IndexName"] for each in found.get("GlobalSecondaryIndexes", [])}
    for index in table.create.get("GlobalSecondaryIndexes", []):
        if index["IndexName"] not in existing:
            # One at a time is what UpdateTable takes.
            dynamodb.update_table(
                TableName=table.name,
                AttributeDefinitions=table.create["AttributeDefinitions"],
                GlobalSecondaryIndexUpdates=[{"Create": index}],
            )
            dynamodb.get_waiter("table_exists").wait(
                TableName=table.name, WaiterConfig={"Delay": 1}
            )


def _create_bucket(s3: Any, bucket: Bucket) -> None:
    try:
        s3.head_bucket(Bucket=bucket.name)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        s3.create_bucket(Bucket=bucket.name)
    if bucket.versioned:
        s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
