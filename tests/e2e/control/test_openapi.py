"""docs/openapi.yaml says what the server does: every route, and every key of its answers."""

import re

import jsonschema
import yaml

from harness import REPOSITORY

DOCUMENT = yaml.safe_load((REPOSITORY / "docs" / "openapi.yaml").read_text(encoding="utf-8"))


def as_json_schema(node):
    """OpenAPI 3.0's `nullable` and boolean `exclusiveMinimum` in words of JSON Schema."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    fields = {key: as_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [{"type": "null"}, fields]} if node.get("nullable") else fields


SCHEMAS = as_json_schema(DOCUMENT)


def resolve(node):
    while "$ref" in node:
        found = SCHEMAS
        for word in node["$ref"].removeprefix("#/").split("/"):
            found = found[word]
        node = found
    return node


def validate(method, target, status, body):
    operation = SCHEMAS["paths"][target.partition("?")[0]][method.lower()]
    assert str(status) in operation["responses"], f"{method} {target}: {status} {body}"
    schema = resolve(operation["responses"][str(status)])["content"]["application/json"]["schema"]
    validator = jsonschema.Draft4Validator(schema, resolver=jsonschema.RefResolver("", SCHEMAS))
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(body)]
    assert not problems, f"{method} {target}: {problems}"


def ask(server, method, target, wanted=200):
    status, body = server.api(method, target)
    assert status == wanted, body
    validate(method, target, status, body)
    return body


def test_every_route_of_the_server_is_in_the_document_and_no_other(example):
    # The server's own table: a path that is none lists all of them, a method that is none those of a path.
    status, body = example.api("GET", "/nothing")
    assert status == 404
    paths = set(body["error"].partition("; there are ")[2].split(", "))
    assert len(paths) >= 17
    routes = set()
    for path in paths:
        status, body = example.api("PUT", path)
        assert status == 405, body
        routes |= {(method, path) for method in body["error"].partition(" takes ")[2].split(" or ")}
    documented = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert documented == routes


def test_every_reference_leads_somewhere():
    for found in set(re.findall(r'\$ref: "([^"]+)"', (REPOSITORY / "docs" / "openapi.yaml").read_text(encoding="utf-8"))):
        assert resolve({"$ref": found})


def test_answers_are_as_the_document_says(new_server):
    server = new_server()
    server.write_site(state="state", demand="on")
    server.start()
    server.query("www.example.com", subnet="81.2.69.0/24")
    ask(server, "POST", "/v1/reload")
    ask(server, "GET", "/v1/status")
    ask(server, "GET", "/v1/explain?name=www.example.com&from=8.8.8.8")
    ask(server, "GET", "/v1/explain?name=a..b", 400)
    ask(server, "POST", "/v1/reload?force=maybe", 400)
    ask(server, "GET", "/v1/demand")
    ask(server, "POST", "/v1/demand/reset")
    assert ask(server, "GET", "/v1/epochs")["kept"]
    ask(server, "POST", "/v1/rollback?epoch=99", 422)
    ask(server, "POST", "/v1/geoip/accept")
    ask(server, "POST", "/v1/shed?datacenter=ams&share=0.3&for=3600")
    ask(server, "POST", "/v1/overrides?kind=force_down&target=192.0.2.10&reason=x&until=2020-01-01T00:00Z", 422)
    made = ask(server, "POST", "/v1/overrides?kind=force_down&target=192.0.2.10&reason=x")
    ask(server, "POST", "/v1/overrides?kind=stop&target=ams&reason=x", 400)
    ask(server, "GET", "/v1/overrides")
    ask(server, "GET", "/v1/status")
    ask(server, "POST", f"/v1/overrides/end?id={made['id']}")
    ask(server, "POST", "/v1/overrides/end?id=999999", 422)
    assert ask(server, "GET", "/v1/audit")["audit"]
    ask(server, "GET", "/v1/history")
    assert ask(server, "GET", "/v1/audit?limit=0", 400)
    ask(server, "GET", "/v1/history?limit=x", 400)
    ask(server, "POST", "/v1/upgrade?timeout=x", 400)
    server.write("maps.yaml", "maps: {web: {rules: 7}}\n")
    ask(server, "POST", "/v1/reload", 422)


def test_health_is_as_the_document_says(new_server):
    server = new_server()
    server.write("services.yaml", "checks:\n  self: {type: push, up_after: 1, down_after: 1}\nservices:\n"
                 "  www.example.com: {map: web, check: self, pools: {ams: [192.0.2.10, 192.0.2.11], iad: [198.51.100.10], sin: [203.0.113.10]}}\n")
    server.start()
    ask(server, "POST", "/v1/report?check=self&address=192.0.2.10&ok=no&cause=full&weight=30")
    ask(server, "POST", "/v1/report?check=self&address=192.0.2.11&ok=yes&weight=30")
    ask(server, "POST", "/v1/report?check=self&address=192.0.2.99&ok=yes", 404)
    ask(server, "POST", "/v1/report?check=self&address=192.0.2.11&ok=perhaps", 400)
    body = ask(server, "GET", "/v1/health")
    assert [each["address"] for each in body["services"][0]["endpoints"]]
    ask(server, "GET", "/v1/health?name=www.example.com")
    ask(server, "GET", "/v1/health?name=nothing.example.com", 404)
    assert ask(server, "GET", "/v1/history")["history"]
