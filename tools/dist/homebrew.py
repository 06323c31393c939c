"""podsec.rb: the formula with which `brew install` finds the binaries."""

from __future__ import annotations

import archive
from project import LICENCE, NAME, Build, version

CPUS = {"amd64": "intel", "arm64": "arm"}


def make(archives: list[tuple[Build, str, bytes]], url: str) -> tuple[str, bytes]:
    text = f"""class Podsec < Formula
  desc "Kubernetes Pod Security as one binary"
  homepage "{url.split("/releases/")[0]}"
  version "{version()}"
  license "{LICENCE}"

"""
    for build, name, content in archives:
        system, architecture = build.target.go
        text += f"""  on_{system} do
    on_{CPUS[architecture]} do
      url "{url}/{name}"
      sha256 "{archive.sha256(content)}"
    end
  end

"""
    text += f"""  def install
    bin.install "{NAME}"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/podsec.bash" => "podsec"
    zsh_completion.install "completions/_podsec"
    fish_completion.install "completions/podsec.fish"
  end

  test do
    (testpath/"pod.yaml").write("apiVersion: v1\\nkind: Pod\\nmetadata: {{name: a}}\\nspec: {{hostPID: true, containers: []}}\\n")
    assert_match "hostPID", shell_output("#{{bin}}/{NAME} check --level baseline pod.yaml", 1)
  end
end
"""
    return f"{NAME}.rb", text.encode()
