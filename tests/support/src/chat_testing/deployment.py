"""The template as CloudFormation gets it: after SAM's transform, which runs here without AWS."""

import copy
import json
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from chat_testing.repository import TEMPLATE

type Document = dict[str, Any]
"""A part of a template: JSON, with intrinsic functions as `{"Ref": ...}` and the like."""


class _NoManagedPolicies:
    """Stands for the list of AWS's managed policies, which SAM would fetch; the template names none."""

    def load(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class Stack:
    """A transformed template."""

    document: Document

    def properties(self, logical_id: str) -> Document:
        """The properties of one resource."""
        properties: Document = self.document["Resources"][logical_id]["Properties"]
        return properties

    def of_type(self, resource_type: str) -> dict[str, Document]:
        """The properties of every resource of a type, by logical id."""
        resources = self.document["Resources"].items()
        return {name: found.get("Properties", {}) for name, found in resources if found["Type"] == resource_type}

    def operations(self) -> Iterator[tuple[str, str, Document]]:
        """Method, path and OpenAPI operation of every route of every REST API."""
        for api in self.of_type("AWS::ApiGateway::RestApi").values():
            for path, methods in api["Body"]["paths"].items():
                for method, operation in methods.items():
                    yield method.upper(), path, operation

    def statements(self) -> Iterator[tuple[str, Document]]:
        """Role and statement of every permission that the stack grants to a role."""
        for role, properties in self.of_type("AWS::IAM::Role").items():
            for policy in properties.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield role, statement
        for properties in self.of_type("AWS::IAM::Policy").values():
            for role in properties["Roles"]:
                for statement in properties["PolicyDocument"]["Statement"]:
                    yield role["Ref"], statement


def function_variables(stack: Stack, logical_id: str) -> dict[str, str]:
    """A function's environment as with default parameters; what only AWS knows reads `placeholder`."""
    parameters = {name: str(found["Default"]) for name, found in stack.document["Parameters"].items()}
    variables = stack.properties(logical_id)["Environment"]["Variables"]
    return {name: _resolved(value, parameters) for name, value in variables.items()}


def _resolved(value: Any, parameters: dict[str, str]) -> str:
    """A value with its intrinsic functions carried out; an `If` takes its last branch, that of an empty parameter."""
    match value:
        case {"Ref": str(name)}:
            return parameters.get(name, "placeholder")
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda found: parameters.get(found[1], "placeholder"), text)
        case {"Fn::If": [_, _, otherwise]}:
            return _resolved(otherwise, parameters)
        case str():
            return value
    message = f"not known here: {value}"
    raise TypeError(message)


def load_template() -> Document:
    """The template as written."""
    template: Document = yaml_parse(TEMPLATE.read_text())
    return template


def transformed(template: Document, parameters: Mapping[str, str] | None = None) -> Stack:
    """What SAM makes of a template, as after `sam package`: each artifact is in a bucket, named by its folder.

    `parameters` are what a deployment gives; the others have their defaults.
    """
    packaged = copy.deepcopy(template)
    for resource in packaged["Resources"].values():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = "s3://artifacts/" + resource["Properties"][key].strip("/")
    # SAM warns of metrics that it did not send and of toggles that are AWS's own.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    return Stack(transform(packaged, dict(parameters or {}), _NoManagedPolicies()))


def as_list(value: Any) -> list[Any]:
    """A policy's value that may stand alone or in a list, as a list."""
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    json.dump(transformed(load_template()).document, sys.stdout, indent=2)
