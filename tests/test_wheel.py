"""What is installed by `pip install` of the built wheel is all there, and works."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]
PACKAGES = ("dhq_auth", "providers", "extensions")


def run(*command: str | Path, **environ: str) -> str:
    ended = subprocess.run(  # noqa: S603 - programs of the virtual environment
        command, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", source, source)
    (built,) = source.glob("*.whl")
    return built


def test_every_file_of_the_packages_is_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == files


def test_its_command_migrates_a_database(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, *("-m", "pip", "install", "--no-deps", "--target"), tmp_path, wheel)
    told = run(
        *(tmp_path / "bin" / "dhq-auth", "db", "upgrade", "--json"),
        PYTHONPATH=str(tmp_path),
        DATABASE_URL=f"sqlite:///{tmp_path}/dhq-auth.db",
    )
    assert json.loads(told)["changed"] is True
