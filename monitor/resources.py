"""Where the files that are not code are: beside the package in a source checkout, inside it in a wheel."""

from importlib.resources import files
from pathlib import Path


def templates() -> Path:
    """Jinja2 templates of pages, mails and commands."""
    return _directory("templates")


def models() -> Path:
    """The example models and their configurations."""
    return _directory("models")


def migrations() -> Path:
    """Alembic's script location."""
    return _directory("alembic")


def _directory(name: str) -> Path:
    package = Path(str(files("monitor")))
    installed = package / "_data" / name
    return installed if installed.is_dir() else package.parent / name
