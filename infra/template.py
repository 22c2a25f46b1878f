"""Read `template.yaml`: the one truth about routes, tables, buckets and the environment.

What CloudFormation would compute at deployment (`!Ref`, `!Sub`, `!GetAtt`, conditions, ...) is
computed here for one made-up local deployment. Only what the local run needs is looked at, and
lazily: an expression that cannot be computed is an error only where its value is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.intrinsics import Intrinsics
from infra.template_yaml import parse_yaml

PROJECT = Path(__file__).resolve().parent.parent
# A table's properties that CreateTable takes under the same name; the rest are other calls.
CREATE_TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "StreamSpecification",
)


class TemplateError(Exception):
    """The template asks for something that the local run cannot give."""


@dataclass(frozen=True, slots=True)
class Route:
    """One event of a function: `method` in capitals, `path` with `{parameters}`."""

    function: str
    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function: the name that calls it, where its code is, and what it is told."""

    logical_id: str
    name: str
    code_dir: Path
    handler: str
    environment: Mapping[str, str]
    timeout_seconds: int
    memory_mb: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """One scheduled event of a function: `cron(...)` or `rate(...)`, and what it sends."""

    function: str
    name: str
    expression: str
    time_zone: str
    input: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """One DynamoDB table: the arguments of CreateTable, and its TTL attribute if it has one."""

    name: str
    create: Mapping[str, Any]
    ttl_attribute: str | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """One S3 bucket."""

    name: str
    versioned: bool


class Template:
    """A parsed template.

    >>> template = Template.parse('''
    ... Resources:
    ...   Jobs:
    ...     Type: AWS::DynamoDB::Table
    ...     Properties: {TableName: !Sub "${AWS::StackName}-jobs"}
    ...   Api:
    ...     Type: AWS::Serverless::Function
    ...     Properties:
    ...       CodeUri: functions/jobs/
    ...       Handler: app.app
    ...       Environment: {Variables: {JOBS_TABLE: !Ref Jobs}}
    ...       Events: {List: {Type: Api, Properties: {Path: /jobs, Method: get}}}
    ... ''')
    >>> template.environment()["JOBS_TABLE"], template.routes()[0].method
    ('local-jobs', 'GET')
    """

    def __init__(
        self, document: Mapping[str, Any], project: Path = PROJECT, stack: str = "local"
    ) -> None:
        self._resources: dict[str, Any] = document.get("Resources", {})
        self._globals: dict[str, Any] = document.get("Globals", {}).get("Function", {})
        self._project = project
        self.resolve = self._resolve = Intrinsics(document, stack).resolve

    @classmethod
    def parse(cls, text: str, project: Path = PROJECT, stack: str = "local") -> "Template":
        """Parse the text of a template; names that nobody gave begin with that of the stack."""
        return cls(parse_yaml(text), project, stack)

    @classmethod
    def load(cls, file: Path = PROJECT / "template.yaml", stack: str = "local") -> "Template":
        """Read a template file; its code directories are relative to it."""
        return cls.parse(file.read_text(encoding="utf-8"), file.resolve().parent, stack)

    def functions(self) -> list[Function]:
        """Return every function, those without a route too."""
        return [
            self._function(logical_id, properties)
            for logical_id, properties in self._of_type("AWS::Serverless::Function")
        ]

    def layers(self, function: Function) -> list[Path]:
        """Return the folders of a function's layers, in the order in which Lambda lays them out."""
        properties = self._resources[function.logical_id]["Properties"]
        named = [*self._globals.get("Layers", []), *properties.get("Layers", [])]
        return [
            self._project / self._resources[each["Ref"]]["Properties"]["ContentUri"]
            for each in named
        ]

    def routes(self) -> list[Route]:
        """Return every route, in the order of the template."""
        return [
            Route(logical_id, event["Properties"]["Method"].upper(), event["Properties"]["Path"])
            for logical_id, properties in self._of_type("AWS::Serverless::Function")
            for event in properties.get("Events", {}).values()
            if event["Type"] in ("Api", "HttpApi")
        ]

    def schedules(self) -> list[Schedule]:
        """Return every schedule, in the order of the template."""
        return [
            self._schedule(logical_id, name, self._resolve(event["Properties"]))
            for logical_id, properties in self._of_type("AWS::Serverless::Function")
            for name, event in properties.get("Events", {}).items()
            if event["Type"] in ("ScheduleV2", "Schedule")
        ]

    def tables(self) -> list[Table]:
        """Return every table, ready to be created."""
        return [
            self._table(logical_id, properties)
            for logical_id, properties in self._of_type("AWS::DynamoDB::Table")
        ]

    def buckets(self) -> list[Bucket]:
        """Return every bucket."""
        return [
            Bucket(
                str(self._resolve({"Ref": logical_id})),
                properties.get("VersioningConfiguration", {}).get("Status") == "Enabled",
            )
            for logical_id, properties in self._of_type("AWS::S3::Bucket")
        ]

    def names(self) -> set[str]:
        """Return the names of all tables, buckets and functions."""
        return {
            *(table.name for table in self.tables()),
            *(bucket.name for bucket in self.buckets()),
            *(function.name for function in self.functions()),
        }

    def environment(self, overrides: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return one environment that suits every function that has a route.

        They share a process locally, so a variable that two of them see differently is a
        TemplateError, unless `overrides` decides it.
        """
        merged: dict[str, str] = {}
        serving = {route.function for route in self.routes()}
        for function in self.functions():
            if function.logical_id not in serving:
                continue
            for name, value in function.environment.items():
                if overrides and name in overrides:
                    continue
                if merged.setdefault(name, value) != value:
                    raise TemplateError(f"functions disagree about {name}: locally they share it")
        return merged | dict(overrides or {})

    def _of_type(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (logical_id, resource.get("Properties", {}))
            for logical_id, resource in self._resources.items()
            if resource["Type"] == kind
        ]

    def _function(self, logical_id: str, properties: dict[str, Any]) -> Function:
        settings = self._globals | properties
        variables = self._globals.get("Environment", {}).get("Variables", {}) | properties.get(
            "Environment", {}
        ).get("Variables", {})
        return Function(
            logical_id,
            str(self._resolve({"Ref": logical_id})),
            self._project / settings["CodeUri"],
            settings["Handler"],
            {name: _as_text(self._resolve(value)) for name, value in variables.items()},
            int(self._resolve(settings.get("Timeout", 3))),
            int(self._resolve(settings.get("MemorySize", 128))),
        )

    def _schedule(self, logical_id: str, name: str, properties: dict[str, Any]) -> Schedule:
        # The two kinds of event name the expression differently.
        expression = properties.get("ScheduleExpression") or properties["Schedule"]
        time_zone = properties.get("ScheduleExpressionTimezone", "UTC")
        return Schedule(logical_id, name, expression, time_zone, properties.get("Input"))

    def _table(self, logical_id: str, properties: dict[str, Any]) -> Table:
        name = str(self._resolve({"Ref": logical_id}))
        create = {
            key: self._resolve(properties[key])
            for key in CREATE_TABLE_PROPERTIES
            if key in properties
        }
        ttl = self._resolve(properties.get("TimeToLiveSpecification", {}))
        # Contributor insights and the like belong to an index only in CloudFormation.
        for index in create.get("GlobalSecondaryIndexes", []):
            index.pop("ContributorInsightsSpecification", None)
        return Table(
            name,
            {"TableName": name, "BillingMode": "PAY_PER_REQUEST"} | create,
            str(ttl["AttributeName"]) if ttl.get("Enabled") else None,
        )


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
