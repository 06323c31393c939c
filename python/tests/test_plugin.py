"""The plugin as a test uses it: `PODSEC=target/debug/podsec pytest python`."""

import base64
import json
import os
import pathlib
import re
import ssl
import urllib.error
import urllib.request

import pytest
from pytest_podsec import NotReady, Server


def ask(kubeconfig: pathlib.Path, path: str, body: object = None) -> dict:
    """Sends a request as the kubeconfig's user."""
    text = kubeconfig.read_text()
    field = lambda name: re.search(rf"{name}: (\S+)", text)[1]  # noqa: E731
    context = ssl.create_default_context(cadata=base64.b64decode(field("certificate-authority-data")).decode())
    headers = {"Authorization": f"Bearer {field('token')}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(field("server") + path, data, headers)
    with urllib.request.urlopen(request, context=context) as answer:
        return json.load(answer)


def names(kubeconfig: pathlib.Path) -> list[str]:
    return [item["metadata"]["name"] for item in ask(kubeconfig, "/api/v1/namespaces")["items"]]


@pytest.mark.parametrize("name", ["one", "other"])
def test_each_test_has_a_server_of_its_own(kubeconfig: pathlib.Path, name: str) -> None:
    assert os.environ["KUBECONFIG"] == str(kubeconfig)
    assert names(kubeconfig) == ["default", "kube-node-lease", "kube-public", "kube-system"]
    ask(kubeconfig, "/api/v1/namespaces", {"metadata": {"name": name}})
    assert name in names(kubeconfig)


@pytest.mark.podsec("--disable-admission-plugins=PodSecurity,ServiceAccount")
def test_flags_of_the_server_are_given_by_a_marker(kubeconfig: pathlib.Path) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    ask(kubeconfig, "/api/v1/namespaces", {"metadata": {"name": "n", "labels": labels}})
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    assert ask(kubeconfig, "/api/v1/namespaces/n/pods", pod)["metadata"]["name"] == "p"


def test_a_pod_that_pod_security_refuses_is_refused(kubeconfig: pathlib.Path) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    ask(kubeconfig, "/api/v1/namespaces", {"metadata": {"name": "n", "labels": labels}})
    pod = {"metadata": {"name": "p"}, "spec": {"hostPID": True, "containers": [{"name": "c", "image": "i"}]}}
    with pytest.raises(urllib.error.HTTPError) as refusal:
        ask(kubeconfig, "/api/v1/namespaces/n/pods", pod)
    assert refusal.value.code == 403


def test_a_server_that_cannot_start_says_why(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NotReady, match="no-such-flag"):
        Server(tmp_path, ["--no-such-flag"]).start()
