"""`podsec serve` in a folder of its own, in memory, on any free port."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time
from collections.abc import Sequence


class NotReady(Exception):
    """The server did not become ready; the message ends with its log."""


class Server:
    """A server that runs between `start` and `stop`, or within `with`."""

    def __init__(self, folder: pathlib.Path, flags: Sequence[str] = (), program: str | None = None) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        """Reaches the server as its administrator, once it is ready."""
        self._log = folder / "podsec.log"
        program = program or os.environ.get("PODSEC", "podsec")
        own = ["--in-memory", "--secure-port=0", f"--kubeconfig-out={self.kubeconfig}"]
        self._command = [program, "serve", *own, *flags]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout: float = 30) -> Server:
        """Starts the server and waits until it has written its kubeconfig, which it does when it is ready."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + timeout
        while not self.kubeconfig.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise NotReady(f"{' '.join(self._command)}: not ready\n{self._log.read_text(errors='replace')}")
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Ends the server; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
