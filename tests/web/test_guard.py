"""Who may look, and what browsers are told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from explored import explorer

from genarris_fw.catalogue import Catalogue
from genarris_fw.errors import InputError

guard = pytest.importorskip("genarris_fw.web.guard", reason="the extra [web] is not installed", exc_type=ImportError)

if TYPE_CHECKING:
    import httpx
    from starlette.testclient import TestClient

TOKEN = "correct-horse-battery-staple"


@pytest.fixture
def guarded_client(catalogue: Catalogue) -> Iterator[TestClient]:
    with explorer(catalogue, "http://node1:8600", token=TOKEN) as found:
        yield found


def cookie_of(answer: httpx.Response) -> str:
    return answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "path", ["/", "/api/about", "/api/run?run=urea", "/static/x.js", "/chemiscope.min.js", "/none"]
)
def test_nobody_without_the_token(guarded_client: TestClient, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "genarris_fw_00000000=x"}):
        answer = guarded_client.get(path, headers=headers)
        assert answer.status_code == 401 and TOKEN not in answer.text
        assert "genarris-fw web printed" in answer.json()["detail"]
    page = guarded_client.get(path, headers={"Accept": "text/html,*/*"})
    assert page.status_code == 401 and page.text.startswith("<!doctype html>")


def test_the_token_in_a_header(guarded_client: TestClient) -> None:
    assert guarded_client.get("/api/about", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for wrong in (TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "", "ü", "Bearer " + TOKEN):
        value = f"Bearer {wrong}".encode()
        assert guarded_client.get("/api/about", headers={"Authorization": value}).status_code == 401


def test_an_address_with_the_token_leads_to_one_without(guarded_client: TestClient) -> None:
    answer = guarded_client.get(f"/?run=urea&token={TOKEN}&pool=a%26b")
    assert answer.status_code == 303 and answer.headers["Location"] == "/?run=urea&pool=a%26b"
    assert "HttpOnly" in cookie_of(answer) and "samesite=lax" in cookie_of(answer).lower()
    assert guarded_client.get("/api/about").status_code == 200  # the cookie is kept
    guarded_client.cookies.clear()
    wrong = guarded_client.get("/?token=wrong")
    assert wrong.status_code == 401 and "Set-Cookie" not in wrong.headers


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "///evil.example/x"])
def test_it_leads_nowhere_else(guarded_client: TestClient, path: str) -> None:
    answer = guarded_client.get(f"http://node1:8600{path}?token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/") and answer.headers["Location"][1] not in "/\\"


def test_servers_beside_each_other_have_cookies_of_their_own(catalogue: Catalogue) -> None:
    names = set()
    for token in (TOKEN, guard.new_token()):
        with explorer(catalogue, token=token) as client:
            names.add(cookie_of(client.get(f"/?token={token}")).partition("=")[0])
    assert len(names) == 2


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8600", "127.0.0.1.evil.example", "", "[::2]:8600"])
def test_a_name_that_leads_here_is_not_this_machine(client: TestClient, host: str) -> None:
    """A page of another name could have this machine's address (DNS rebinding)."""
    assert client.get("/api/about", headers={"Host": host}).status_code == 421
    for own in ("localhost:8600", "127.0.0.1", "[::1]:8600"):
        assert client.get("/api/about", headers={"Host": own}).status_code == 200


def test_what_browsers_are_told(client: TestClient, guarded_client: TestClient) -> None:
    answers = [client.get("/"), client.get("/api/about"), client.get("/none"), guarded_client.get("/")]
    answers += [client.get("/api/pool?run=x&pool=y"), client.get("/api/about", headers={"Origin": "http://evil"})]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe-eval" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", "%00", "a" * 5000, "..\\app.py", ""]
)
def test_paths_out_of_the_page(client: TestClient, path: str) -> None:
    answer = client.get(f"/static/{path}")
    assert answer.status_code == 404 and "import" not in answer.text and "root:" not in answer.text


def test_token_files(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for content, words in (
        ("short", "at least 16"),
        ("has a space in it, long", "without spaces"),
        ("ü" * 30, "letters"),
    ):
        file.write_text(content)
        with pytest.raises(InputError, match=words) as refused:
            guard.read_token(file)
        assert content not in str(refused.value)
    with pytest.raises(InputError, match="cannot be read"):
        guard.read_token(tmp_path / "none")
    file.write_text(f"{TOKEN}\n")
    assert guard.read_token(file) == TOKEN


def test_no_token_is_logged(guarded_client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="genarris_fw")
    guarded_client.get(f"/?token={TOKEN}")
    guarded_client.get("/?token=a-wrong-one")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("genarris_fw")]
    assert not [line for line in ours if TOKEN in line or "a-wrong-one" in line]


def test_hosts() -> None:
    assert all(map(guard.is_loopback, ["127.0.0.1", "localhost", "::1", "127.0.0.53"]))
    assert not any(map(guard.is_loopback, ["0.0.0.0", "", "::", "192.168.1.2", "node1", "127.evil.example"]))
