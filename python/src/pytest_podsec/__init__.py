"""A Kubernetes API server for each test: see `pytest_podsec.server.Server` and the fixture `kubernetes`."""

from .server import NotReady, Server

__all__ = ["NotReady", "Server"]
