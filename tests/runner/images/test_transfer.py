"""Every way in which a transfer fails, against a real TLS server, and the one reason it gives."""

from __future__ import annotations

import hashlib
import socket
import time
from pathlib import Path

import pytest

from audit.errors import UsageError
from runner.errors import Failed, TimedOut
from runner.images.kinds import Server, server
from runner.images.transfer import Client, NotThere
from tests.runner.images.conftest import Site

INDEX = "meta/1.0/index-user"


def rootfs(site: Site) -> tuple[str, bytes]:
    """The path on the server and the content of the one image's root file system."""
    path = next(site.tree.www.glob("images/busybox/*/*/*/*/rootfs.tar.xz"))
    return str(path.relative_to(site.tree.www)), path.read_bytes()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_arrives_is_what_is_there(site: Site, tmp_path: Path) -> None:
    assert site.client().text(INDEX, 1000).startswith("busybox;1;amd64;default;")
    path, data = rootfs(site)
    steps: list[tuple[int, int | None]] = []
    site.client().file(path, str(tmp_path / "r"), sha(data), lambda *step: steps.append(step))
    assert (tmp_path / "r").read_bytes() == data
    assert steps[-1] == (len(data), len(data))
    assert not (tmp_path / "r.part").exists()


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ("expired", "its certificate has expired"),
        ("future", "not valid yet: is this host's clock right?"),
        ("wronghost", "its certificate is for another host"),
        ("unknown", "an unknown CA signed its certificate"),
    ],
)
def test_a_certificate_that_proves_nothing_is_named(site: Site, identity: str, words: str) -> None:
    with pytest.raises(Failed, match=r"localhost:[0-9]+ is not trusted") as caught:
        site.client(identity).text(INDEX, 1000)
    assert words in str(caught.value)


def test_plain_http_where_tls_belongs(site: Site) -> None:
    base = f"https://localhost:{site.served.ports['plain']}"
    client = Client(Server(base, site.ca), time.monotonic() + 5)
    with pytest.raises(Failed, match="does not speak TLS"):
        client.text(INDEX, 1000)


def test_nobody_listens_and_nobody_has_the_name(site: Site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for base, words in (
        (f"https://127.0.0.1:{port}", "refuses the connection: nothing listens there"),
        ("https://no-such-host.invalid", "the name no-such-host.invalid cannot be resolved"),
    ):
        with pytest.raises(Failed, match=words):
            Client(Server(base), time.monotonic() + 20).text(INDEX, 1000)


@pytest.mark.parametrize(("status", "kind"), [(404, NotThere), (403, Failed), (503, Failed)])
def test_an_http_error_has_its_number(site: Site, status: int, kind: type[Failed]) -> None:
    site.tree.faults({INDEX: {"status": status}})
    with pytest.raises(kind, match=f"HTTP {status}"):
        site.client().text(INDEX, 1000)


def test_a_server_that_says_nothing(site: Site) -> None:
    site.tree.faults({INDEX: {"hang": 3}})
    began = time.monotonic()
    with pytest.raises(Failed, match="did not answer within 0 s"):
        site.client(stall=0.3).text(INDEX, 1000)
    assert time.monotonic() - began < 2


def test_a_slow_server_meets_the_deadline(site: Site, tmp_path: Path) -> None:
    path, data = rootfs(site)
    site.tree.faults({"rootfs": {"rate": 100_000}})
    with pytest.raises(TimedOut, match="no time left"):
        site.client(seconds=0.7).file(path, str(tmp_path / "r"), sha(data))


def test_a_broken_connection_is_gone_on_from(site: Site, tmp_path: Path) -> None:
    """Each try brings half of what is missing; the second and third ask for the rest alone."""
    path, data = rootfs(site)
    (site.tree.top / "times").unlink(missing_ok=True)
    site.tree.faults({"rootfs": {"cut": 0.5, "times": 2}})
    site.client().file(path, str(tmp_path / "r"), sha(data))
    assert (tmp_path / "r").read_bytes() == data
    assert site.tree.requests("rootfs.tar.xz bytes=") == 2
    assert site.tree.requests("rootfs.tar.xz") == 3


def test_a_connection_that_always_breaks_leaves_a_part(site: Site, tmp_path: Path) -> None:
    path, data = rootfs(site)
    site.tree.faults({"rootfs": {"cut": 0.2}})
    with pytest.raises(Failed, match=r"ended after \d+ of \d+ bytes"):
        site.client().file(path, str(tmp_path / "r"), sha(data))
    assert not (tmp_path / "r").exists()
    part = (tmp_path / "r.part").read_bytes()
    assert data.startswith(part) and len(part) > len(data) // 2
    site.tree.faults({})
    site.tree.forget()
    site.client().file(path, str(tmp_path / "r"), sha(data))  # and the next run goes on
    assert site.tree.requests(f"bytes={len(part)}-") == 1


def test_a_server_without_ranges_sends_all_again(site: Site, tmp_path: Path) -> None:
    path, data = rootfs(site)
    (tmp_path / "r.part").write_bytes(data[:1000])
    site.tree.faults({"rootfs": {"no_range": True}})
    site.client().file(path, str(tmp_path / "r"), sha(data))
    assert (tmp_path / "r").read_bytes() == data


def test_a_part_that_is_whole_is_only_verified(site: Site, tmp_path: Path) -> None:
    path, data = rootfs(site)
    (tmp_path / "r.part").write_bytes(data)
    site.client().file(path, str(tmp_path / "r"), sha(data))
    assert (tmp_path / "r").read_bytes() == data


@pytest.mark.parametrize("fault", [{"corrupt": True}, {"short": 0.5}, {"html": "<html>log in"}])
def test_what_is_not_what_was_promised_is_thrown_away(
    site: Site, tmp_path: Path, fault: dict[str, object]
) -> None:
    path, data = rootfs(site)
    site.tree.faults({"rootfs": fault})
    with pytest.raises(Failed, match=r"sha256 is .* was promised"):
        site.client().file(path, str(tmp_path / "r"), sha(data))
    assert list(tmp_path.glob("r*")) == []


def test_a_mirror_is_followed_but_never_to_http(site: Site) -> None:
    good, plain = site.served.ports["good"], site.served.ports["plain"]
    site.tree.faults({"old": {"redirect": f"https://localhost:{good}/{INDEX}"}})
    assert site.client().text("old", 1000).startswith("busybox;")
    site.tree.faults({"old": {"redirect": f"http://localhost:{plain}/{INDEX}"}})
    with pytest.raises(Failed, match="which is not https"):
        site.client().text("old", 1000)


def test_too_much_is_not_taken(site: Site) -> None:
    with pytest.raises(Failed, match="more than 10 bytes"):
        site.client().text(INDEX, 10)


def test_a_proxy_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    client = Client(Server("https://example.invalid"), time.monotonic() + 5)
    with pytest.raises(Failed, match="refuses the connection"):
        client.text(INDEX, 1000)


def test_insecure_believes_everybody_and_allows_http(site: Site) -> None:
    for identity, scheme in (("unknown", "https"), ("expired", "https"), ("plain", "http")):
        base = f"{scheme}://localhost:{site.served.ports[identity]}"
        client = Client(server(base, None, True), time.monotonic() + 5)
        assert client.text(INDEX, 1000).startswith("busybox;")


def test_server_options() -> None:
    assert server("h:8443/mirror/", None, False).base == "https://h:8443/mirror"
    for text in ("http://h", "ftp://h", "https://", "https://u:p@h", "https://h?x"):
        with pytest.raises(UsageError):
            server(text, None, False)
    with pytest.raises(UsageError, match="no such file"):
        server("h", "/no/such/ca.pem", False)


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(UsageError, match="no usable certificate"):
        Client(Server("https://h", str(tmp_path / "ca.pem")), time.monotonic())
