"""The errors that users see: one sentence with the file, the record, what is wrong and what to do."""


class DeepConsensusError(Exception):
    """Base class of errors in the input or in its use; the command line prints them without a traceback."""


class InputError(DeepConsensusError):
    """An input file cannot be used: missing, truncated, of the wrong kind, or contradicting another file."""


class OutputError(DeepConsensusError):
    """An output file cannot be written."""


class ModelError(DeepConsensusError):
    """A model is unknown, unreadable, or does not fit the features or options given."""


class MoleculeError(DeepConsensusError):
    """One ZMW cannot be processed; the run reports it and continues.

    Attributes:
        outcome: the ZMW's outcome in the report, e.g. ``"missing_kinetics"``.
    """

    def __init__(self, message: str, *, outcome: str = "error") -> None:
        super().__init__(message)
        self.outcome = outcome
