"""Archives whose bytes follow from what is in them: sorted, with one time and no owner."""

from __future__ import annotations

import gzip
import hashlib
import io
import pathlib
import tarfile
import zipfile
import datetime

from project import epoch

# A name, its bytes, and whether it can be run.
Member = tuple[str, bytes, bool]


def tar(members: list[Member], *, folders: bool = False) -> bytes:
    """A tar file; with `folders`, what the members lie in is a member too, as dpkg wants it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        known: set[str] = set()
        for name, content, executable in sorted(members):
            if folders:
                for parent in reversed(pathlib.PurePosixPath(name).parents):
                    if str(parent) not in known:
                        known.add(str(parent))
                        add_folder(archive, str(parent))
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(content), epoch(), 0o755 if executable else 0o644
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def add_folder(archive: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(name + "/")
    info.type, info.mtime, info.mode = tarfile.DIRTYPE, epoch(), 0o755
    archive.addfile(info)


def zipped(content: bytes) -> bytes:
    """gzip without a name and a time."""
    return gzip.compress(content, compresslevel=9, mtime=0)


def tar_gz(members: list[Member], *, folders: bool = False) -> bytes:
    return zipped(tar(members, folders=folders))


def zip_file(members: list[Member]) -> bytes:
    """A zip file; the order of the members is kept, since wheels want their record last."""
    out = io.BytesIO()
    # A zip file knows no time before 1980, and only even seconds.
    time = datetime.datetime.fromtimestamp(max(epoch(), 315_619_200), datetime.timezone.utc).timetuple()[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content, executable in members:
            info = zipfile.ZipInfo(name, time)
            info.create_system, info.compress_type = 3, zipfile.ZIP_DEFLATED
            info.external_attr = (0o100755 if executable else 0o100644) << 16
            archive.writestr(info, content)
    return out.getvalue()


def files(folder: pathlib.Path, prefix: str) -> list[Member]:
    """Every file of a folder, under a prefix."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(f"{prefix}{path.relative_to(folder).as_posix()}", path.read_bytes(), False) for path in found]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
