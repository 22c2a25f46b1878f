"""What the build leaves of botocore's descriptions: all that is called, and called as before."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from infra.template import PROJECT, Template
from infra.template_yaml import parse_yaml

SCRIPT = PROJECT / "layers" / "runtime" / "trim_botocore.py"
DATA = Path(botocore.__file__).parent / "data"
CALLS: dict[str, dict[str, dict[str, Any]]] = {
    "dynamodb": {
        "GetItem": {"TableName": "t", "Key": {"id": {"S": "1"}}, "ConsistentRead": True},
        "PutItem": {"TableName": "t", "Item": {"id": {"S": "1"}, "data": {"B": b"\x00"}}},
        "DeleteItem": {"TableName": "t", "Key": {"id": {"S": "1"}}},
        "UpdateItem": {"TableName": "t", "Key": {"id": {"S": "1"}}, "UpdateExpression": "SET a=b"},
        "Query": {"TableName": "t", "KeyConditionExpression": "id = :i", "Limit": 1},
        "BatchGetItem": {"RequestItems": {"t": {"Keys": [{"id": {"S": "1"}}]}}},
        "BatchWriteItem": {"RequestItems": {"t": [{"DeleteRequest": {"Key": {"id": {"S": "1"}}}}]}},
        "TransactWriteItems": {
            "TransactItems": [{"Put": {"TableName": "t", "Item": {"id": {"S": "1"}}}}],
            "ClientRequestToken": "x",
        },
    },
    "s3": {
        "GetObject": {"Bucket": "some-bucket", "Key": "models/v1/model.ubj"},
        "PutObject": {"Bucket": "some-bucket", "Key": "a b", "Body": b"x", "ContentType": "a/b"},
        "DeleteObject": {"Bucket": "some-bucket", "Key": "a"},
        "HeadBucket": {"Bucket": "some-bucket"},
        "ListObjectsV2": {"Bucket": "some-bucket", "Prefix": "models/"},
    },
    "lambda": {"Invoke": {"FunctionName": "f", "InvocationType": "Event", "Payload": b"{}"}},
}


def load_script() -> Any:
    spec = importlib.util.spec_from_file_location("trim_botocore", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TRIM: Any = load_script()


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data: Path = tmp_path_factory.mktemp("botocore") / "data"
    ours = {*TRIM.OPERATIONS, *TRIM.WHOLE, "sqs"}
    others = [each.name for each in DATA.iterdir() if each.is_dir() and each.name not in ours]
    shutil.copytree(DATA, data, ignore=shutil.ignore_patterns(*others))
    TRIM.trim(data)
    return data


def loader(data: Path) -> Loader:
    return Loader(extra_search_paths=[str(data)], include_default_search_paths=False)


def service(data: Path, name: str) -> ServiceModel:
    return ServiceModel(loader(data).load_service_model(name, "service-2"), name)


def outline(shape: Shape | None, above: tuple[str, ...] = ()) -> Any:
    """All that a shape says, and the shapes within; one within itself by its name."""
    if shape is None or shape.name in above:
        return shape and shape.name
    above = (*above, shape.name)
    said = (shape.name, shape.type_name, shape.serialization, shape.metadata)
    if shape.type_name == "structure":
        return said, {name: outline(each, above) for name, each in shape.members.items()}
    if shape.type_name == "list":
        return said, outline(shape.member, above)
    if shape.type_name == "map":
        return said, outline(shape.key, above), outline(shape.value, above)
    return said


class _Sent(Exception):  # noqa: N818 (what is sent goes no further, and is no error)
    pass


def sent(data: Path, region: str, name: str) -> list[Any]:
    """The request of each call: method, address, body, and what it is signed for."""
    session = botocore.session.Session()
    session.register_component("data_loader", loader(data))
    session.set_credentials("made", "up")
    client = session.create_client(name, region_name=region)
    seen: list[Any] = []

    def note(request: Any, **_: object) -> None:
        scope = request.headers["Authorization"].split(b"/", 2)[2].split(b",")[0]
        body = request.body if isinstance(request.body, bytes | None) else "a stream"
        seen.append((request.method, request.url, body, scope))
        raise _Sent

    client.meta.events.register("before-send", note)
    for operation, asked in CALLS[name].items():
        with pytest.raises(_Sent):
            client._make_api_call(operation, asked)
    return seen


def test_every_operation_that_the_roles_allow_is_there() -> None:
    document = parse_yaml((PROJECT / "template.yaml").read_text("utf-8"))
    of_action = {
        "s3:ListBucket": {"ListObjectsV2", "HeadBucket"},
        "lambda:InvokeFunction": {"Invoke"},
    }
    of_action |= {"dynamodb:ConditionCheckItem": {"TransactWriteItems"}}
    wanted = dict[str, set[str]]()
    for function in Template.load().functions():
        role = document["Resources"][function.logical_id]["Properties"]
        for policy in role.get("Policies", []):
            for statement in policy.get("Statement", []) if isinstance(policy, dict) else []:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    name, _, operation = action.partition(":")
                    wanted.setdefault(name, set()).update(of_action.get(action, {operation}))

    assert {"dynamodb", "s3", "lambda"} <= set(wanted)
    for name, operations in TRIM.OPERATIONS.items():
        assert wanted[name] <= operations


@pytest.mark.parametrize("name", ["dynamodb", "lambda", "s3"])
def test_what_is_left_says_what_it_said(trimmed: Path, name: str) -> None:
    whole, left = service(DATA, name), service(trimmed, name)

    assert set(left.operation_names) == TRIM.OPERATIONS[name] == set(CALLS[name])
    assert left.metadata == whole.metadata
    for operation in left.operation_names:
        ours, theirs = left.operation_model(operation), whole.operation_model(operation)
        assert ours.http == theirs.http
        assert outline(ours.input_shape) == outline(theirs.input_shape)
        assert outline(ours.output_shape) == outline(theirs.output_shape)
        assert [outline(each) for each in ours.error_shapes] == [
            outline(each) for each in theirs.error_shapes
        ]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"])
@pytest.mark.parametrize("name", ["dynamodb", "lambda", "s3"])
def test_a_client_sends_the_same_to_the_same_address(trimmed: Path, name: str, region: str) -> None:
    after, before = sent(trimmed, region, name), sent(DATA, region, name)

    assert after == before
    assert len(after) == len(CALLS[name])


def test_other_services_older_versions_and_texts_are_gone(trimmed: Path) -> None:
    assert not (trimmed / "sqs").exists()
    assert [each.name for each in (trimmed / "dynamodb").iterdir()] == ["2012-08-10"]
    size = sum(each.stat().st_size for each in trimmed.rglob("*") if each.is_file())
    assert size < 500_000


def test_an_operation_that_does_not_exist_fails_the_build() -> None:
    with pytest.raises(ValueError, match="NoSuchThing"):
        TRIM.trimmed_service({"operations": {}, "shapes": {}}, frozenset({"NoSuchThing"}))
