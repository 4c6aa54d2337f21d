"""An OpenAPI document of docs/, to hold answers against."""

import re

import jsonschema
import yaml

from harness import REPOSITORY


def as_json_schema(node):
    """OpenAPI 3.0's `nullable` and boolean `exclusiveMinimum` in words of JSON Schema."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    fields = {key: as_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [{"type": "null"}, fields]} if node.get("nullable") else fields


class Document:
    def __init__(self, name):
        self.text = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
        self.content = yaml.safe_load(self.text)
        self.schemas = as_json_schema(self.content)

    def routes(self):
        return {(method.upper(), path) for path, methods in self.content["paths"].items() for method in methods}

    def resolve(self, node):
        while "$ref" in node:
            found = self.schemas
            for word in node["$ref"].removeprefix("#/").split("/"):
                found = found[word]
            node = found
        return node

    def references(self):
        return set(re.findall(r'\$ref: "([^"]+)"', self.text))

    def validate(self, method, target, status, body):
        operation = self.schemas["paths"][target.partition("?")[0]][method.lower()]
        assert str(status) in operation["responses"], f"{method} {target}: {status} {body}"
        schema = self.resolve(operation["responses"][str(status)])["content"]["application/json"]["schema"]
        validator = jsonschema.Draft4Validator(schema, resolver=jsonschema.RefResolver("", self.schemas))
        problems = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(body)]
        assert not problems, f"{method} {target}: {problems}"


def routes_of(api):
    """Of a program's own table: a path that is none lists all of them, a method that is none those of a path."""
    status, body = api("GET", "/nothing")
    assert status == 404
    paths = set(body["error"].partition("; there are ")[2].split(", "))
    routes = set()
    for path in paths:
        status, body = api("PUT", path)
        assert status == 405, body
        routes |= {(method, path) for method in body["error"].partition(" takes ")[2].split(" or ")}
    return routes
