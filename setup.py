"""Build the compiled kernels: every ``cython_core/<name>.pyx`` becomes ``genarris_fw._kernels.<name>``."""

from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

extensions = [
    Extension(
        f"genarris_fw._kernels.{source.stem}",
        [source.as_posix()],
        include_dirs=[numpy.get_include()],
        depends=sorted(path.as_posix() for path in Path("genarris_fw/_kernels").glob("*.pxd")),
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
        # Portable by default: login and compute nodes differ, so no -march=native and no -ffast-math.
        # The other flags only let sums marked "omp simd", square roots and choices become vector instructions.
        extra_compile_args=["-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"],
    )
    for source in sorted(Path("cython_core").glob("*.pyx"))
]

setup(
    ext_modules=cythonize(
        extensions,
        # Kernels that inherit from one another must be built from the same declarations; seconds, and always right.
        force=True,
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
        },
    )
)
