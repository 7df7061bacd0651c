"""The errors a user may see. Each message is one line: what is wrong, where, and what to do."""


class GenarrisError(Exception):
    """Base of every error that the command line shows as one line, without a traceback."""


class InputError(GenarrisError, ValueError):
    """Something the user wrote (an option, a file, a structure) cannot be used."""


class EngineError(GenarrisError):
    """An engine gave no usable result.

    Parameters
    ----------
    message : str
        What happened, where, and what to do.
    kind : str, optional
        The class of failure: ``input``, ``scf``, ``relaxation``, ``walltime``, ``memory``, ``launcher``, ``hang``
        (silent for too long), ``output`` (too much written, or no space), ``crash`` or ``missing``.
    permanent : bool, optional
        True when trying the same calculation again cannot help.
    folder : str, optional
        Where the engine ran.
    output : str, optional
        The tail of what it wrote.
    """

    def __init__(
        self, message: str, kind: str = "crash", permanent: bool = False, folder: str = "", output: str = ""
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.permanent = permanent
        self.folder = folder
        self.output = output


class DatabaseError(GenarrisError):
    """The database cannot be reached, refuses the password, or lacks something."""


class RunFailed(GenarrisError):
    """A procedure cannot give a result, so the run cannot go on."""


class Interrupted(GenarrisError):
    """The time is over before the work is done; it goes on later, from its checkpoint where there is one."""
