"""The names of methods by which a molecule is computed."""

from genarris_fw.errors import InputError

DEFAULT = "HF/6-31G**"


def theory_and_basis(method: str) -> tuple[str, str]:
    """Return the two parts of a method such as ``HF/6-31G**``.

    Raises
    ------
    InputError
        For a text of another form.
    """
    theory, slash, basis = (part.strip() for part in method.partition("/"))
    if not (theory and slash and basis) or "/" in basis:
        raise InputError(
            f"method = {method}: expected theory/basis, such as HF/6-31G** or B3LYP/6-311G**, or GFN2 for charges of "
            "the tight-binding method"
        )
    return theory.upper(), basis
