"""Units: everything is in Å, eV and degrees; energies are shown in kJ/mol."""

# CODATA 2018: e x N_A / 1000.
KJ_PER_MOL_PER_EV = 96.48533212331
