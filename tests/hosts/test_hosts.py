"""A part of the matrix, on hosts that are really booted; the whole of it is `make hosts`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.hosts import image, machine, matrix
from tests.hosts.trial import DEFECT, Trial
from tests.hosts.variants import MATRIX, Boot, Variant
from tests.truth import table

CHOSEN = [variant for variant in MATRIX if variant.in_tests]
BOOTS = matrix.by_boot(CHOSEN)


def name(kind: Boot) -> str:
    return kind.image.name


def obtained(what: image.Image, *, again: bool = False) -> image.Built:
    """The image; skips where it cannot be had, and fails where it should have been."""
    try:
        return image.obtain(what, again=again)
    except image.BuildFailed:
        raise
    except image.NoImage as error:
        pytest.skip(str(error))


def test_an_image_that_is_built_again_is_the_same_to_the_byte() -> None:
    what = image.IMAGES["debian-12"]
    first, second = obtained(what), obtained(what, again=True)
    assert first.packages == second.packages
    for part in ("kernel", "initrd", "disk"):
        assert digest(getattr(first, part)) == digest(getattr(second, part)), part


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.mark.parametrize("kind", BOOTS, ids=name)
def test_no_prediction_is_wrong_on_a_booted_host(kind: Boot) -> None:
    if reason := machine.obstacle():
        pytest.skip(reason)
    obtained(kind.image)
    trials: list[Trial] = []
    failures: list[str] = []

    def failed(variant: Variant, words: str) -> None:
        failures.append(f"{variant.name}: {words}")

    listener = matrix.Listener(lambda _: None, lambda _: None, trials.append, failed)
    matrix.on_host(kind, BOOTS[kind], listener)
    assert not failures
    assert [trial.variant for trial in trials] == BOOTS[kind]
    for trial in trials:
        assert trial.rows
        assert not trial.wrong, "\n".join(table.line(row) for row in trial.wrong)
        assert trial.mended != DEFECT, trial.words


def test_the_first_entry_of_grub_says_what_the_kernel_is_told() -> None:
    entry = "\tlinux\t/boot/vmlinuz-6.1.0 root=UUID=6c78632d ro {} quiet\n\tinitrd /boot/initrd\n"
    menu = f"menuentry 'Debian' {{\n{entry.format('a.b=0')}}}\nmenuentry 'old' {{\n{entry}}}\n"
    assert machine.kernel_words(menu) == "a.b=0 quiet"
    assert machine.kernel_words(menu.replace(" a.b=0 quiet", "")) == ""
    with pytest.raises(ValueError, match="no kernel"):
        machine.kernel_words("menuentry 'firmware' {\n\tfwsetup\n}\n")
