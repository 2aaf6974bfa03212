"""nginx, HAProxy and Caddy in front of a server: as they should be, and as public reports tell that they were.

Each of `RIGHT` lets everything through that the protocol needs. Each of `WRONG` breaks one thing, and says by which
requirement the kit has to find it, and what the message has to name.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from tests.processes import Process, running

__all__ = ["RIGHT", "WRONG", "Proxy", "Wrong", "in_front", "program"]

START: Final = 30.0
"""Seconds until a proxy that takes no connections is given up."""
MOMENT: Final = 0.01
PACKAGES: Final = {"nginx": "nginx-light", "haproxy": "haproxy", "caddy": "caddy"}
FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin")
"""Where Debian puts programs that the PATH of a user need not hold."""


def program(name: str) -> str:
    """Give the path of a proxy; without it the test is skipped, and fails where `CI` is `true`."""
    if path := shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *FOLDERS))):
        return path
    message = f"there is no {name} on PATH: install it (Debian and Ubuntu: apt-get install {PACKAGES[name]})"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@dataclass(frozen=True, slots=True)
class Proxy:
    """One of the three, with what is said in the places of its configuration that differ."""

    name: str
    inside: str = ""
    places: Mapping[str, str] = field(default_factory=dict)

    def command(self, path: str, folder: Path) -> Sequence[str]:
        """Give the command that runs it in the foreground."""
        if self.name == "nginx":
            return (path, "-p", str(folder), "-c", str(folder / "nginx.conf"))
        if self.name == "haproxy":
            return (path, "-db", "-q", "-f", str(folder / "haproxy.conf"))
        homes = (f"{name}={folder}" for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"))
        return ("/usr/bin/env", *homes, path, "run", "--adapter", "caddyfile", "--config", str(folder / "caddy.conf"))

    def configuration(self, folder: Path, port: int, servers: Sequence[str]) -> str:
        """Fill the configuration in: where it listens, and where it forwards to."""
        text = TEMPLATES[self.name]
        places = {**DEFAULTS[self.name], **self.places, "inside": self.inside}
        places |= {"folder": str(folder), "port": str(port), "servers": SERVERS[self.name](servers)}
        for name, value in places.items():
            text = text.replace(f"<{name}>", value)
        return text


NGINX = """
daemon off;
master_process off;
pid <folder>/pid;
error_log <folder>/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path <folder>/body;
  proxy_temp_path <folder>/proxy;
  fastcgi_temp_path <folder>/fastcgi;
  uwsgi_temp_path <folder>/uwsgi;
  scgi_temp_path <folder>/scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  upstream app { <servers> }
  <outside>
  server {
    listen 127.0.0.1:<port>;
    client_max_body_size <body>;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    <upgrade>
    proxy_read_timeout <idle>;
    proxy_send_timeout 1h;
    <inside>
    location / { proxy_pass http://app; }
  }
}
"""
HAPROXY = """
global
  maxconn 4000
  tune.bufsize 32768
defaults
  mode http
  timeout connect 5s
  timeout client <idle>
  timeout server <idle>
  <tunnel>
frontend web
  bind 127.0.0.1:<port>
  <inside>
  default_backend app
backend app
  balance roundrobin
  <servers>
"""
CADDY = """
{
  admin off
  auto_https off
  storage file_system <folder>/storage
  log {
    level ERROR
  }
  <global>
}
http://127.0.0.1:<port> {
  <inside>
  <pass>
}
"""
TEMPLATES: Final = {"nginx": NGINX, "haproxy": HAPROXY, "caddy": CADDY}
DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "nginx": {
        "body": "64m",
        "idle": "1h",
        "outside": "",
        "upgrade": "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;",
    },
    "haproxy": {"idle": "30s", "tunnel": "timeout tunnel 1h"},
    "caddy": {"global": "", "pass": "reverse_proxy <servers>"},
}
SERVERS: Final = {
    "nginx": lambda servers: " ".join(f"server {server};" for server in servers),
    "haproxy": lambda servers: "\n  ".join(f"server app{n} {server}" for n, server in enumerate(servers)),
    "caddy": " ".join,
}


@contextmanager
def in_front(proxy: Proxy, folder: Path, *urls: str) -> Iterator[str]:
    """Run a proxy in front of servers, and give its URL."""
    path = program(proxy.name)
    folder.mkdir(parents=True, exist_ok=True)
    with _reserved() as port:
        servers = [url.removeprefix("http://") for url in urls]
        text = proxy.configuration(folder, port, servers)
        (folder / f"{proxy.name}.conf").write_text(text, encoding="utf-8")
        complaints = folder / "complaints"
        with running(*proxy.command(path, folder), folder=folder, errors=complaints) as process:
            assert _listening(process, port), f"{proxy.name} did not start: {complaints.read_text(encoding='utf-8')}"
            yield f"http://127.0.0.1:{port}"


@contextmanager
def _reserved() -> Iterator[int]:
    """Keep a port from everybody who asks for any: it can be listened on by whoever names it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def _listening(process: Process, port: int) -> bool:
    """Wait until a process takes connections; false when it ends before."""
    for _ in range(round(START / MOMENT)):
        with socket.socket() as visitor:
            if visitor.connect_ex(("127.0.0.1", port)) == 0:
                return True
        if process.wait(MOMENT) is not None:
            return False
    return False


LONG_REFUSED: Final = '{"status":1,"message":"The body is too long.","code":"too_large"}'
RIGHT: Final[Mapping[str, Proxy]] = {
    "nginx": Proxy(
        "nginx",
        f"error_page 413 @long; location @long {{ default_type application/json; return 413 '{LONG_REFUSED}'; }}",
        {"body": "1m", "outside": "gzip on; gzip_min_length 0; gzip_types application/json;"},
    ),
    "haproxy": Proxy("haproxy", "compression algo gzip\n  compression type application/json"),
    "caddy": Proxy("caddy", "encode gzip"),
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A proxy that breaks something: the id, words of the message, and the checks that are enough to see it.

    `id` is empty where nothing can be judged behind it, and the run has to say why. `servers` stand behind it, each
    with a memory of its own.
    """

    proxy: Proxy
    id: str
    says: str
    checks: str
    servers: int = 1


def forwarding(*options: str) -> str:
    """Give Caddy's directive that forwards, with options."""
    return "\n  ".join(("reverse_proxy <servers> {", *options, "}"))


def handling(**matchers: str) -> str:
    """Have Caddy forward where a matcher fits, each in the way that it names, and know nothing of the rest."""
    found = (f"{way} {matcher} {{\n  reverse_proxy <servers>\n  }}" for matcher, way in matchers.items())
    return "\n  ".join((*found, "handle {\n  respond 404\n  }"))


IDLE: Final = "test_a_connection_stays_open_while_nothing_is_said"
LONG: Final = "test_a_description_of_65536_bytes_is_forwarded"
OFFERS: Final = "test_an_offer_reaches"
SIDS: Final = "test_a_sid_is_known_everywhere"

SOCKETS: Final[Mapping[str, Wrong]] = {
    "nginx_closes_what_is_idle": Wrong(Proxy("nginx", places={"idle": "5s"}), "LOGIN-11", "proxy_read_timeout", IDLE),
    "haproxy_closes_what_is_idle": Wrong(
        Proxy("haproxy", places={"idle": "5s", "tunnel": ""}), "LOGIN-11", "timeout tunnel", IDLE
    ),
    "caddy_closes_what_is_idle": Wrong(
        Proxy("caddy", places={"pass": forwarding("transport http {", "read_timeout 5s", "}")}),
        "LOGIN-11",
        "read_timeout",
        IDLE,
    ),
    "nginx_drops_the_upgrade": Wrong(Proxy("nginx", places={"upgrade": ""}), "", "proxy_set_header Upgrade", OFFERS),
    "nginx_keeps_alive_instead_of_upgrading": Wrong(
        Proxy("nginx", places={"upgrade": 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "";'}),
        "",
        "proxy_set_header Connection upgrade",
        OFFERS,
    ),
    "haproxy_drops_the_upgrade": Wrong(
        Proxy("haproxy", "http-request del-header Upgrade"), "", "a rule takes one of these headers away", OFFERS
    ),
    "caddy_drops_the_upgrade": Wrong(
        Proxy("caddy", places={"pass": forwarding("header_up -Upgrade")}),
        "",
        "a rule takes one of these headers away",
        OFFERS,
    ),
    "nginx_takes_the_slash_away": Wrong(
        Proxy("nginx", "rewrite ^/(.+)/$ /$1 permanent;"), "", "Let /socket.io/ keep its slash", OFFERS
    ),
    "haproxy_puts_slashes_behind": Wrong(
        Proxy("haproxy", "http-request redirect code 301 prefix / append-slash if !{ path_end / }"),
        "",
        "Let /offer answer without a slash",
        OFFERS,
    ),
    "nginx_looks_for_a_file": Wrong(
        Proxy("nginx", "location /socket.io { root <folder>; try_files $uri /index.html =404; }"),
        "",
        "location /socket.io/",
        OFFERS,
    ),
    "caddy_matches_the_folder_alone": Wrong(
        Proxy("caddy", places={"pass": handling(**{"/offer*": "handle", "/socket.io": "handle"})}),
        "",
        "not without the star",
        OFFERS,
    ),
    "caddy_strips_the_path": Wrong(
        Proxy("caddy", places={"pass": handling(**{"/socket.io/*": "handle_path", "/*": "handle"})}),
        "",
        "not `handle_path`",
        OFFERS,
    ),
}
BODIES: Final[Mapping[str, Wrong]] = {
    "nginx_limits_bodies": Wrong(Proxy("nginx", places={"body": "16k"}), "HTTP-8", "client_max_body_size", LONG),
    "haproxy_limits_bodies": Wrong(
        Proxy("haproxy", "http-request deny deny_status 413 if { req.hdr_val(content-length) gt 16384 }"),
        "HTTP-8",
        "HAProxy: a rule with `deny`",
        LONG,
    ),
    "caddy_limits_bodies": Wrong(
        Proxy("caddy", "request_body {\n  max_size 16KB\n  }"), "HTTP-8", "over its `request_body` limit", LONG
    ),
    "nginx_refuses_with_a_page": Wrong(
        Proxy("nginx", places={"body": "1m"}), "HTTP-3", "error_page 413", "test_a_body_of_8_mib"
    ),
    "nginx_replaces_refusals": Wrong(
        Proxy("nginx", "proxy_intercept_errors on; error_page 400 404 405 415 /oops.html; location = /oops.html { }"),
        "HTTP-3",
        "nginx: `error_page`",
        "test_a_body_that_is_no_json_object",
    ),
    "haproxy_knows_two_methods": Wrong(
        Proxy("haproxy", "http-request deny deny_status 405 if !METH_GET !METH_POST !{ method OPTIONS }"),
        "HTTP-3",
        "HAProxy: `http-error`",
        "test_every_reply",
    ),
    "nginx_reads_json_alone": Wrong(
        Proxy("nginx", 'if ($content_type !~ "^(application/json|$)") { return 415; }'),
        "HTTP-2",
        "does not read forms",
        "test_form_bodies",
    ),
}
PAGES: Final = "test_browsers_of_another_origin or test_pages_of_an_allowed_origin_may_use"
ORIGINS: Final[Mapping[str, Wrong]] = {
    "nginx_allows_origins_too": Wrong(
        Proxy("nginx", "add_header Access-Control-Allow-Origin * always;"), "HTTP-11", "not both", PAGES
    ),
    "haproxy_allows_origins_too": Wrong(
        Proxy("haproxy", 'http-response add-header Access-Control-Allow-Origin "*"'), "HTTP-11", "not both", PAGES
    ),
    "caddy_allows_origins_too": Wrong(
        Proxy("caddy", "header Access-Control-Allow-Origin *"), "HTTP-11", "not both", PAGES
    ),
    "nginx_answers_preflights": Wrong(
        Proxy("nginx", "if ($request_method = OPTIONS) { return 204; }"), "HTTP-11", "the proxy send", PAGES
    ),
}
SEVERAL: Final[Mapping[str, Wrong]] = {
    "nginx_takes_turns": Wrong(
        Proxy("nginx"),
        "LOGIN-2",
        "several workers answer",
        "test_a_sid_is_known_everywhere or test_tabs_that_come or test_repeating or test_a_different_login",
        servers=2,
    ),
}
LIMITS: Final[Mapping[str, Wrong]] = {
    "nginx_limits_requests": Wrong(
        Proxy(
            "nginx",
            "location /ice { limit_req zone=one burst=20 nodelay; proxy_pass http://app; }",
            {"outside": "limit_req_zone $binary_remote_addr zone=one:1m rate=10r/s;"},
        ),
        "HTTP-12",
        "limit_req",
        "test_a_burst",
    ),
    "nginx_limits_connections": Wrong(
        Proxy("nginx", "limit_conn one 4;", {"outside": "limit_conn_zone $binary_remote_addr zone=one:1m;"}),
        "HTTP-12",
        "limit_conn",
        "test_an_offer_reaches or test_tabs_that_come",
    ),
    "nginx_caches_the_list": Wrong(
        Proxy(
            "nginx",
            "proxy_ignore_headers Cache-Control; proxy_cache_valid 200 10s;"
            "location /online { proxy_cache list; proxy_pass http://app; }",
            {"outside": "proxy_cache_path <folder>/cache keys_zone=list:1m;"},
        ),
        "PRES-2",
        "cache in between",
        "test_presence",
    ),
}
WRONG: Final[Mapping[str, Wrong]] = {**SOCKETS, **BODIES, **ORIGINS, **SEVERAL, **LIMITS}
"""By what each does."""
