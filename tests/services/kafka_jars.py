"""The jars of Apache Kafka, fetched once with Maven into the user's cache. Standard library only.

``python tests/services/kafka_jars.py`` fetches them ahead of the first test run and prints where they are;
with ``--cached`` it only looks.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

_POM = Path(__file__).with_name("kafka-pom.xml")
_MAVEN = {"m": "http://maven.apache.org/POM/4.0.0"}


def version() -> str:
    found = ElementTree.parse(_POM).findtext(
        ".//m:dependency[m:artifactId='kafka_2.13']/m:version", None, _MAVEN
    )
    assert found, f"{_POM} names no version of Kafka"
    return found


def place() -> Path:
    """The directory for the jars, whether it exists or not."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "choreoscope", f"kafka-{version()}")


def jars() -> Path:
    """The directory that holds the jars, filled if need be; ``OSError`` says why it cannot be."""
    directory = place()
    if directory.is_dir():
        return directory
    maven = shutil.which("mvn")
    if maven is None:
        raise OSError(
            f"Maven (mvn) is not installed and {directory} does not exist; run scripts/setup-services"
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            _fetch(maven, directory)
    return directory


def _fetch(maven: str, directory: Path) -> None:
    partial = directory.with_name(f"{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    done = subprocess.run(
        [maven, "-B", "-q", "-f", str(_POM), goal, f"-DoutputDirectory={partial}", "-DincludeScope=runtime"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OSError(f"Maven could not fetch the jars of Apache Kafka:\n{done.stdout[-3000:]}")
    partial.rename(directory)


if __name__ == "__main__":
    if "--cached" in sys.argv and not place().is_dir():
        sys.exit(f"{place()} does not exist")
    try:
        print(jars())
    except OSError as problem:
        sys.exit(str(problem))
