"""An environment for the original, DeepConsensus 1.2.0 for processors without GPU.

    python benchmarks/original/make.py ENV_DIR

needs Python 3.8, as ``python3.8`` on the PATH or with pyenv; without one nothing is made and the exit status is 77. It
takes 2 GB and about a minute. ``check.py`` beside this file says whether what was made gives the known reads.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
"""Exit status of what cannot run here, as Automake's test drivers have it."""

PYTHON = "3.8"
"""The newest that TensorFlow 2.9.1 of Intel and the packages around it were all built for."""

HERE = Path(__file__).resolve().parent


class NoPythonError(Exception):
    """There is no interpreter that the original runs on."""


def find_python() -> Path:
    """An interpreter of the version that the original needs.

    Raises:
        NoPythonError: neither the PATH nor pyenv has one.
    """
    for candidate in (shutil.which(f"python{PYTHON}"), *_pyenv()):
        if candidate and _version(candidate) == PYTHON:
            return Path(candidate)
    raise NoPythonError(f"no Python {PYTHON}: neither python{PYTHON} on the PATH nor a version of pyenv")


def _pyenv() -> list[str]:
    """Interpreters of pyenv's versions: its ``python3.8`` on the PATH works only where that version is chosen."""
    if not shutil.which("pyenv"):
        return []
    versions = _output("pyenv", "versions", "--bare").split()
    fitting = [version for version in versions if version.startswith(f"{PYTHON}.")]
    return [f"{_output('pyenv', 'prefix', version).strip()}/bin/python" for version in fitting]


def _version(python: str) -> str:
    return _output(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def make(folder: Path) -> None:
    """Make the environment, in place of an earlier one.

    Args:
        folder: where; new, empty, or an environment.

    Raises:
        NoPythonError: there is no Python for it.
        FileExistsError: the folder holds something else.
        subprocess.CalledProcessError: the packages could not be installed.
    """
    python = find_python()
    if folder.exists() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").exists():
        raise FileExistsError(f"{folder} holds something else than a Python environment; name another folder")
    subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    install = [folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*install, "-r", HERE / "requirements.txt"], check=True)
    # Last the program itself, so that where it is, all is.
    subprocess.run([*install, "--no-deps", "-r", HERE / "requirements-alone.txt"], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="ENV_DIR")
    folder = parser.parse_args().folder
    try:
        make(folder)
    except NoPythonError as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return SKIPPED
    except FileExistsError as reason:
        print(reason, file=sys.stderr)
        return 2
    print(folder / "bin" / "deepconsensus")
    return 0


if __name__ == "__main__":
    sys.exit(main())
