"""Proxies in the environment."""

from __future__ import annotations

import os

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
