# Crystals of rigid molecules: the model, and what one evaluation needs.

from genarris_fw._kernels.entries cimport Entries, Images

cdef extern from *:
    """
    #ifndef GENARRIS_FW_LATTICE_MODEL
    #define GENARRIS_FW_LATTICE_MODEL
    #define KE 1389.35457644  /* kJ/mol A/e^2 */
    #define GPA 0.602214076   /* kJ/mol per GPa A^3 */
    #define INFINITE 1e300    /* kJ/mol: the energy of what has none */
    #endif
    """
    const double KE, GPA, INFINITE

cdef struct Room:
    double *sites  # (parts, slot): the sites of every part about its centre, x y z of group 0, then of group 1; Å
    double *images  # (entries, slot): the same after an entry's operation
    double *axes  # (parts + entries, 3, widest): of the sites of group 0, turned likewise
    double *places  # (copies, 3): the centres of all molecules of the cell, Å
    Images near
    int *indices  # (room_indices, 4): h, k, l and multiplicity of one wave of each orbit
    int n_indices, room_indices
    int highest[3]
    double *waves  # (3 + 3 channels, room_waves): kx, ky, kz; of each channel c, c', c''
    double *squares  # (2, room_waves): k^2, weights
    int room_waves
    double *wave_memory
    void *sources  # `Source` of waves.pxd: what is compiled for its sums is compiled there alone
    double *cart  # gradient (n) by strains, shifts and turns in all directions, n = 6 + 6 parts
    double *cart2  # (n, n)
    double *upper  # (n, n), of the waves
    double *wave_gradient  # (n)
    double *gradient  # (variables)
    double *matrix  # (variables, variables)
    double *eigen  # 2 variables^2 + 4 variables, of the minimiser
    double volume, length
    double exp6, electrostatic, work_of_pressure  # parts of the energy, kJ/mol per cell

cdef class LatticeModel(Entries):
    cdef readonly int parts, variables, forms, kinds, copies, n
    cdef int slot, strains, channels
    cdef readonly double alpha, cut, longest_wave, taper_start, taper_end, pressure
    cdef bint tapered, damped, anisotropic
    cdef double anisotropic_cut
    cdef int widest
    cdef double[:, ::1] form_axes  # (forms, 3 padded of group 0)
    cdef double[:, ::1] kind_rho  # (kinds, sites)
    cdef int[::1] kind_of  # of a form
    cdef int[:, ::1] sites_of, padded_of  # (kinds, 2)
    cdef double[:, ::1] form_sites, form_charges  # (forms, slot), (forms, slot / 3 per group)
    cdef double[:, ::1] form_wide  # charges times KE
    cdef double[:, :, ::1] channel_weights  # (channels, kinds, padded sites of group 0)
    cdef double[::1] channel_signs, own_energy, own_dispersion, radius_of, size_of
    cdef int[:, ::1] offset_of  # (kinds, kinds): where a pair's parameters begin
    cdef double[::1] parameters
    cdef int[::1] shifts, spins, copy_part, copy_start, copy_alike
    cdef double[::1] weights
    cdef double[:, :, ::1] copy_rotations, copy_turns
    cdef double[:, ::1] copy_translations
    cdef int[:, :, ::1] wave_rotations
    cdef double[:, ::1] centrings
    cdef double[:, ::1] strain_basis  # (strains, 6)
    cdef double[:, :, ::1] shift_basis, turn_basis
    cdef bint charged, aside  # charges in group 0; sites in group 1
    cdef bint split  # group 1 has the charges of group 0 too, after its own, and pairs of charges are summed there alone
    cdef int[::1] aside_of  # (kinds): how many sites of group 1 are not in group 0

    cdef bint open(self, Room *room) noexcept nogil
    cdef void close(self, Room *room) noexcept nogil
    cdef double evaluate(self, const double *state, const int *form, bint second, Room *room) noexcept nogil
    cdef void place(self, const double *state, const int *form, Room *room) noexcept nogil
    cdef void move(self, const double *state, const int *form, const double *step, double *moved) noexcept nogil
    cdef void project(self, const int *form, bint second, Room *room) noexcept nogil
    cdef double along(self, const double *a, const double *b) noexcept nogil
    cdef double size(self, const int *form, int p) noexcept nogil
