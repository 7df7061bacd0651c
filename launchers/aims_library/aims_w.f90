! FHI-aims' library entry for callers that speak C: Python's ctypes, see aims_w.py.
!
! The entry takes an MPI communicator as Fortran's integer handle, the unit that its output goes to, and whether to
! run in parallel. No MPI module is needed here, so any Fortran compiler that fits the library's will do.
!
! The first rank opens its output in a call of its own: where it cannot, no rank may go into the library, where all
! would wait for it.
subroutine aims_w_open(length, name, status) bind(C, name="aims_w_open")
  use, intrinsic :: iso_c_binding, only: c_char, c_int
  implicit none

  integer(c_int), intent(in), value :: length            ! of the name
  character(kind=c_char), intent(in) :: name(length)
  integer(c_int), intent(out) :: status                  ! 0, or why the file cannot be opened

  integer, parameter :: file_unit = 71829                ! as below
  character(len=length) :: file
  integer :: i

  do i = 1, length
    file(i:i) = name(i)
  end do
  open(unit=file_unit, file=file, status="replace", action="write", iostat=status)
end subroutine aims_w_open


subroutine aims_w_run(communicator, to_file) bind(C, name="aims_w_run")
  use, intrinsic :: iso_c_binding, only: c_int
  use, intrinsic :: iso_fortran_env, only: output_unit
  implicit none

  integer(c_int), intent(in), value :: communicator
  integer(c_int), intent(in), value :: to_file           ! 0: the output goes to the standard output

  integer, parameter :: file_unit = 71829                ! none that FHI-aims takes for a file of its own
  integer :: its_communicator, its_unit
  logical :: in_parallel

  interface
    subroutine aims(mpi_comm_input, in_unit, mpi_switch)
      integer :: mpi_comm_input, in_unit
      logical :: mpi_switch
    end subroutine aims
  end interface

  its_unit = output_unit
  if (to_file /= 0) its_unit = file_unit
  its_communicator = communicator
  in_parallel = .true.
  call aims(its_communicator, its_unit, in_parallel)

  if (to_file /= 0) then
    close(file_unit)
  else
    flush(output_unit)
  end if
end subroutine aims_w_run
