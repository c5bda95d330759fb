"""What libraries say of themselves does not come between a command's own lines."""

import logging
import os
import sys
import warnings

_SETTINGS = {"TORCH_LOGS": "-all", "TORCH_CPP_LOG_LEVEL": "ERROR"}
"""Torch has handlers of its own, which it sets up when it is imported: ``-all`` leaves errors alone in them."""


def quieten_libraries() -> None:
    """Let errors through, and neither warnings nor notes; what the user has set (``-W``, ``TORCH_LOGS``) counts.

    For a program of its own only: it holds for the whole process and those that it starts.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    # Python prints warnings of loggers that have no handler.
    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"
