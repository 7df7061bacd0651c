"""Texts of CIF files of one crystal, 2-chloroethanol in P 1 21/n 1, with any part of them changed."""

CELL = {"length_a": "8.1", "length_b": "9.3", "length_c": "8.45"} | {
    "angle_alpha": "90",
    "angle_beta": "101.5",
    "angle_gamma": "90",
}
OPERATIONS = ("x,y,z", "1/2-x,1/2+y,1/2-z", "-x,-y,-z", "1/2+x,1/2-y,1/2+z")
ATOMS = (
    ("C1", "C", "0.20125", "0.17192", "0.28260"),
    ("C2", "C", "0.28258", "0.28819", "0.19741"),
    ("Cl3", "Cl", "0.12523", "0.24928", "0.44888"),
    ("O4", "O", "0.35554", "0.22822", "0.07170"),
    ("H5", "H", "0.29350", "0.08831", "0.32513"),
    ("H6", "H", "0.09803", "0.12313", "0.19721"),
    ("H7", "H", "0.19033", "0.37179", "0.15488"),
    ("H8", "H", "0.38743", "0.33531", "0.28195"),
    ("H9", "H", "0.40612", "0.30384", "0.02025"),
)
COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z")


def listed(operations=OPERATIONS) -> str:
    """Lines that list operations."""
    return "loop_\n_symmetry_equiv_pos_as_xyz\n" + "".join(f"'{text}'\n" for text in operations)


def cif(symmetry=None, atoms=ATOMS, columns=COLUMNS, more="", name="a", **cell) -> str:
    """The text of a file: `symmetry` are its lines for it, by default the operations."""
    measures = "".join(f"_cell_{key} {value}\n" for key, value in (CELL | cell).items() if value is not None)
    names = "".join(f"_atom_site_{column}\n" for column in columns)
    rows = "".join(" ".join(row) + "\n" for row in atoms)
    return f"data_{name}\n{measures}{more}{listed() if symmetry is None else symmetry}loop_\n{names}{rows}"


def symbol(text: str) -> str:
    """A line with a Hermann-Mauguin symbol."""
    return f"_symmetry_space_group_name_H-M '{text}'\n"
