"""Addresses of traces' web pages."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tracetui.model.errors import UsageError
from tracetui.model.grafana_page import grafana_page
from tracetui.model.trace_page import check_template, grafana_template, page_of, template_at


@pytest.mark.parametrize(
    "template",
    ["", "https://jaeger.example.com/trace/{id}", "http://localhost:9411/zipkin/traces/{id}?x=1#y", "HTTPS://a/{id}"],
)
def test_usable_templates(template: str) -> None:
    check_template(template)


@pytest.mark.parametrize(
    "template",
    [
        "https://jaeger.example.com/trace/",
        "jaeger/{id}",
        "file:///etc/{id}",
        "javascript:alert({id})",
        "https://a/{id} b",
        "https://a/{id}>b",
        "https://a/{id}\x1b[2J",
        "https://a/{id}/{id}",
        "https://a/{other}/{id}",
    ],
)
def test_unusable_templates(template: str) -> None:
    with pytest.raises(UsageError, match=r"ui is not an address with \{id\}"):
        check_template(template)


def test_page_below_a_base_path() -> None:
    assert page_of(template_at("https://a/jaeger", "/trace"), "ab12") == "https://a/jaeger/trace/ab12"
    assert page_of(template_at("https://a", ""), "ab12") == ""


def test_ids_are_quoted() -> None:
    assert page_of("https://a/{id}", "a/b?c#d\x1b é") == "https://a/a%2Fb%3Fc%23d%1B%20%C3%A9"


@pytest.mark.parametrize("kind", ["tempo", "jaeger", "zipkin"])
def test_grafana_page_can_be_opened_as_a_source(kind: str) -> None:
    template = grafana_template("https://grafana.example.com/base/api/datasources/proxy/uid/P%20C", kind)
    check_template(template)
    address = page_of(template, "5b8efff798038103d269b633813fc60c")
    assert address.startswith("https://grafana.example.com/base/explore?")
    (panes,) = parse_qs(urlsplit(address).query)["panes"]
    assert json.loads(panes)["a"]["datasource"] == "P C"
    page = grafana_page(address)
    assert page is not None
    assert page.data_source == "P C"
    assert "5b8efff798038103d269b633813fc60c" in page.texts


def test_other_addresses_are_not_behind_grafana() -> None:
    assert grafana_template("https://jaeger.example.com", "jaeger") == ""
    assert grafana_template("https://g/api/datasources/proxy/uid/x", "") == ""
