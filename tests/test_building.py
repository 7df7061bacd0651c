"""Where the package under test comes from, when a kernel is compiled again, what the source distribution holds."""

import importlib
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest

import genarris_fw

ROOT = Path(__file__).resolve().parents[1]
KERNELS = sorted(source.stem for source in (ROOT / "cython_core").glob("*.pyx"))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_comes_from_the_package_under_test(kernel):
    """From this clone, where it is installed to be worked on, or from the environment; never from a third place."""
    package = Path(genarris_fw.__file__).resolve().parent
    assert package.parent in (ROOT, Path(sysconfig.get_path("platlib")).resolve())
    imported = Path(importlib.import_module(f"genarris_fw._kernels.{kernel}").__file__).resolve()
    assert imported.parent == package / "_kernels"
    assert imported.suffix == Path(sysconfig.get_config_var("EXT_SUFFIX")).suffix


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of what kernels are made from, as the current folder."""
    shutil.copy(ROOT / "setup.py", tmp_path)
    for name in ("cython_core", "genarris_fw/_kernels"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (tmp_path / "genarris_fw" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cimported(path):
    """The declarations of ours that a file cimports, directly or not, as its text says."""
    names = re.findall(r"^from genarris_fw\._kernels\.(\w+) cimport", path.read_text(), re.M)
    found = {Path("genarris_fw/_kernels", f"{name}.pxd") for name in names}
    return found.union(*(cimported(declarations) for declarations in found))


def made_from(kernel):
    """A kernel's source, its own declarations where it has any, and what both cimport."""
    own = [Path("cython_core", f"{kernel}.pyx"), Path("genarris_fw/_kernels", f"{kernel}.pxd")]
    return set().union(*({path} | cimported(path) for path in own if path.exists()))


def test_a_changed_file_changes_the_kernels_that_are_made_from_it_and_no_others(sources):
    pytest.importorskip("Cython")
    building = runpy.run_path("setup.py", run_name="building")

    def digests():
        kernels = [kernel for kernel in building["kernels"]() if kernel.sources]
        return {kernel.name.rpartition(".")[2]: building["digest"](kernel, ()) for kernel in kernels}

    before = digests()
    assert sorted(before) == KERNELS
    for path in [*Path("cython_core").glob("*.pyx"), *Path("genarris_fw/_kernels").glob("*.pxd")]:
        text = path.read_text()
        path.write_text(text + "# changed\n")
        after = digests()
        path.write_text(text)
        assert {kernel for kernel in KERNELS if after[kernel] != before[kernel]} == {
            kernel for kernel in KERNELS if path in made_from(kernel)
        }, path
    assert digests() == before


def test_circumstances_of_a_build_count(sources):
    pytest.importorskip("Cython")
    building = runpy.run_path("setup.py", run_name="building")
    kernel = building["kernels"]()[-1]
    digest = building["digest"]
    assert digest(kernel, ("one compiler",)) == digest(kernel, ("one compiler",)) != digest(kernel, ("another",))


def test_the_sdist_holds_what_the_clone_holds_and_nothing_that_was_made(tmp_path):
    pytest.importorskip("Cython")
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    command = ["setup.py", "--quiet", "egg_info", "--egg-base", tmp_path, "sdist", "--dist-dir", tmp_path]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(tmp_path / f"genarris_fw-{genarris_fw.__version__}.tar.gz") as archive:
        packed = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}

    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    # Dotted names serve the clone alone.
    cloned = {name for name in listed.splitlines() if not name.startswith(".") and (ROOT / name).exists()}
    assert len(cloned) > 600
    assert cloned - packed == set()
    made = re.compile(
        r"\.(so|o|py[cod])$|^(genarris_fw|cython_core)/.*\.c$|__pycache__|genarris_db|^(build|dist|runs)/"
    )
    assert [name for name in packed if made.search(name)] == []


def test_the_changelog_tells_of_this_version():
    released = re.findall(r"^## (\d\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert released[0] == genarris_fw.__version__
