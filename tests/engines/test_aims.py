"""Reading FHI-aims outputs: the real ones, cut ones, spoilt ones."""

from __future__ import annotations

import json
from pathlib import Path

import ase
import numpy as np
import pytest
from aims_replayed import ENERGIES, FACTS, MOLECULE, aims_run
from shared_data import shared

from genarris_fw.crystal.formats.geometry_in import parse_geometry_in
from genarris_fw.engines import aims
from genarris_fw.engines.aims import output as output_module
from genarris_fw.engines.aims import parse_output
from genarris_fw.engines.aims.failures import diagnose
from genarris_fw.errors import EngineError

# Energies (eV) and wall times (s) as the published outputs of the benzene tutorial state them.
RUNS = {
    "molecule": (-6313.831929151, True, 2.676, 12, 2),
    "relaxation/geometry_1f0f30abd3": (-12628.787132692, True, 266.029, 24, 14),
    "scf/geometry_00c3602574": (-12628.587120510, None, 15.352, 24, 0),
    "scf/geometry_1d32b19e61": (-12626.953397928, None, 16.838, 24, 0),
}

RELAXED = "relaxation/geometry_1f0f30abd3"
FINAL = f"{ENERGIES[MOLECULE]:.9f} eV\n  | Final zero"


def output(run: str) -> Path:
    return aims_run(run) / "aims.out"


def geometry(path: Path):
    return parse_geometry_in(path.read_text().splitlines(), path.name)


@pytest.mark.parametrize("run", RUNS)
def test_real_outputs(run):
    energy, relaxed, seconds, atoms, steps = RUNS[run]
    found = parse_output(shared("benzene_tutorial") / "aims" / run / "aims.out")
    assert found.energy == energy
    assert found.converged is True
    assert found.scf_converged is True
    assert found.relaxation_converged is relaxed
    assert found.seconds == seconds
    assert len(found.structure) == atoms
    assert found.relaxation_steps == steps
    assert found.version == "190522"
    [record] = (json.loads(path.read_text()) for path in output(run).parent.glob("*.json"))
    assert found.energy == pytest.approx(record["properties"]["energy"], abs=1e-9)


@pytest.mark.parametrize("run", RUNS)
def test_the_geometry_is_the_last_one(run):
    found = parse_output(output(run)).structure
    name = "geometry.in" if run.startswith("scf") else "geometry.in.next_step"
    stated = geometry(output(run).parent / name)
    assert found.species == stated.species
    assert (found.lattice is None) == (stated.lattice is None)
    # FHI-aims writes eight decimals in the output.
    assert np.allclose(found.positions, stated.positions, atol=2e-8)
    if found.lattice is not None:
        assert np.allclose(found.lattice, stated.lattice, atol=2e-8)


@pytest.mark.parametrize("run", ["molecule", "scf/geometry_1d32b19e61", "relaxation/geometry_1f0f30abd3"])
def test_a_cut_output_never_yields_an_energy(run, tmp_path):
    whole = output(run).read_text()
    cut = tmp_path / "aims.out"
    kinds = set()
    for percent in range(100):
        cut.write_text(whole[: len(whole) * percent // 100])
        with pytest.raises(EngineError) as caught:
            parse_output(cut)
        kinds.add(caught.value.kind)
        assert str(cut) in str(caught.value)
    # Up to the closing words, character by character over the last line that matters.
    end = whole.rindex("Have a nice day.")
    for stop in range(end - 5, end + len("Have a nice day.")):
        cut.write_text(whole[:stop])
        with pytest.raises(EngineError):
            parse_output(cut)
    assert kinds == {"launcher", "crash"}


def spoilt(tmp_path: Path, run: str, old: str, new: str) -> Path:
    text = output(run).read_text()
    assert old in text
    path = tmp_path / "aims.out"
    path.write_text(text.replace(old, new))
    return path


def test_a_cycle_that_did_not_converge_has_no_energy(tmp_path):
    path = spoilt(tmp_path, "scf/geometry_1d32b19e61", "Self-consistency cycle converged.", "Cycle ended.")
    found = parse_output(path)
    assert (found.scf_converged, found.converged, found.energy) == (False, False, None)


def test_a_relaxation_that_did_not_converge_has_no_energy(tmp_path):
    path = spoilt(tmp_path, "molecule", "Present geometry is converged.", "Present geometry is not yet converged.")
    found = parse_output(path)
    assert (found.scf_converged, found.relaxation_converged) == (True, False)
    assert (found.converged, found.energy) == (False, None)


def test_a_relaxation_that_left_a_converged_geometry_again_is_not_converged(tmp_path):
    yes, no = "Present geometry is converged.", "Present geometry is not yet converged."
    text = output(MOLECULE).read_text()
    assert text.rfind(yes) > text.rfind(no) > 0
    path = tmp_path / "aims.out"
    path.write_text(text.replace(yes, "@@").replace(no, yes).replace("@@", no))
    assert parse_output(path).relaxation_converged is False


def test_the_last_stress_counts(tmp_path):
    text = output(RELAXED).read_text()
    begin = text.rindex("Analytical stress tensor - Symmetrized")
    block = text[begin:].split("\n", 10)[:10]
    earlier = "\n".join(block).replace("-0.0", " 9.0")
    assert earlier != "\n".join(block)
    path = tmp_path / "aims.out"
    path.write_text(text[:begin] + earlier + "\n\n  " + text[begin:])
    assert np.array_equal(parse_output(path).stress, parse_output(output(RELAXED)).stress)


def test_an_early_cycle_of_a_relaxation_counts_too(tmp_path):
    text = output("molecule").read_text().replace("Self-consistency cycle converged.", "Cycle ended.", 1)
    path = tmp_path / "aims.out"
    path.write_text(text)
    assert parse_output(path).scf_converged is False


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (FINAL, "**************** eV\n  | Final zero", "found \\*\\*\\*"),
        (
            FINAL,
            "NaN eV\n  | Final zero",
            "the energy is not a finite number \\(NaN eV\\)",
        ),
        ("| Total energy of the DFT", "| Something else", "one final total energy in eV, found no final energy"),
        (
            "  | Total energy of the DFT",
            "  | Total energy of the DFT / Hartree-Fock s.c.f. calculation  :  -1.0 eV\n  | Total energy of the DFT",
            "one final total energy in eV, found 2 final energies",
        ),
    ],
)
def test_an_energy_that_cannot_be_read(tmp_path, old, new, words):
    with pytest.raises(EngineError, match=words) as caught:
        parse_output(spoilt(tmp_path, "molecule", old, new))
    assert caught.value.kind == "crash"


def test_two_runs_in_one_file(tmp_path):
    path = tmp_path / "aims.out"
    path.write_text(output("molecule").read_text() * 2)
    with pytest.raises(EngineError, match="2 FHI-aims runs"):
        parse_output(path)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "launcher"),
        ("bash: aims.x: command not found\n", "launcher"),
        ("Invoking FHI-aims ...\n* Error: unknown keyword\n*** Aborting.\n", "input"),
        ("Invoking FHI-aims ...\nBegin self-consistency loop\nslurmstepd: DUE TO TIME LIMIT\n", "walltime"),
        ("Invoking FHI-aims ...\nBegin self-consistency loop\nOut of memory: killed\n", "memory"),
        ("Invoking FHI-aims ...\nBegin self-consistency loop\n** Inconsistency of forces\n", "relaxation"),
        ("Invoking FHI-aims ...\nBegin self-consistency loop\nSCF cycle not converged.\n", "scf"),
        (
            "Invoking FHI-aims ...\n* Maximum number of relaxation steps exceeded.\n* Aborting optimization.\n",
            "relaxation",
        ),
        ("Invoking FHI-aims ...\n*** WARNING: FHI-aims is terminating due to walltime restrictions\n", "walltime"),
        ("Invoking FHI-aims ...\n=>> PBS: job killed: walltime 3603 exceeded limit 3600\n", "walltime"),
        ("Invoking FHI-aims ...\n=>> PBS: job killed: mem 8388700kb exceeded limit 8388608kb\n", "memory"),
        ("Invoking FHI-aims ...\nslurmstepd: error: Step 12.0 exceeded memory limit (9 > 8), being killed\n", "memory"),
        ("Invoking FHI-aims ...\nforrtl: error (78): process killed (SIGTERM)\n", "walltime"),
        ("Invoking FHI-aims ...\n * Aborting.\n", "input"),
        ("Invoking FHI-aims ...\nforrtl: No space left on device\n", "output"),
        ("Invoking FHI-aims ...\n  walltime 3600\n# out of memory? see the wiki\n", "crash"),
        ("Invoking FHI-aims ...\nBegin self-consistency loop\nforrtl: severe (174): SIGSEGV\n", "crash"),
    ],
)
def test_the_class_of_a_failure(tmp_path, text, kind):
    path = tmp_path / "aims.out"
    path.write_text(text)
    with pytest.raises(EngineError) as caught:
        parse_output(path)
    assert caught.value.kind == kind == aims.classify(text)


def test_the_standard_error_tells_too():
    whole = "Invoking FHI-aims ...\nBegin self-consistency loop\n"
    assert aims.classify(whole, "slurmstepd: error: Detected 1 oom-kill event(s)") == "memory"
    assert aims.classify("", "slurmstepd: error: execve(): aims.x: No such file or directory") == "launcher"
    assert aims.classify(whole, "") == "crash"


def test_a_crash_is_told_by_its_signal_not_by_the_way_it_went():
    traced = "Program received signal SIGSEGV: Segmentation fault\n\nBacktrace for this error:\n#0  0x7f in ???\n"
    whole = "Invoking FHI-aims ...\nBegin self-consistency loop\n"
    assert diagnose(whole, traced) == ("crash", "Program received signal SIGSEGV: Segmentation fault")
    assert diagnose(whole) == ("crash", "Begin self-consistency loop")
    # One rank crashed, the launcher ends the others.
    severe = "forrtl: severe (174): SIGSEGV, segmentation fault occurred"
    assert diagnose(whole, f"forrtl: error (78): process killed (SIGTERM)\n{severe}\n") == ("crash", severe)


@pytest.mark.parametrize(
    "more", ["", "srun: error: n17: task 3: Segmentation fault\n", "srun: error: Node failure on n17\n"]
)
def test_what_a_launcher_aborts_is_not_the_input(more):
    """Before the first cycle, too: only FHI-aims' own words refuse an input."""
    aborted = "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n"
    assert aims.classify("Invoking FHI-aims ...\n", more + aborted) == "crash"


def test_forces_and_stress_of_another_version():
    """Boxes of the outputs that ASE ships, put in the place of those of a whole output."""
    folder = Path(ase.__file__).parent / "test" / "testdata" / "aims"
    if not folder.is_dir():
        pytest.skip("this ASE comes without its test data")
    text = (folder / "numerical_stress.out").read_text()
    expected = [[0.00244726, -7e-8, -2.6e-7], [-7e-8, 0.00267442, 5e-8], [-2.6e-7, 5e-8, 0.0025871]]
    assert np.array_equal(output_module._stress(text, Path("x")), expected)
    text = (folder / "relax.out").read_text()
    block = text[text.rindex("Total atomic forces (unitary forces were cleaned") :].splitlines()
    atoms = sum(1 for line in block[1:9] if line.split()[:1] == ["|"] and len(line.split()) == 5)
    stated = [[float(word) for word in line.split()[2:]] for line in block[1 : 1 + atoms]]
    assert atoms > 0 and np.array_equal(output_module._forces(text, atoms, Path("x")), stated)


@pytest.mark.parametrize(
    ("run", "old", "new"),
    [
        ("molecule", "| Total time  ", "| Some time  "),
        ("molecule", f"          {FACTS.molecule_seconds} s", "         ****** s"),
        ("relaxation/geometry_1f0f30abd3", "  |  x       ", "  |  x    ****"),
        ("molecule", "  |    1         ", "  |    1     NaN "),
    ],
)
def test_numbers_that_cannot_be_read(tmp_path, run, old, new):
    with pytest.raises(EngineError, match=r"cannot be read|is missing") as caught:
        parse_output(spoilt(tmp_path, run, old, new))
    assert caught.value.kind == "crash"


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(EngineError, match="no FHI-aims output"):
        parse_output(tmp_path / "aims.out")
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(EngineError):
        parse_output(tmp_path / "noise")


def test_samples_of_other_versions():
    """The outputs that ASE ships for its own reader: whole ones are read, shortened ones refused."""
    folder = Path(ase.__file__).parent / "test" / "testdata" / "aims"
    if not folder.is_dir():
        pytest.skip("this ASE comes without its test data")
    whole = 0
    for path in sorted(folder.glob("*.out")):
        try:
            found = parse_output(path)
        except EngineError:
            text = path.read_text(errors="replace")
            assert aims.END not in text or aims.BEGINNING not in text
            continue
        whole += 1
        assert found.energy is None or np.isfinite(found.energy)
    assert whole >= 1
