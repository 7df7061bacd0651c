"""Units: everything is in Å, eV and degrees; energies are shown in kJ/mol."""

# CODATA 2018: e x N_A / 1000.
KJ_PER_MOL_PER_EV = 96.48533212331
# The SI of 2019: 1e9 Pa x 1e-30 m3 x N_A / 1000.
GPA_A3_IN_KJ_PER_MOL = 0.602214076
