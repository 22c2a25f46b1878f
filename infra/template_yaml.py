"""Read YAML with CloudFormation's short forms: `!Sub x` means `{"Fn::Sub": x}`."""

from typing import Any

import yaml


def parse_yaml(text: str) -> dict[str, Any]:
    """Parse the text of a template.

    >>> parse_yaml("Arn: !GetAtt Leads.Arn")
    {'Arn': {'Fn::GetAtt': ['Leads', 'Arn']}}
    """
    document: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    return document


class _Loader(yaml.CSafeLoader):
    """YAML that knows tags of any name."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any = None
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
