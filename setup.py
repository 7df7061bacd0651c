"""Build the compiled kernels: every ``cython_core/<name>.pyx`` becomes ``genarris_fw._kernels.<name>``.

What was compiled is kept in ``build/kernels/`` under a digest of all that went into it, and compiled again only when
that changes: a kernel's source, a declaration that it cimports, Cython, Python, the compiler or its flags.
"""

import hashlib
import os
import platform
import shutil
import sys
from pathlib import Path

import Cython
from Cython.Build import cythonize
from Cython.Build.Dependencies import create_dependency_tree
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

PACKAGE = "genarris_fw._kernels"
DECLARATIONS = Path("genarris_fw/_kernels")
BUILT = Path("build/kernels")
# Earlier builds of a kernel that are kept, so that a change of branch or of Python compiles nothing.
KEPT = 16
# What Cython needs for typed memoryviews, compiled once instead of into each kernel: two thirds of the whole time.
SHARED = f"{PACKAGE}._memoryviews"
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
}
# Portable by default: login and compute nodes differ, so no -march=native and no -ffast-math.
# The other flags only let sums marked "omp simd", square roots and choices become vector instructions.
FLAGS = ["-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"]


def kernels() -> list[Extension]:
    """The kernels, each with its own declarations, and the module that they share."""
    sources = sorted(Path("cython_core").glob("*.pyx"))
    return [
        Extension(SHARED, []),
        *(
            Extension(
                f"{PACKAGE}.{source.stem}",
                [source.as_posix()],
                depends=[path.as_posix() for path in [DECLARATIONS / f"{source.stem}.pxd"] if path.exists()],
                extra_compile_args=FLAGS,
            )
            for source in sources
        ),
    ]


def inputs(kernel: Extension) -> list[str]:
    """The files that a kernel is made from: its source, its declarations, and what these cimport, directly or not."""
    tree = create_dependency_tree(quiet=True)
    files = set().union(*(tree.all_dependencies(path) for path in [*kernel.sources, *kernel.depends]))
    # Cython's own declarations go with its version, wherever it is installed.
    theirs = Path(Cython.__file__).parent
    return sorted({os.path.normpath(path) for path in files if theirs not in Path(path).parents})


def digest(kernel: Extension, circumstances: tuple) -> str:
    """A name for what comes out of a kernel's files under these circumstances."""
    content = hashlib.sha256(repr((circumstances, DIRECTIVES, kernel.name, kernel.extra_compile_args)).encode())
    for path in inputs(kernel):
        content.update(path.encode() + hashlib.sha256(Path(path).read_bytes()).digest())
    return content.hexdigest()[:20]


class BuildKernels(build_ext):
    """Compile the kernels that were not compiled before, and copy the others."""

    def finalize_options(self) -> None:
        """Compile on every core."""
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count() or 1

    def build_extensions(self) -> None:
        """Put every kernel where it belongs."""
        compiler = (self.compiler.compiler_so, self.compiler.linker_so, platform.libc_ver())
        circumstances = (Cython.__version__, sys.implementation.cache_tag, sys.platform, compiler)
        kept = {kernel.name: BUILT / kernel.name / digest(kernel, circumstances) for kernel in self.extensions}
        every = self.extensions
        self.extensions = [kernel for kernel in every if not kept[kernel.name].exists()]
        self.compile()
        for kernel in self.extensions:
            keep(Path(self.get_ext_fullpath(kernel.name)), kept[kernel.name])
        self.extensions = every
        for kernel in every:
            there = Path(self.get_ext_fullpath(kernel.name))
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(kept[kernel.name], there)

    def compile(self) -> None:
        """Compile ``self.extensions``, by way of C files in the folder for temporary files."""
        # What is here has been found to be needed: no look at times.
        self.force = True
        made = cythonize(
            self.extensions,
            force=True,
            nthreads=self.parallel,
            build_dir=self.build_temp,
            compiler_directives=DIRECTIVES,
            shared_utility_qualified_name=SHARED,
        )
        for kernel, c in zip(self.extensions, made, strict=True):
            kernel.sources = c.sources
        super().build_extensions()


def keep(compiled: Path, as_file: Path) -> None:
    """Keep what was compiled, whole or not at all, and remove what is oldest."""
    as_file.parent.mkdir(parents=True, exist_ok=True)
    partial = as_file.with_suffix(f".{os.getpid()}")
    shutil.copyfile(compiled, partial)
    partial.replace(as_file)
    by_age = sorted(as_file.parent.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[KEPT:]:
        old.unlink(missing_ok=True)


if __name__ == "__main__":
    setup(ext_modules=kernels(), cmdclass={"build_ext": BuildKernels})
