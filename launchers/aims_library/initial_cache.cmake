# FHI-aims as a shared library, built with its CMake (releases since 2019):
#
#     cmake -C initial_cache.cmake -S /path/to/FHIaims -B build && cmake --build build -j 8
#
# GNU compilers and whatever MPI their wrappers belong to. The lines for Intel's compilers and MKL follow below.

set(BUILD_SHARED_LIBS ON CACHE BOOL "libaims.VERSION.scalapack.mpi.so instead of a program")
set(CMAKE_POSITION_INDEPENDENT_CODE ON CACHE BOOL "")
set(USE_MPI ON CACHE BOOL "")
set(USE_SCALAPACK ON CACHE BOOL "")

set(CMAKE_Fortran_COMPILER mpifort CACHE STRING "")
set(CMAKE_Fortran_FLAGS "-O3 -fPIC -ffree-line-length-none -fallow-argument-mismatch" CACHE STRING "")
set(Fortran_MIN_FLAGS "-O0 -fPIC -ffree-line-length-none -fallow-argument-mismatch" CACHE STRING "")
set(CMAKE_C_COMPILER mpicc CACHE STRING "")
set(CMAKE_C_FLAGS "-O3 -fPIC" CACHE STRING "")

set(LIB_PATHS "/usr/lib/x86_64-linux-gnu" CACHE STRING "where the following lie")
set(LIBS "scalapack-openmpi lapack blas" CACHE STRING "ScaLAPACK of the same MPI; -mpich instead of -openmpi")

# Intel: oneAPI's compilers and MPI, MKL as its one library that loads the rest by itself.
# set(CMAKE_Fortran_COMPILER mpiifx CACHE STRING "")
# set(CMAKE_Fortran_FLAGS "-O3 -fPIC -fp-model precise" CACHE STRING "")
# set(Fortran_MIN_FLAGS "-O0 -fPIC -fp-model precise" CACHE STRING "")
# set(CMAKE_C_COMPILER mpiicx CACHE STRING "")
# set(CMAKE_C_FLAGS "-O3 -fPIC -fp-model precise" CACHE STRING "")
# set(LIB_PATHS "$ENV{MKLROOT}/lib" CACHE STRING "")
# set(LIBS "mkl_scalapack_lp64 mkl_blacs_intelmpi_lp64 mkl_rt" CACHE STRING "")
