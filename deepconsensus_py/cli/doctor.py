"""``doctor``: check the installation, and show what it consists of and what it runs on."""

import argparse
from collections.abc import Iterator

from deepconsensus_py.cli._parser import Commands

_OPTIONAL = {"torch": "torch", "jinja2": "report", "snakemake": "workflow"}
"""Libraries that single commands need, by the extra that installs them."""

_MODULES = {"pyyaml": "yaml"}
"""Modules of libraries, where they have another name."""


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "doctor",
        help="check the installation",
        description="Check the installation: show versions, devices, cores, memory, models and the cache of compiled "
        "code. The exit status is 1 if a library that is needed cannot be imported.",
        usage="%(prog)s [options]",
        examples=[("versions, devices, models", "")],
    )
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print a line for each fact; the first word says what it is about."""
    healthy = True
    for fact in _program(), _machine():
        for name, value in fact:
            print(f"{name}\t{value}", flush=True)
    for library, needed in _libraries():
        found, works = _library(library, needed)
        healthy = healthy and (works or not needed)
        print(f"{library}\t{found}", flush=True)
    if healthy:
        for name, value in (*_devices(), *_compiled(), *_models()):
            print(f"{name}\t{value}", flush=True)
    return 0 if healthy else 1


def _program() -> Iterator[tuple[str, str]]:
    import platform
    import sys
    from pathlib import Path

    from deepconsensus_py._version import __version__

    yield "deepconsensus-py", f"{__version__}, {Path(__file__).parents[1]}"
    yield "python", f"{platform.python_version()}, {sys.executable}"


def _machine() -> Iterator[tuple[str, str]]:
    import os
    import platform

    from deepconsensus_py.workers.resources import default_threads, usable_cores, usable_memory

    yield "system", platform.platform()
    yield "cores", f"{usable_cores()} of {os.cpu_count()} may be used; --threads is {default_threads()} by default"
    yield "memory", f"{usable_memory() / 2**30:.1f} GiB may be used"


def _libraries() -> Iterator[tuple[str, bool]]:
    """The libraries of the package's metadata, and whether all commands need them."""
    import re
    from importlib.metadata import requires

    asked = requires("deepconsensus-py") or ()
    needed = sorted(re.split(r"[^\w.-]", line)[0] for line in asked if "extra ==" not in line)
    yield from ((name, True) for name in needed)
    yield from ((name, False) for name in _OPTIONAL)


def _library(name: str, needed: bool) -> tuple[str, bool]:
    """Its version, or what is wrong with it; and whether it can be imported."""
    from importlib import import_module
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version(name)
        import_module(_MODULES.get(name, name))
    except PackageNotFoundError:
        how = "pip install deepconsensus-py" if needed else f"pip install 'deepconsensus-py[{_OPTIONAL[name]}]'"
        return f"not installed ({how} installs it)", False
    except Exception as fault:  # noqa: BLE001 - a broken library can raise anything
        return f"{found}, cannot be imported: {type(fault).__name__}: {fault}", False
    return found, True


def _devices() -> Iterator[tuple[str, str]]:
    yield "device", "cpu"
    try:
        import torch
    except ImportError:
        return
    for number in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(number)
        yield "device", f"cuda:{number}, {found.name}, {found.total_memory / 2**30:.1f} GiB"


def _compiled() -> Iterator[tuple[str, str]]:
    from deepconsensus_py.kernels import cached_functions

    functions, folder = cached_functions()
    state = f"{functions} functions" if functions else "nothing yet, the first run takes half a minute longer"
    yield "compiled code", f"{state}, {folder}"


def _models() -> Iterator[tuple[str, str]]:
    from deepconsensus_py.methods import DEFAULT, WITHOUT_WEIGHTS
    from deepconsensus_py.models.header import bundled_models

    for name in (*bundled_models(), *WITHOUT_WEIGHTS):
        yield "model", f"{name} (default)" if name == DEFAULT else name
