"""What people install: the wheel holds all that the program needs, and finds it there."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path

import pytest

import monitor
from monitor import resources

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    target = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target), cwd=ROOT)
    (built,) = target.glob("*.whl")
    with zipfile.ZipFile(built) as opened:
        yield opened


@pytest.mark.parametrize(
    ("directory", "place"),
    [
        ("monitor", "monitor"),
        ("templates", "monitor/_data/templates"),
        ("models", "monitor/_data/models"),
        ("alembic", "monitor/_data/alembic"),
    ],
)
def test_every_file_is_in_the_wheel(wheel: zipfile.ZipFile, directory: str, place: str) -> None:
    expected = {f"{place}/{path.relative_to(ROOT / directory).as_posix()}" for path in files(directory)}
    assert expected
    assert expected <= set(wheel.namelist())


def test_nothing_else_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"monitor", f"choreoscope-{monitor.__version__}.dist-info"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name or name.endswith(".pyc")]


def test_the_dashboard_has_its_static_files(wheel: zipfile.ZipFile) -> None:
    assert [name for name in wheel.namelist() if name.startswith("monitor/dashboard/static/")]


def test_the_metadata_say_what_the_package_says(wheel: zipfile.ZipFile) -> None:
    information = f"choreoscope-{monitor.__version__}.dist-info"
    metadata = message_from_string(wheel.read(f"{information}/METADATA").decode())
    assert metadata["Version"] == monitor.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert "choreoscope = monitor.cli:main" in wheel.read(f"{information}/entry_points.txt").decode()
    assert f"{information}/licenses/LICENSE" in wheel.namelist()


def test_an_installed_package_finds_its_own_files(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from monitor import resources\n"
        "print(resources.templates(), resources.models(), resources.migrations(), sep='\\n')"
    )
    told = run(sys.executable, "-c", program, cwd=tmp_path).splitlines()
    data = tmp_path / "monitor" / "_data"
    assert told == [str(data / name) for name in ("templates", "models", "alembic")]
    assert all(Path(path).is_dir() for path in told)


def test_a_checkout_finds_its_own_files() -> None:
    assert resources.templates() == ROOT / "templates"
    assert resources.models() == ROOT / "models"
    assert resources.migrations() == ROOT / "alembic"


def test_the_migrations_do_not_hide_the_library() -> None:
    # As a package, this directory would be imported for the library of the same name.
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_the_oracle_stands_apart() -> None:
    """Its licence asks what ours does not: it is neither shipped nor installed for development."""
    for lock in ("requirements.lock", "requirements-dev.lock", "requirements-build.lock"):
        assert "pm4py" not in (ROOT / lock).read_text()
    assert not [path for path in files("monitor") if "pm4py" in path.read_text(errors="replace")]


def files(directory: str) -> Iterator[Path]:
    for path in (ROOT / directory).rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            yield path


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
