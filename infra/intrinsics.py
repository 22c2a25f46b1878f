"""Compute CloudFormation's intrinsic functions for one made-up local deployment."""

import re
from collections.abc import Callable, Mapping
from typing import Any

PSEUDO_PARAMETERS = {
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:000000000000:stack/local/local",
}
# The property that names a resource of a type, for those that may be named.
NAME_PROPERTIES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Serverless::Function": "FunctionName",
}
_ABSENT = object()


class Intrinsics:
    """The values that expressions of one template have locally.

    >>> names = Intrinsics({"Parameters": {"Stage": {"Default": "dev"}}})
    >>> names.resolve({"Fn::Sub": "leads-${Stage}-${AWS::Region}"})
    'leads-dev-us-east-1'
    """

    def __init__(self, document: Mapping[str, Any], stack: str = "local") -> None:
        self._pseudo = PSEUDO_PARAMETERS | {"AWS::StackName": stack}
        self._stack = stack
        self._parameters: dict[str, Any] = document.get("Parameters", {})
        self._conditions: dict[str, Any] = document.get("Conditions", {})
        self._mappings: dict[str, Any] = document.get("Mappings", {})
        self._resources: dict[str, Any] = document.get("Resources", {})
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": lambda name: self.resolve(self._conditions[name]),
            "Fn::Sub": self._sub,
            "Fn::GetAtt": self._get_att,
            "Fn::Join": lambda given: str(given[0]).join(map(str, self.resolve(given[1]))),
            "Fn::Select": lambda given: self.resolve(given[1])[int(given[0])],
            "Fn::Split": lambda given: str(self.resolve(given[1])).split(given[0]),
            "Fn::If": self._if,
            "Fn::Equals": lambda given: self.resolve(given[0]) == self.resolve(given[1]),
            "Fn::Not": lambda given: not self.resolve(given[0]),
            "Fn::And": lambda given: all(map(self.resolve, given)),
            "Fn::Or": lambda given: any(map(self.resolve, given)),
            "Fn::FindInMap": self._find_in_map,
        }

    def resolve(self, value: Any) -> Any:
        """Return the value with every expression in it computed; raise KeyError or ValueError."""
        if isinstance(value, list):
            resolved = [self.resolve(entry) for entry in value]
            return [entry for entry in resolved if entry is not _ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, given)] = value.items()
            if name in self._functions:
                return self._functions[name](given)
            if name.startswith("Fn::"):
                raise ValueError(f"{name} means nothing locally")
        entries = {key: self.resolve(entry) for key, entry in value.items()}
        return {key: entry for key, entry in entries.items() if entry is not _ABSENT}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name].get("Default", "")
        resource = self._resources.get(name)
        if resource is None:
            raise KeyError(f"the template has no parameter or resource {name}")
        naming = NAME_PROPERTIES.get(resource["Type"], "")
        given = resource.get("Properties", {}).get(naming)
        # A name that CloudFormation would make up: lower case, because buckets need it.
        return self.resolve(given) if given is not None else f"{self._stack}-{name.lower()}"

    def _get_att(self, given: list[str]) -> str:
        name, attribute = given
        if attribute == "Arn":
            return f"arn:aws:local:us-east-1:000000000000:{self._ref(name)}"
        return f"{self._ref(name)}.{attribute}"

    def _sub(self, given: Any) -> str:
        text, extra = given if isinstance(given, list) else (given, {})

        def replace(found: re.Match[str]) -> str:
            name = found.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in extra:
                return str(self.resolve(extra[name]))
            if "." in name:
                return self._get_att(name.split(".", 1))
            return str(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)

    def _if(self, given: list[Any]) -> Any:
        condition, then, otherwise = given
        return self.resolve(then if self.resolve(self._conditions[condition]) else otherwise)

    def _find_in_map(self, given: list[Any]) -> Any:
        mapping, top, second = map(self.resolve, given)
        return self._mappings[mapping][top][second]
