! Not FHI-aims: a stand-in for its library, for tests of calling it over MPI.
!
! It has the same entry, reads geometry.in and control.in, and writes an output of the same layout. Its energy means
! nothing: minus the sum of 1/r (eV, r in Å) over the pairs of atoms in the cell, dealt out to the ranks; a relaxation
! ends where it began. A line "stand_in stop" or "stand_in abort" in control.in has its last rank stop, or abort MPI.
module stand_in_of_aims
  use, intrinsic :: iso_c_binding, only: c_double, c_int
  implicit none

  interface
    subroutine stand_in_rank(communicator, rank, ranks) bind(C)
      import :: c_int
      integer(c_int), value :: communicator
      integer(c_int) :: rank, ranks
    end subroutine stand_in_rank

    function stand_in_sum(communicator, mine) bind(C) result(total)
      import :: c_double, c_int
      integer(c_int), value :: communicator
      real(c_double), value :: mine
      real(c_double) :: total
    end function stand_in_sum

    subroutine stand_in_abort(communicator) bind(C)
      import :: c_int
      integer(c_int), value :: communicator
    end subroutine stand_in_abort
  end interface

  character(len=*), parameter :: rule = repeat("-", 72)

contains

  subroutine repeat_file(unit, name)
    integer, intent(in) :: unit
    character(len=*), intent(in) :: name
    character(len=400) :: line
    integer :: source, status

    write(unit, "(2x,a)") rule, "Parsing " // name // " (first pass over file, find array dimensions only)."
    write(unit, "(2x,a)") "The contents of " // name // " will be repeated verbatim below", rule
    open(newunit=source, file=name, status="old", action="read")
    do
      read(source, "(a)", iostat=status) line
      if (status /= 0) exit
      write(unit, "(2x,a)") trim(line)
    end do
    close(source)
    write(unit, "(2x,a)") rule, "Completed first pass over input file " // name // " .", rule
  end subroutine repeat_file

  subroutine read_atoms(positions)
    real(c_double), allocatable, intent(out) :: positions(:, :)
    character(len=400) :: line
    real(c_double) :: point(3)
    character(len=20) :: word
    integer :: source, status

    allocate(positions(3, 0))
    open(newunit=source, file="geometry.in", status="old", action="read")
    do
      read(source, "(a)", iostat=status) line
      if (status /= 0) exit
      line = adjustl(line)
      if (line(1:5) /= "atom ") cycle
      read(line, *) word, point
      positions = reshape([positions, point], [3, size(positions, 2) + 1])
    end do
    close(source)
  end subroutine read_atoms

  ! Whether a line of control.in begins so.
  logical function wants(what)
    character(len=*), intent(in) :: what
    character(len=400) :: line
    integer :: source, status

    wants = .false.
    open(newunit=source, file="control.in", status="old", action="read")
    do
      read(source, "(a)", iostat=status) line
      if (status /= 0) exit
      if (index(adjustl(line), what) == 1) wants = .true.
    end do
    close(source)
  end function wants

  subroutine copy_file(name, copy)
    character(len=*), intent(in) :: name, copy
    character(len=400) :: line
    integer :: source, unit, status

    open(newunit=source, file=name, status="old", action="read")
    open(newunit=unit, file=copy, status="replace", action="write")
    do
      read(source, "(a)", iostat=status) line
      if (status /= 0) exit
      write(unit, "(a)") trim(line)
    end do
    close(unit)
    close(source)
  end subroutine copy_file

  ! This rank's part of the energy.
  real(c_double) function part_of_energy(positions, rank, ranks)
    real(c_double), intent(in) :: positions(:, :)
    integer(c_int), intent(in) :: rank, ranks
    integer :: i, j

    part_of_energy = 0
    do i = 1 + rank, size(positions, 2), ranks
      do j = i + 1, size(positions, 2)
        part_of_energy = part_of_energy - 1 / norm2(positions(:, i) - positions(:, j))
      end do
    end do
  end function part_of_energy
end module stand_in_of_aims


subroutine aims(mpi_comm_input, in_unit, mpi_switch)
  use stand_in_of_aims
  implicit none

  integer :: mpi_comm_input, in_unit
  logical :: mpi_switch
  integer(c_int) :: rank, ranks
  real(c_double) :: energy
  real(c_double), allocatable :: positions(:, :)

  if (.not. mpi_switch) stop "the stand-in wants MPI"
  call stand_in_rank(mpi_comm_input, rank, ranks)
  call read_atoms(positions)
  if (rank == 0) then
    write(in_unit, "(2x,a)") rule, "        Invoking FHI-aims ...", "", &
      "Not FHI-aims: a stand-in for its library, for tests.", "FHI-aims version      : stand-in"
    write(in_unit, "(2x,a,i8,a)") "Using ", ranks, " parallel tasks."
    call repeat_file(in_unit, "control.in")
    call repeat_file(in_unit, "geometry.in")
    write(in_unit, "(2x,a,i8)") "| Number of atoms                   : ", size(positions, 2)
    if (wants("relax_geometry")) then
      write(in_unit, "(2x,a)") "Geometry relaxation: none that deserves the name.", rule
    else
      write(in_unit, "(2x,a)") "Geometry relaxation not requested: no relaxation will be performed.", rule
    end if
    write(in_unit, "(2x,a)") "        Begin self-consistency loop: Initialization.", rule
  end if
  if (rank == ranks - 1 .and. wants("stand_in stop")) stop "the stand-in was told to stop"
  if (rank == ranks - 1 .and. wants("stand_in abort")) call stand_in_abort(mpi_comm_input)
  energy = stand_in_sum(mpi_comm_input, part_of_energy(positions, rank, ranks))
  if (nint(stand_in_sum(mpi_comm_input, 1.0_c_double)) /= ranks) stop "not all ranks are here"
  if (rank == 0) then
    write(in_unit, "(2x,a)") "Self-consistency cycle converged.", rule
    if (wants("relax_geometry")) then
      write(in_unit, "(2x,a)") "Present geometry is converged.", rule
      call copy_file("geometry.in", "geometry.in.next_step")
    end if
    write(in_unit, "(2x,a,f24.9,a)") &
      "| Total energy of the DFT / Hartree-Fock s.c.f. calculation      : ", energy, " eV"
    write(in_unit, "(10x,a)") "| Number of self-consistency cycles          :            1"
    write(in_unit, "(10x,a)") "| Total time                                 :        0.010 s           0.010 s"
    write(in_unit, "(10x,a)") "Have a nice day."
    write(in_unit, "(a)") rule
  end if
end subroutine aims
