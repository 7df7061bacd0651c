/* The module aims_w as f2py makes it: compiled for one Python, output on the standard output, which stays buffered. */
#include <Python.h>

void aims_(int *communicator, int *unit, int *parallel);

static PyObject *aims_w(PyObject *module, PyObject *arguments)
{
    int communicator, unit = 6, parallel = 1;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "i", &communicator))
        return NULL;
    aims_(&communicator, &unit, &parallel);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"aims_w", aims_w, METH_VARARGS, "Run the library."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "aims_w", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_aims_w(void)
{
    return PyModule_Create(&definition);
}
