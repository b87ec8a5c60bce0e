"""What a container of dhq-auth looks like from inside: run there, by its own interpreter."""

import errno
import os
import subprocess
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

USER = 10001
STANDARD_LIBRARY = str(Path(os.__file__).parent)
SHELLS = ("/bin/sh", "/bin/bash")
PLACES = ("/", "/etc", "/tmp", "/var/tmp", "/run", "/opt/dhq-auth/bin", STANDARD_LIBRARY)  # noqa: S108 - that they cannot be written is the point
NOT_TO_RUN = ("pip", "setuptools", "wheel", "ensurepip")
COMPILERS = ("cc", "gcc", "c++", "g++", "clang", "cargo", "make")


def expect(what: str, *, found: object, wanted: object) -> None:
    """Say *what* is as wanted, or end with what was found."""
    if found != wanted:
        sys.exit(f"{what}: found {found!r}, wanted {wanted!r}")
    print(f"inside: {what}")


def status(name: str) -> str:
    """Return a line of the status of process 1, as the kernel tells it."""
    lines = Path("/proc/1/status").read_text(encoding="ascii").splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith(f"{name}:"))


def refusal(place: str) -> int | None:
    """Return the error of writing into *place*."""
    try:
        Path(place, "written").write_bytes(b"")
    except OSError as error:
        return error.errno
    return None


def runs(shell: str) -> bool:
    """Whether *shell* can be run."""
    try:
        subprocess.run([shell, "-c", "true"], check=False)
    except OSError:
        return False
    return True


def has_bytecode(name: str) -> bool:
    """Whether *name* is not compiled anew at each start."""
    spec = find_spec(name)
    return spec is not None and spec.cached is not None and Path(spec.cached).exists()


command = Path("/proc/1/cmdline").read_bytes().split(b"\0")
expect(
    "process 1 is dhq-auth itself",
    found=command[1:3],
    wanted=[b"/opt/dhq-auth/bin/dhq-auth", b"serve"],
)
expect(f"it runs as user {USER}", found=status("Uid").split(), wanted=[str(USER)] * 4)
expect(
    "it has no capability",
    found=(int(status("CapEff"), 16), int(status("CapBnd"), 16)),
    wanted=(0, 0),
)
expect("it can get no privileges", found=status("NoNewPrivs"), wanted="1")
for place in PLACES:
    expect(f"{place} cannot be written", found=refusal(place), wanted=errno.EROFS)
data = sorted(path.name for path in Path("/data").iterdir())
expect("the database is in /data", found="dhq-auth.db" in data, wanted=True)
modes = {oct(Path("/data", name).stat().st_mode & 0o077) for name in data}
expect("nobody else can read what is in /data", found=modes, wanted={"0o0"})
expect(
    "there is no shell that runs, and none was needed",
    found=[s for s in SHELLS if runs(s)],
    wanted=[],
)
names = {each.metadata["Name"].lower() for each in distributions()}
found = [each for each in NOT_TO_RUN if each in names or find_spec(each)]
expect("there is no pip, nor what builds packages", found=found, wanted=[])
folders = os.environ["PATH"].split(":")
found = [name for name in COMPILERS for folder in folders if Path(folder, name).exists()]
expect("there is no compiler", found=found, wanted=[])
found = [name for name in ("asyncio", "json", "aiohttp", "dhq_auth.app") if not has_bytecode(name)]
expect("bytecode is there: the library's, the packages', ours", found=found, wanted=[])
