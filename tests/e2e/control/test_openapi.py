"""docs/openapi.yaml says what the server does: every route, and every key of its answers."""

from harness import until
from openapi import Document, routes_of

DOCUMENT = Document("openapi.yaml")


def ask(server, method, target, wanted=200):
    status, body = server.api(method, target)
    assert status == wanted, body
    DOCUMENT.validate(method, target, status, body)
    return body


def test_every_route_of_the_server_is_in_the_document_and_no_other(example):
    routes = routes_of(example.api)
    assert len(routes) >= 17
    assert DOCUMENT.routes() == routes


def test_every_reference_leads_somewhere():
    for found in DOCUMENT.references():
        assert DOCUMENT.resolve({"$ref": found})


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
    until(lambda: ask(server, "GET", "/v1/history")["history"], "a row")
