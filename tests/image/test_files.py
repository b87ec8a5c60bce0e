"""What the files of the image say, checked without an engine."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from dhq_auth.settings import from_environ
from tests.settings.test_variables import NAMES

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
STAGES = re.split(r"^FROM .*\n", INSTRUCTIONS, flags=re.MULTILINE)
LAST = STAGES[-1]
PUBLIC_URL = "postgresql://dhq_auth:password@database/dhq_auth"


def values(instruction: str, text: str = INSTRUCTIONS) -> list[str]:
    return re.findall(rf"^{instruction} (.*)$", text, flags=re.MULTILINE)


def copied() -> set[str]:
    """Return what the Dockerfile takes from the project."""
    lines = [line.split()[:-1] for line in values("COPY") if not line.startswith("--from")]
    return {source for line in lines for source in line}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def service(compose):
    return compose["services"]["dhq-auth"]


def test_hadolint_finds_nothing():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(  # noqa: S603
        [hadolint, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_what_is_copied_is_there():
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_what_is_copied_is_all_that_the_package_is_made_of():
    assert {"requirements.lock", "pyproject.toml", "README.md", "LICENSE"} <= copied()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"examples", "tests"}
    assert packages <= copied()


def test_a_build_sees_what_is_copied_and_nothing_else():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied()
    # Rules after the exceptions take away again what must not come along inside of them.
    assert set(rules[-3:]) == {"**/__pycache__", "**/*.py[cod]", "**/.*"}


def test_process_1_is_the_program_and_not_a_shell():
    assert values("ENTRYPOINT", LAST) == ['["/opt/dhq-auth/bin/dhq-auth"]']
    assert values("CMD", LAST) == ['["serve"]']
    (check,) = values("HEALTHCHECK", LAST)
    assert check.endswith('CMD ["/opt/dhq-auth/bin/dhq-auth", "healthcheck"]')


def test_the_user_is_a_fixed_number():
    """With a name, Kubernetes' runAsNonRoot refuses the image."""
    assert values("USER", LAST) == ["10001:10001"]


def test_the_database_is_in_the_volume_without_any_setting():
    (folder,), (volume,) = values("WORKDIR", LAST), values("VOLUME", LAST)
    url = urlsplit(from_environ({}).database_url.value)
    assert volume == f'["{Path(folder, url.path[1:]).parent}"]'


def test_the_image_sets_no_setting_that_could_come_as_a_file():
    """Both are refused: `X` of the image beside `X_FILE` of the operator."""
    (line,) = values("ENV", LAST)
    names = set(re.findall(r"([A-Z_]+)=", line))
    assert names & NAMES == {"HOST", "PORT"}


def test_the_settings_of_the_composition_exist_and_can_be_read(service, tmp_path):
    environ = {name: default(value) for name, value in service["environment"].items()}
    for name in ("DATABASE_URL_FILE", "SECRET_KEY_FILE"):
        path = tmp_path / name
        path.write_text(PUBLIC_URL if name.startswith("DATABASE") else "x" * 32, encoding="utf-8")
        environ[name] = str(path)
    environ["EXTERNAL_ADDRESS"] = "https://login.example.com"
    settings = from_environ(environ)
    assert settings.warnings == ()
    assert settings.database_url.value == PUBLIC_URL
    assert {name.removesuffix("_FILE") for name in environ} <= NAMES


def default(value: str) -> str:
    """Return what `${NAME:-default}` is where NAME is unset."""
    return re.sub(r"\$\{[A-Z_]+:-(.*)\}", r"\1", value)


def test_every_secret_is_a_file_that_is_handed_to_whoever_reads_it(compose):
    for service in compose["services"].values():
        assert (
            not {"DATABASE_URL", "SECRET_KEY", "POSTGRES_PASSWORD"} & service["environment"].keys()
        )
        files = [v for k, v in service["environment"].items() if k.endswith("_FILE")]
        assert sorted(files) == sorted(f"/run/secrets/{each}" for each in service["secrets"])
    given = {each for service in compose["services"].values() for each in service["secrets"]}
    assert given == compose["secrets"].keys()
    assert {each["file"] for each in compose["secrets"].values()} == {
        f"./secrets/{name}" for name in given
    }


def test_secrets_are_not_for_git():
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_every_service_is_hardened(compose):
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_database_is_reached_by_the_service_alone(compose):
    database = compose["services"]["database"]
    assert "ports" not in database
    assert [compose["networks"][name] for name in database["networks"]] == [{"internal": True}]
    assert compose["services"]["dhq-auth"]["ports"] == ["127.0.0.1:8000:8000"]
    assert compose["services"]["dhq-auth"]["depends_on"] == {
        "database": {"condition": "service_healthy"}
    }
    assert "healthcheck" in database


def test_requests_in_flight_have_their_time_before_the_kill(service):
    limit = from_environ({}).limits.shutdown_timeout
    assert int(service["stop_grace_period"].removesuffix("s")) > limit + 5


def test_the_documentation_makes_every_secret(compose):
    page = (ROOT / "docs" / "container.md").read_text(encoding="utf-8")
    assert {name for name in compose["secrets"] if f"> secrets/{name}" in page} == set(
        compose["secrets"]
    )
