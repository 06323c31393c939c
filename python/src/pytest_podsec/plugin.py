"""The fixtures. A test that names `kubernetes` has an API server of its own."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from .server import Server


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "podsec(*flags): more flags of podsec serve for this test's API server")


@pytest.fixture
def kubernetes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An API server for this test alone, in memory. $PODSEC names the program; it is podsec on PATH otherwise."""
    flags = [flag for marker in request.node.iter_markers("podsec") for flag in marker.args]
    with Server(tmp_path_factory.mktemp("podsec"), flags) as server:
        yield server


@pytest.fixture
def kubeconfig(kubernetes: Server, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The path of a kubeconfig that reaches it as an administrator; KUBECONFIG names it during the test."""
    monkeypatch.setenv("KUBECONFIG", str(kubernetes.kubeconfig))
    return kubernetes.kubeconfig
