"""Who may import whom: a fact does not know the check that uses it, a check cannot look itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.files import ROOT, tracked

FOLDERS = ("audit", "checks", "remediations", "reports", "runner", "lxc_preflight")

# The lowest first: a module imports its own layer and those before it. The longest prefix decides.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("audit.records", "audit.model", "audit.errors"),
    ("audit.source",),
    # what answers questions, and what those answers mean byte by byte
    (
        "audit.verbs",
        "audit.access",
        "audit.elf",
        "audit.live",
        "audit.packages",
        "audit.probes",
        "audit.shadow",
        "audit.tree",
        "audit.untrusted",
    ),
    ("audit.host",),
    ("audit.facts",),
    ("remediations",),
    ("checks", "audit.agreement"),
    ("audit",),
    ("reports", "runner"),
    ("audit.command", "audit.cli", "lxc_preflight"),
)
RANK = {prefix: rank for rank, prefixes in enumerate(LAYERS) for prefix in prefixes}

# Upwards on purpose: --probe compares what was tried with what other checks predict.
UPWARDS = ("audit.agreement",)

# Modules that can look at a host or change it. Paths are put together with posixpath, which cannot.
EYES = {
    "os",
    "pathlib",
    "subprocess",
    "socket",
    "shutil",
    "io",
    "glob",
    "tempfile",
    "fcntl",
    "pwd",
    "grp",
}
PURE = {("audit.facts.nicsetup", "socket")}  # for inet_pton(3), which opens nothing
BLIND = (
    *("checks", "remediations", "audit.facts", "audit.engine", "audit.verdict", "audit.model"),
    *("runner.gate", "runner.plan", "runner.config", "runner.diagnosis", "runner.patterns"),
    *("runner.names", "runner.wishes", "runner.images.index"),
)


def modules() -> list[Path]:
    return [path for path in tracked(*FOLDERS) if path.suffix == ".py"]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rank(module: str) -> int | None:
    """The layer of one of our modules, None for anybody else's."""
    prefix = module
    while prefix:
        if prefix in RANK:
            return RANK[prefix]
        prefix = prefix.rpartition(".")[0]
    return None


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every imported module with its line, wherever it stands, but not type checkers' imports."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            # `from audit import engine` imports a module, `from audit.model import Fix` a name
            yield from (
                (name, node.lineno)
                for alias in node.names
                if (ROOT / (name := f"{node.module}.{alias.name}").replace(".", "/"))
                .with_suffix(".py")
                .exists()
            )
        yield from imports(node)


@pytest.mark.parametrize(
    "path", [p for p in modules() if module_of(p) not in UPWARDS], ids=module_of
)
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    own = rank(module_of(path))
    assert own is not None
    # `audit` itself holds nothing: importing from it is judged by the name that is imported.
    # The launcher holds the version, and imports nothing of ours before it is called.
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {module_of(path)} (layer {own}) imports {name}"
        for name, line in imports(ast.parse(path.read_text()))
        if name not in ("audit", "lxc_preflight")
        and (other := rank(name)) is not None
        and other > own
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "path",
    [p for p in modules() if module_of(p).startswith(BLIND)],
    ids=module_of,
)
def test_what_judges_has_nothing_to_look_with(path: Path) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for name, line in imports(ast.parse(path.read_text()))
        if name.partition(".")[0] in EYES and (module_of(path), name) not in PURE
    ]
    assert not wrong, "\n".join(wrong)


def test_the_rule_would_notice() -> None:
    assert list(imports(ast.parse("def f():\n    import os\n"))) == [("os", 2)]
    assert list(imports(ast.parse("if TYPE_CHECKING:\n    import os\n"))) == []
    assert ("audit.engine", 1) in list(imports(ast.parse("from audit import engine")))
    assert rank("checks.idmap.x") == RANK["checks"] and rank("audit.waivers") == RANK["audit"]
    assert rank("json") is None
