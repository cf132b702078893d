"""Proxies in the environment."""

from __future__ import annotations

import os
from urllib import request

import pytest

from mia_demo.errors import HubError
from mia_demo.system import proxies
from mia_demo.zoo.hub.client import hub


@pytest.fixture(autouse=True)
def no_proxy_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("NO_PROXY", "no_proxy", *proxies.VARIABLES, *map(str.lower, proxies.VARIABLES))
    for name in names:
        monkeypatch.setenv(name, "")  # so that it is restored afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(proxies, "_unusable", [])


def test_loopback_is_never_proxied_and_what_was_exempt_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.school:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.school,localhost")
    proxies.prepare_proxies()
    exempt = os.environ["NO_PROXY"].split(",")
    assert exempt[0] == "intranet.school"
    assert set(proxies.LOOPBACK) <= set(exempt)
    assert len(exempt) == len(set(exempt))
    assert os.environ["HTTP_PROXY"] == "http://proxy.school:3128"  # the Hub is behind it
    assert proxies.unusable_proxy() == ""


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_what_one_spelling_exempts_the_other_does_not_hide(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.school:3128")
    monkeypatch.setenv(name, "intranet.school, mirror.school")
    proxies.prepare_proxies()
    assert all(
        request.proxy_bypass_environment(host)
        for host in ("intranet.school", "mirror.school", "localhost", "127.0.0.1")
    )
    assert not request.proxy_bypass_environment("huggingface.co")
    monkeypatch.delenv("no_proxy")
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv(name, "*")
    proxies.prepare_proxies()
    assert request.proxy_bypass_environment("huggingface.co")


def test_the_systems_own_proxy_goes_on_holding(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows and macOS, which are asked only while the environment names no proxy."""
    settings = {"http": "http://proxy.school:3128", "https": "http://proxy.school:3128"}
    monkeypatch.setattr(
        proxies.request, "getproxies", lambda: request.getproxies_environment() or settings
    )
    proxies.prepare_proxies()
    found = request.getproxies()
    assert {name: found[name] for name in settings} == settings
    assert request.proxy_bypass_environment("localhost")


@pytest.mark.parametrize("address", ["http://proxy:port", "://", "http://", "http://proxy:99999"])
def test_what_is_no_address_is_one_sentence(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("https_proxy", address)
    proxies.prepare_proxies()
    assert proxies.unusable_proxy().startswith("https_proxy is no proxy's address; ")
    assert "https_proxy" not in os.environ


@pytest.mark.parametrize(
    ("address", "words"),
    [("socks5://proxy.school:1080", "socksio"), ("ftp://proxy.school", "unknown kind, ftp://")],
)
def test_an_unusable_proxy_is_one_sentence_and_the_hub_is_not_asked_past_it(
    monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    monkeypatch.setattr(proxies.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("ALL_PROXY", address)
    proxies.prepare_proxies()
    assert words in proxies.unusable_proxy()
    assert "ALL_PROXY" not in os.environ
    with pytest.raises(HubError, match="ALL_PROXY"):
        hub()
