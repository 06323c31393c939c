"""Installs every artifact of target/dist in a clean folder and judges the tutorial with it; says what it ran and what not.

    python3 tools/dist/test [FOLDER]
"""

from __future__ import annotations

import pathlib
import sys
import tempfile

import formats
import installs
from case import NotHere

ROOT = pathlib.Path(__file__).resolve().parents[3]


def main() -> int:
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/dist").resolve()
    failed = 0
    for case in [*installs.CASES, *formats.CASES]:
        name = case.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory() as room:
            try:
                said = case(folder, pathlib.Path(room))
                print(f"ran      {name}{': ' + said if said else ''}")
            except NotHere as missing:
                print(f"not run  {name}: for want of {missing}")
            except Exception as error:
                failed += 1
                print(f"FAILED   {name}: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
