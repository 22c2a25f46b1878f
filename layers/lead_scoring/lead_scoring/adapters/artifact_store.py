"""The files of the models, in S3 under `models/{version}/{file}`."""

import mimetypes
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ..errors import ArtifactError
from ..settings import Settings
from .aws import error_code, unavailable_on_failure
from .clients import client

_FOLDER = "models/"
# Whoever is shown a link opens it now, or asks for another.
_LINK_SECONDS = 3600


class S3ArtifactStore:
    """An ArtifactStore in one bucket; connects at the first call."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.model_bucket
        self._endpoint_url = settings.aws_endpoint_url

    def read(self, model_version: str, name: str) -> bytes:
        """Return one file; raise ArtifactError if it is missing."""
        key = _key(model_version, name)
        with unavailable_on_failure("s3"):
            try:
                answer = self._client().get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error_code(error) != "NoSuchKey":
                    raise
                raise ArtifactError(f"{name} of {model_version} is missing") from error
            return bytes(answer["Body"].read())

    def write(self, model_version: str, files: Mapping[str, bytes]) -> None:
        """Write all files of a model."""
        with unavailable_on_failure("s3"):
            for name, content in files.items():
                self._client().put_object(
                    Bucket=self._bucket,
                    Key=_key(model_version, name),
                    Body=content,
                    ContentType=mimetypes.guess_type(name)[0] or "application/octet-stream",
                )

    def link(self, model_version: str, name: str) -> str | None:
        """Return an address where anybody may read one file for an hour; None if it is missing."""
        key = _key(model_version, name)
        with unavailable_on_failure("s3"):
            if key not in self._keys(key):
                return None
            address: str = self._client().generate_presigned_url(
                "get_object", {"Bucket": self._bucket, "Key": key}, _LINK_SECONDS
            )
            return address

    def versions(self) -> list[str]:
        """Return the models that have files, registered or not."""
        with unavailable_on_failure("s3"):
            return sorted({key.split("/")[1] for key in self._keys(_FOLDER)})

    def delete(self, model_version: str) -> None:
        """Delete all files of a model, as many as there are."""
        with unavailable_on_failure("s3"):
            for key in self._keys(_key(model_version, "")):
                self._client().delete_object(Bucket=self._bucket, Key=key)

    def ping(self) -> None:
        """Return if the bucket answers."""
        with unavailable_on_failure("s3"):
            self._client().head_bucket(Bucket=self._bucket)

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self._client().get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (file["Key"] for file in page.get("Contents", []))

    def _client(self) -> Any:
        return client("s3", self._endpoint_url)


def _key(model_version: str, name: str) -> str:
    return f"{_FOLDER}{model_version}/{name}"
