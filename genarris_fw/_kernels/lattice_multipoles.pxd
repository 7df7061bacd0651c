# The electrostatic energy of rigid molecules with distributed multipoles: for the kernels that add it to others.

from genarris_fw._kernels.entries cimport Entries, Images

cdef struct Rooms:  # memory of one evaluation
    double *sites  # (parts, 3, slot): about the centre, Å, turned into place
    double *values  # (parts, 25, slot): multipoles, e Å^l, in Stone's normalisation
    double *by_site  # (parts, slot, 25): the same
    double *coupling  # (parts, slot, 21, 25): coefficients of harmonics by the multipoles of the other site
    double *patterns  # (parts, slot, 21, 25): sums of harmonics x multipoles of the other sites
    double *image_sites
    double *image_values
    double *a
    double *g
    double *sums
    double *pair
    double *damped
    double *forces
    double *site_forces
    double *virial
    double *back
    double *tables
    double *charge
    double *dipole
    double *field
    Images near
    int room_table

cdef class MultipoleSum(Entries):
    cdef readonly int parts, forms, slot, copies, rank
    cdef double alpha, damped_reach, longest_wave, start, end, gate
    cdef double[:, :, ::1] form_sites, form_values
    cdef double[:, ::1] own_energies
    cdef double[::1] radius_of, weights
    cdef int[::1] sites_of, copy_part
    cdef double[:, :, ::1] copy_rotations, copy_turns
    cdef double[:, ::1] copy_translations
    cdef double[:, :, ::1] entry_turns
    # What is not 0 of the couplings: multipole of the first site, harmonic x 25 + multipole of the other; of the
    # generators: axis, row, column.
    cdef int[:, ::1] couplings, generators
    cdef double[::1] coupling_values, generator_values
    cdef int n_couplings, n_generators
    cdef double[:, ::1] sample, pattern
    cdef double[:, :, ::1] inverses
    cdef Rooms rooms

    cdef bint energy(self, const double *state, const int *form, double *energies, double *stress, double *forces,
                     double *torques) noexcept nogil
    cdef void rotate(self, const double *matrix, double *blocks) noexcept nogil
    cdef void place(self, const double *state, const int *form) noexcept nogil
    cdef bint add_entry(self, const double *state, const int *form, int e, double *energies, double *stress,
                        double *forces, double *torques) noexcept nogil
    cdef bint add_waves(self, const double *state, const int *form, double *energies, double *stress, double *forces,
                        double *torques) noexcept nogil
    cdef void add_damped(self, Rooms *r, const double *mine, const double *dipole, int stride, double *part,
                         double *torque_i, double *torque_j) noexcept nogil
    cdef bint sum_waves(self, const int *form, int n, double volume, const double *reciprocal, const int *most,
                        double *energies, double *stress, double *forces, double *torques) noexcept nogil
    cdef void powers(self, const double *one, int n, int most, double *out) noexcept nogil
