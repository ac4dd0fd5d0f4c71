"""Names and images, as people type them and as servers send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import UsageError
from runner.names import Image, image, near, new_name, old_name


@pytest.mark.parametrize("name", ["a", "A1", "web-1", "a" * 63, "0"])
def test_good_names(name: str) -> None:
    assert new_name(name) == name == old_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-a",
        "a-",
        "a_b",
        "a.b",
        "../x",
        "a/b",
        "a;b",
        "a b",
        ".x",
        "a" * 64,
        "ü",
        "a\n",
        "$(id)",
    ],
)
def test_bad_names(name: str) -> None:
    with pytest.raises(UsageError):
        new_name(name)


def test_a_container_that_is_there_may_have_an_odd_name() -> None:
    for name in ("a_b", "web.1", "ü", ".hid", "a;b"):
        assert old_name(name) == name
    for name in ("", "..", ".", "a/b", "-k", "a\nb", "a\0b", "x" * 256, "a\x1b[2Jb"):
        with pytest.raises(UsageError):
            old_name(name)


@given(st.text(max_size=80))
def test_no_new_name_is_a_path_or_an_option(text: str) -> None:
    try:
        name = new_name(text)
    except UsageError:
        return
    assert name.isascii() and name[0] != "-" and not set(name) & set("/. ;&#'\"$\\")


def test_images() -> None:
    assert image("Debian/bookworm", "x86_64") == ("debian", "bookworm", "amd64", "default")
    assert image("alpine/3.20/aarch64", "x86_64") == ("alpine", "3.20", "arm64", "default")
    assert str(image("gentoo/current/amd64/openrc", "")) == "gentoo/current/amd64/openrc"
    for text in ("debian", "a/b/c/d/e", "a/../b", "a//b", "a/b c", "/a/b", "a/b;c"):
        with pytest.raises(UsageError):
            image(text, "x86_64")


def test_near() -> None:
    there = [Image(*text.split("/")) for text in ("a/1/x/v", "a/1/y/v", "a/2/x/v", "b/1/x/w")]
    assert near(Image("a", "1", "x", "w"), there) == ["a/1/x/v"]
    assert near(Image("a", "1", "z", "v"), there) == ["a/1/x/v", "a/1/y/v"]
    assert near(Image("a", "3", "x", "v"), there) == ["a/1/x/v", "a/1/y/v", "a/2/x/v"]
    assert near(Image("c", "1", "x", "v"), there) == ["a", "b"]
