"""Keywords of control.in, by what they do (FHI-aims' manual, chapter 3)."""

from __future__ import annotations

_OF_SPECIES = """
species nucleus mass element l_hartree cut_pot cutoff_type basis_dep_cutoff cut_core cut_free_atom cut_atomic_basis
radial_base radial_multiplier angular_grids division outer_grid angular angular_acc angular_min innermost_max
logarithmic include_min_basis pure_gauss valence core ion_occ ionic confined hydro gaussian sto aux_gaussian for_aux
basis_acc max_n_prodbas max_l_prodbas prodbas_acc hirshfeld_param plus_u
"""
_RELAXATION = """
relax_geometry relax_unit_cell max_relaxation_steps harmonic_length_scale energy_tolerance prefer_steepest_descent
hessian_to_restart_geometry write_restart_geometry restart_relaxations init_hess init_hess_lv_diag max_atomic_move
min_line_step line_step_reduce stress_for_relaxation external_pressure_for_relaxation distributed_hessian
"""
_MIXING = """
sc_iter_limit sc_init_iter sc_init_factor mixer n_max_pulay charge_mix_param spin_mix_param prec_mix_param
ini_linear_mixing ini_linear_mix_param preconditioner precondition_max_l restart restart_read_only restart_write_only
restart_save_iterations force_single_restartfile elsi_restart postprocess_anyway
"""
_RUNNING = """
clean_forces final_forces_cleaned compute_forces compute_analytical_stress walltime output output_level
verbatim_writeout check_stacksize check_cpu_consistency ks_method elsi_method use_local_index load_balancing
collect_eigenvectors distributed_spline_storage use_alltoall
"""

# These belong to the block of a species; so does a line that begins with a number.
OF_SPECIES = frozenset(_OF_SPECIES.split())
# These change how a result is come by, or what is written, but not the converged energy of a given geometry.
NOT_OF_THE_ENERGY = frozenset((_RELAXATION + _MIXING + _RUNNING).split())
