"""The errors that users see: one sentence each, naming the file, the record, what is wrong and what to do."""


class DeepConsensusError(Exception):
    """Base of all errors that are the input's or the user's; the command line prints them without a traceback."""


class InputError(DeepConsensusError):
    """A file cannot be used: missing, truncated, of the wrong kind, or contradicting another file."""


class OutputError(DeepConsensusError):
    """An output cannot be written."""


class ModelError(DeepConsensusError):
    """A model is unknown, unreadable, or does not fit the features it is given."""


class MoleculeError(DeepConsensusError):
    """One molecule cannot be processed; the run reports it and goes on.

    Attributes:
        outcome: the molecule's row in the report, e.g. ``"missing_kinetics"``.
    """

    def __init__(self, message: str, *, outcome: str = "error") -> None:
        super().__init__(message)
        self.outcome = outcome
