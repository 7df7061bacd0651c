"""Outputs never destroy inputs: every place that an output option may not name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ui_conf import BENZENE, generation, problems, resolve, write

from genarris_fw.options import OptionsError, load
from genarris_fw.options.registered import models
from genarris_fw.options.resolving.outputs import RESERVED

SECTION = "[pygenarris_structure_generation]"
DESCRIBED = """\
[Genarris_master]
procedures = ["Pygenarris_Structure_Generation", "Run_Rdf_Calc", "Affinity_Propagation_Fixed_Clusters"]
[pygenarris_structure_generation]
molecule_path = molecule.in
Z = 2
num_structures = 10
output_dir = raw
"""
IMPORTED = """\
[Genarris_master]
procedures = ["Run_Rdf_Calc"]
[run_rdf_calc]
structure_dir = given
"""


CLUSTERED = """\
[Genarris_master]
allow_outputs_outside = True
procedures = ["Affinity_Propagation_Fixed_Clusters"]
[affinity_propagation_fixed_clusters]
structure_dir = {there}/pool
dist_mat_input_file = {there}/m.dat
"""


def only(lines: list[str]) -> str:
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("option", ["output_dir", "geometry_out_filename"])
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("ui.conf", "would overwrite ui.conf"),
        ("./raw/../ui.conf", "'ui.conf' would overwrite ui.conf"),
        ("molecule.in", f"would overwrite molecule_path of {SECTION}"),
        ("molecule.in/deeper", f"would overwrite molecule_path of {SECTION}"),
        *((name, f"would overwrite {name}, which the program keeps there") for name in RESERVED),
        ("genarris_db/data/x", "would overwrite genarris_db"),
        ("../raw", "is outside ui.conf's folder"),
        ("a/../../raw", "is outside ui.conf's folder"),
        ("/raw", "'/raw' is outside ui.conf's folder"),
        ("/", "'/' is outside ui.conf's folder"),
        ("/dev/null", "'/dev/null' is outside ui.conf's folder"),
        ("x" * 256, "has a name of 256 bytes; expected at most"),
        ("ü" * 130, "has a name of 260 bytes"),
        ("/".join(["x" * 200] * 21), "bytes; expected at most"),
    ],
)
def test_one_line_for_each_place_that_is_not_free(tmp_path: Path, option: str, place: str, words: str) -> None:
    line = only(problems(tmp_path, generation(f"{option} = {place}")))
    assert line.startswith(f"8: {SECTION} {option}: ") and words in line and "; expected" in line


@pytest.mark.parametrize("place", ["/raw", "../raw", "/dev/null", "/dev/null/x", "."])
def test_asked_for_outputs_may_lie_outside_but_not_anywhere(tmp_path: Path, place: str) -> None:
    text = generation(f"geometry_out_filename = {place}", "allow_outputs_outside = True")
    words = {"/dev/null": "is a device, pipe or socket", "/dev/null/x": "lies in /dev/null, which is a device"}
    words |= {".": "is a folder; expected a file"}
    if place in words:
        assert words[place] in only(problems(tmp_path, text))
    else:
        options = resolve(tmp_path, text).steps[0].options
        assert options["geometry_out_filename"] == os.path.normpath(tmp_path / place)


def test_an_absolute_path_within_the_folder_is_one_in_it(tmp_path: Path) -> None:
    configuration = resolve(tmp_path, generation(f"output_dir = {tmp_path}/raw"))
    assert configuration.steps[0].options["output_pool"] == "raw"


def test_a_folder_around_that_of_ui_conf(tmp_path: Path) -> None:
    text = generation(f"output_dir = {tmp_path}", "allow_outputs_outside = True")
    assert "the folder of ui.conf, or one around it" in only(problems(tmp_path / "inner", text))


@pytest.mark.parametrize(
    ("rdf", "clustering", "words"),
    [
        (
            "",
            "output_file = geometry.out",
            "output_file: 'geometry.out' is the geometry_out_filename of step pygenarris",
        ),
        ("", "output_file = raw", "output_file: 'raw' is the output_dir of step pygenarris_structure_generation"),
        ("", "affinity_matrix_path = rdf_distance_matrix.dat.json", "is the dist_mat_fpath of step run_rdf_calc"),
        ("", "output_file = rdf_distance_matrix.dat", "'rdf_distance_matrix.dat' is the dist_mat_fpath of step run_"),
        ("", "output_file = affinity_matrix.dat", "is its affinity_matrix_path too; expected another file"),
        ("", "exemplars_output_dir = raw", "the pool 'raw' is there already"),
        ("", "exemplars_output_dir = clustered", "the pool 'clustered' is there already"),
        ("output_dir = raw", "", ""),  # its own input with the vectors
        ("output_dir = no_new_output_dir", "", ""),
    ],
)
def test_the_output_of_another_step(tmp_path: Path, rdf: str, clustering: str, words: str) -> None:
    own = f"[affinity_propagation_fixed_clusters]\noutput_dir = clustered\n{clustering}\n"
    text = f"{DESCRIBED}[run_rdf_calc]\n{rdf}\n{own}"
    if words:
        assert words in only(problems(tmp_path, text))
    else:
        resolve(tmp_path, text)


def test_the_same_folder_for_the_files_of_two_engines(tmp_path: Path) -> None:
    text = """\
    [Genarris_master]
    procedures = ["Pygenarris_Structure_Generation", "FHI_Aims_Energy_Evaluation", "Run_FHI_Aims_Batch"]
    engine = tblite
    molecule_path = molecule.in
    Z = 2
    [pygenarris_structure_generation]
    num_structures = 10
    [fhi_aims_energy_evaluation]
    aims_output_dir = aims
    [run_fhi_aims_batch]
    aims_output_dir = aims
    """
    line = only(problems(tmp_path, text))
    assert "aims_output_dir: 'aims' is the aims_output_dir of step fhi_aims_energy_evaluation" in line


def test_a_control_file_and_the_molecule_of_a_section_that_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "control.in").write_text("xc pbe\n")
    more = "geometry_out_filename = control.in\n[relax_single_molecule]\ncontrol_path = control.in\n"
    assert "would overwrite control_path of [relax_single_molecule]" in only(problems(tmp_path, generation(more)))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("output_dir = given", "would overwrite the structures that run_rdf_calc imports"),
        ("output_dir = given/inner", "would overwrite the structures that run_rdf_calc imports"),
        ("dist_mat_fpath = given/m.dat", "would overwrite the structures that run_rdf_calc imports"),
        ("", ""),
    ],
)
def test_imported_structures_stay(tmp_path: Path, more: str, words: str) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "a.json").write_text("{}")
    if words:
        assert words in only(problems(tmp_path, IMPORTED + more + "\n"))
    else:
        options = resolve(tmp_path, IMPORTED).steps[0].options
        assert options["output_dir"] == str(tmp_path / "run_rdf_calc") and options["output_pool"] == "given"


def test_structures_imported_from_the_folder_of_ui_conf(tmp_path: Path) -> None:
    """All outputs lie in it: that cannot be refused."""
    resolve(tmp_path, IMPORTED.replace("= given", "= ."))


def test_a_matrix_from_elsewhere(tmp_path: Path) -> None:
    """What the clustering writes under a name like it lies in the run's folder."""
    there, folder = tmp_path / "elsewhere", tmp_path / "run"
    (there / "pool").mkdir(parents=True)
    (there / "pool" / "s.json").write_text("{}")
    (there / "m.dat").write_text("")
    text = CLUSTERED.format(there=there)
    assert resolve(folder, text).steps[0].options["exemplars_matrix_file"] == str(folder / "m1.dat")
    lines = problems(folder, f"{text}affinity_matrix_path = {there}/m.dat\n")
    assert "would overwrite the distance matrix that affinity_propagation_fixed_clusters reads" in only(lines)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("ui.conf", "would overwrite ui.conf"),
        ("molecule.in", "would overwrite molecule_path"),
        ("genarris_db", "would overwrite genarris_db"),
        ("/dev/full", "is a device, pipe or socket"),
        (".", "is a folder; expected a file"),
        ("link", ""),  # to itself
    ],
)
def test_links_are_followed(tmp_path: Path, target: str, words: str) -> None:
    (tmp_path / "link").symlink_to(target)
    text = generation("geometry_out_filename = link")
    lines = problems(tmp_path, text) if words else []
    assert words in "".join(lines)


def test_a_database_that_lies_elsewhere_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "genarris_db").symlink_to(tmp_path / "scratch")
    text = generation(f"output_dir = {tmp_path}/scratch/data", "allow_outputs_outside = True")
    assert "would overwrite genarris_db" in only(problems(tmp_path / "run", text))


def test_what_is_there_and_is_no_folder_or_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for option, place, words in (
        ("geometry_out_filename", "folder", "'folder' is a folder; expected a file"),
        ("output_dir", "file", "'file' is a file; expected a folder"),
        ("output_dir", "file/inner", f"'file/inner' lies in {tmp_path}/file, which is a file; expected a folder"),
        ("geometry_out_filename", "pipe", "'pipe' is a device, pipe or socket; expected a file"),
    ):
        assert words in only(problems(tmp_path, generation(f"{option} = {place}")))


def test_the_default_of_an_output_that_is_an_input(tmp_path: Path) -> None:
    conf = write(tmp_path, generation().replace("molecule.in", "geometry.out"))
    (tmp_path / "geometry.out").write_text(BENZENE)
    with pytest.raises(OptionsError, match=r"geometry_out_filename: 'geometry\.out' would overwrite molecule_path"):
        load(conf)


def test_every_path_has_a_role() -> None:
    """An output that is not declared as one would not be checked."""
    roles = {name: role for model in models() for name in model.declared() if (role := model.path_role(name))}
    assert {role.use for role in roles.values()} == {"input", "output", "scratch"}
    reads = {name for name, role in roles.items() if role.use == "input"}
    assert reads == {
        *("molecule_path", "control_path", "structure_dir", "dist_mat_input_file", "dist_mat_ids_file"),
        *("aims_lib_dir", "species_dir", "charges_file", "potential_file", "experiment", "path"),
        *("bp", "bt", "br"),
    }
    assert {name for name, role in roles.items() if role.use == "scratch"} == {"scratch_dir"}
