"""Commands and URLs of `notify`: what is one, what of it is shown, and a POST to servers of every kind."""

from __future__ import annotations

import base64
import socket
import time

import pytest
from hooks import hook
from hypothesis import given
from hypothesis import strategies as st

from genarris_fw import webhooks
from genarris_fw.webhooks import NotPosted, is_url, post, target_shown, why_no_target

SECRET = "T0/B0/s3cr3t"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PAUSES", (0.0, 0.0))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (f"https://hooks.example.org/services/{SECRET}", "https://hooks.example.org/..."),
        ("HTTP://user:pa55@host:8080/x?token=1#y", "http://host:8080/..."),
        ("http://[::1]:90/x", "http://[::1]:90/..."),
        ("./tell.sh", "./tell.sh"),
        ("curl -H 'Authorization: Bearer s3cr3t' https://x/s3cr3t", "curl ..."),
        ("'/my programs/tell' s3cr3t", "/my programs/tell ..."),
    ],
)
def test_what_is_shown_holds_no_secret(target: str, shown: str) -> None:
    assert why_no_target(target) == ""
    assert target_shown(target) == shown


@pytest.mark.parametrize(
    "target",
    [
        "ftp://host/x", "file:///etc/passwd", "mongodb://u:s3cr3t@h/", "https://", "https:///s3cr3t",
        "https://host:99999/s3cr3t", "https://host:0/x", "https://host/a s3cr3t", "https://höst/x", "https://[::1/x",
        "mail -s 'no end", '"', "''", "javascript://host/%0aalert",
    ],
)  # fmt: skip
def test_what_is_neither_is_refused_without_its_words(target: str) -> None:
    why = why_no_target(target)
    assert why and "s3cr3t" not in why


@given(st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable()))
def test_any_text_is_one_or_the_other_or_refused(text: str) -> None:
    text = text.strip()
    if not why_no_target(text):
        assert target_shown(text)
        assert is_url(text) == ("://" in text.split()[0])


def test_one_post_of_json() -> None:
    with hook() as server:
        post(f"http://ada:p%40ss@{server.address}/{SECRET}?a=b#c", {"run": "urea", "text": "mürbe"})
    [got] = server.got
    assert (got["method"], got["path"], got["body"]) == ("POST", f"/{SECRET}?a=b", {"run": "urea", "text": "mürbe"})
    assert got["headers"]["Content-Type"] == "application/json"
    assert got["headers"]["Authorization"] == "Basic " + base64.b64encode(b"ada:p@ss").decode()
    assert got["headers"]["Host"] == server.address


@pytest.mark.parametrize(
    ("answers", "posts", "why"),
    [
        ((200,), 1, ""),
        ((503, 429, 202), 3, ""),
        ((500,), 3, "500"),
        ((403, 200), 1, "403"),
        ((299,), 1, ""),
        ((599, 204), 2, ""),
    ],
)
def test_another_try_where_that_may_help(answers: tuple[int, ...], posts: int, why: str) -> None:
    with hook(*answers) as server:
        url = f"http://{server.address}/{SECRET}"
        if why:
            with pytest.raises(NotPosted, match=why) as raised:
                post(url, {"text": "x"})
            assert SECRET not in str(raised.value)
        else:
            post(url, {"text": "x"})
    assert len(server.got) == posts


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_it_is_posted_to_no_other(code: int) -> None:
    with (
        hook() as other,
        hook(code, location=f"http://{other.address}/elsewhere") as server,
        pytest.raises(NotPosted, match=str(code)),
    ):
        post(f"http://u:p@{server.address}/{SECRET}", {"text": "x"})
    assert len(server.got) == 1 and other.got == []


@pytest.mark.parametrize(
    ("drips", "why"), [(False, "no answer within|not reached|no proper"), (True, "no answer within")]
)
def test_a_server_that_hangs_is_not_waited_for(drips: bool, why: str) -> None:
    """It never answers, or its answer never ends; that of a run that posts hangs no longer than the three tries."""
    with hook(speaks=False, drips=drips) as server:
        begun = time.monotonic()
        with pytest.raises(NotPosted, match=why) as raised:
            post(f"http://{server.address}/{SECRET}", {"text": "x"}, seconds=0.4)
        assert time.monotonic() - begun >= 3 * 0.4 - 0.1
        assert SECRET not in str(raised.value)
    assert len(server.got) == 3


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/{SECRET}", f"https://no-such-host.invalid/{SECRET}"):
        with pytest.raises(NotPosted, match="not reached") as raised:
            post(url, {"text": "x"}, seconds=5)
        assert SECRET not in str(raised.value)


def test_a_server_that_speaks_no_http() -> None:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(3):
                with server.accept()[0] as line:
                    line.recv(65536)
                    line.sendall(b"220 mail.example.org ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(NotPosted) as raised:
            post(f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}", {"text": "x"}, seconds=5)
        thread.join()
    assert SECRET not in str(raised.value)
