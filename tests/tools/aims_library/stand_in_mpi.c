/* The stand-in's calls of MPI: in C, since not every MPI library here comes with its Fortran part. */
#include <mpi.h>

void stand_in_rank(int communicator, int *rank, int *ranks)
{
    MPI_Comm_rank(MPI_Comm_f2c(communicator), rank);
    MPI_Comm_size(MPI_Comm_f2c(communicator), ranks);
}

double stand_in_sum(int communicator, double mine)
{
    double total = 0.0;
    MPI_Allreduce(&mine, &total, 1, MPI_DOUBLE, MPI_SUM, MPI_Comm_f2c(communicator));
    return total;
}

void stand_in_abort(int communicator)
{
    MPI_Abort(MPI_Comm_f2c(communicator), 7);
}
