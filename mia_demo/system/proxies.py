"""Proxies of schools and companies: never between this machine and itself.

``httpx``, which Gradio and the Hub's client use, reads them from the environment when a client is
made; Gradio makes one on import. So the environment is put in order before that.
"""

import importlib.util
import os
from urllib import request
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
VARIABLES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")
SCHEMES = ("http", "https", "socks5", "socks5h")

_unusable: list[str] = []


def prepare_proxies() -> None:
    """Takes loopback out of what is proxied, and unusable proxies out of the environment.

    What was taken out is remembered: ``unusable_proxy`` says why the Hub is not asked directly.
    """
    if not request.getproxies_environment():
        # Settings of Windows and macOS, which nobody reads once the environment has any.
        for scheme, address in request.getproxies().items():
            if scheme in ("http", "https"):
                os.environ[f"{scheme.upper()}_PROXY"] = address
    exempt = request.getproxies_environment().get("no", "").split(",")
    listed = [host.strip() for host in exempt if host.strip()]
    if "*" not in listed:
        listed += [host for host in LOOPBACK if host not in listed]
    # Both spellings, since one of them alone would hide what the other lists.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(listed)
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        problem = _problem(name, os.environ.get(name, ""))
        if problem:
            del os.environ[name]
            _unusable.append(problem)


def unusable_proxy() -> str:
    """Why a proxy that the environment names cannot be used, with the remedy; empty if none is."""
    return _unusable[0] if _unusable else ""


def _problem(name: str, address: str) -> str:
    if not address:
        return ""
    scheme = address.partition("://")[0].lower() if "://" in address else "http"
    if not _is_address(address):
        return f"{name} is no proxy's address; give one such as http://proxy:3128, or unset it."
    if scheme not in SCHEMES:
        return (
            f"{name} names a proxy of an unknown kind, {scheme}://; give one of "
            f"{', '.join(SCHEMES)}, or unset it."
        )
    if scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        return (
            f"{name} names a SOCKS proxy, for which a package is missing; install it with "
            "'python -m pip install socksio', or unset it."
        )
    return ""


def _is_address(address: str) -> bool:
    """Whether there are a host and, if any, a port that is a number."""
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        return bool(parts.hostname) and parts.port != 0 and address.isprintable()
    except ValueError:
        return False
