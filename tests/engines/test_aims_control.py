"""control.in: read, completed, changed, refused, and made comparable."""

from __future__ import annotations

import numpy as np
import pytest
from shared_data import shared

from genarris_fw.crystal import Structure
from genarris_fw.engines.aims.control import Control, refuse_unusable
from genarris_fw.engines.aims.job import AimsJob
from genarris_fw.engines.aims.remedies import handlers
from genarris_fw.engines.aims.settings import AimsSettings
from genarris_fw.engines.aims.species import VARIABLE, digest_of, with_missing_species
from genarris_fw.errors import EngineError, InputError

TUTORIAL = "benzene_tutorial/aims"
HYDROGEN = Structure(None, ["H", "H"], [[0, 0, 0], [0, 0, 0.74]], struct_id="h2")
CRYSTAL = Structure(4.0 * np.eye(3), ["H", "H"], [[0, 0, 0], [0, 0, 0.74]], struct_id="h2_crystal")
# Made up for the tests: no species defaults of FHI-aims.
GENERAL = """\
# a comment
  XC        pbe      # the functional
  relativistic atomic_zora scalar
  charge_mix_param   0.2
  sc_accuracy_rho    1E-4
  k_grid 2 2 2
"""


def block(name: str, nucleus: int, cut: str = "3.5") -> str:
    return f"""\
  species        {name}
    nucleus      {nucleus}   # charge
    cut_pot      {cut} 1.5 1.0
    gaussian 0 2
      1.5 0.3
      0.5 0.7
    hydro 2 p 3.1
"""


TEXT = GENERAL + block("H", 1)


@pytest.fixture(autouse=True)
def no_defaults(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def kind_of(caught) -> tuple[str, bool]:
    return caught.value.kind, caught.value.permanent


def test_real_files_are_understood():
    folder = shared(TUTORIAL)
    molecule = Control((folder / "molecule" / "control.in").read_text())
    crystal = Control((folder / "scf" / "geometry_00c3602574" / "control.in").read_text())
    relaxation = Control((folder / "relaxation" / "geometry_1f0f30abd3" / "control.in").read_text())
    assert molecule.species == ["H", "C", "N", "O", "S"]
    assert crystal.species == ["H", "C", "N", "O", "S", "Cl", "Br", "F"]
    assert [one.relaxes for one in (molecule, crystal, relaxation)] == [True, False, True]
    assert [one.value("k_grid") for one in (molecule, crystal, relaxation)] == [None, ["3", "3", "3"], ["3", "3", "3"]]
    assert crystal.method == "pbe vdw_correction_hirshfeld"
    assert relaxation.method == "pbe vdw_correction_hirshfeld relativistic none"
    # Everything between the general part and the end belongs to a species.
    general = {"xc", "spin", "charge", "occupation_type", "sc_accuracy_rho", "sc_accuracy_eev", "sc_accuracy_etot"}
    stated = {line.split()[0] for line in crystal.canonical.split("species")[0].splitlines()}
    assert stated == general | {"vdw_correction_hirshfeld", "k_grid"}


def test_general_keywords_after_a_species_are_general():
    control = Control(block("H", 1) + "relax_geometry bfgs 1e-2\n" + block("O", 8))
    assert control.relaxes and control.species == ["H", "O"]


@pytest.mark.parametrize(
    ("line", "relaxes"),
    [
        ("relax_geometry none", False),
        ("#relax_geometry trm 1e-2", False),
        ("RELAX_GEOMETRY trm 1e-2", True),
        ("", False),
    ],
)
def test_is_a_relaxation_asked_for(line, relaxes):
    assert Control(TEXT + line).relaxes is relaxes


def test_a_keyword_is_changed_where_it_stands_and_once():
    control = Control("charge_mix_param 0.5\n" + TEXT).with_keyword("charge_mix_param", "0.05")
    assert control.values("charge_mix_param") == [["0.05"]]
    assert control.text.splitlines()[0] == "charge_mix_param 0.05"
    assert control.block("H") == Control(TEXT).block("H")


def test_a_new_keyword_stands_before_the_species():
    lines = Control(TEXT).with_keyword("sc_iter_limit", "300").text.splitlines()
    assert lines.index("sc_iter_limit 300") == [line.split()[0] for line in lines].index("species") - 1
    assert Control(GENERAL).with_keyword("sc_iter_limit", "300").text == GENERAL + "sc_iter_limit 300\n"


class TestComparable:
    def test_layout_does_not_count(self):
        other = "k_grid 2 2 2\nxc PBE\n\nsc_accuracy_rho 1.d-4\nrelativistic ATOMIC_ZORA scalar\n" + block(
            "H", 1, "3.50"
        )
        assert Control(other).digest == Control(TEXT).digest

    @pytest.mark.parametrize(
        "line",
        [
            "relax_geometry bfgs 1e-2",
            "relax_unit_cell full",
            "sc_iter_limit 100",
            "preconditioner kerker off",
            "walltime 60",
        ],
    )
    def test_what_does_not_change_an_energy_does_not_count(self, line):
        assert Control(line + "\n" + TEXT).digest == Control(TEXT).digest

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("pbe", "pbe0"),
            ("2 2 2", "2 2 3"),
            ("1E-4", "1E-5"),
            ("3.5", "4.0"),
            ("0.3\n", "0.4\n"),
            ("# a comment", "spin collinear"),
        ],
    )
    def test_what_changes_an_energy_counts(self, old, new):
        assert Control(TEXT.replace(old, new, 1)).digest != Control(TEXT).digest

    def test_the_order_of_species_does_not_count_but_that_within_one_does(self):
        one, other = GENERAL + block("H", 1) + block("O", 8), GENERAL + block("O", 8) + block("H", 1)
        assert Control(one).digest == Control(other).digest
        swapped = TEXT.replace("      1.5 0.3\n      0.5 0.7\n", "      0.5 0.7\n      1.5 0.3\n")
        assert Control(swapped).digest != Control(TEXT).digest


class TestRefused:
    @pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
    def test_empty(self, text):
        with pytest.raises(EngineError, match=r"h2: control\.in names no functional") as caught:
            refuse_unusable(Control(text), HYDROGEN, False)
        assert kind_of(caught) == ("input", True)

    def test_a_crystal_without_k_points(self):
        control = Control(TEXT.replace("k_grid 2 2 2", ""))
        refuse_unusable(control, HYDROGEN, False)
        with pytest.raises(EngineError, match=r"h2_crystal: a crystal needs k points; .*'k_grid 3 3 3'") as caught:
            refuse_unusable(control, CRYSTAL, False)
        assert kind_of(caught) == ("input", True)
        refuse_unusable(Control(TEXT.replace("k_grid 2 2 2", "k_grid_density 5")), CRYSTAL, False)

    def test_single_points_and_relaxations_are_not_mixed_up(self):
        relaxing = Control("relax_geometry bfgs 1e-2\n" + TEXT)
        refuse_unusable(relaxing, HYDROGEN, True)
        with pytest.raises(EngineError, match="add a line such as 'relax_geometry bfgs 1e-2'"):
            refuse_unusable(Control(TEXT), HYDROGEN, True)
        with pytest.raises(EngineError, match="take its line 'relax_geometry' out"):
            refuse_unusable(relaxing, HYDROGEN, False)


class TestSpecies:
    @pytest.fixture
    def defaults(self, tmp_path):
        for tier, cut in (("light", "3.5"), ("tight", "4.0")):
            folder = tmp_path / tier
            folder.mkdir()
            (folder / "01_H_default").write_text("# made up\n" + block("H", 1, cut))
            (folder / "08_O_default").write_text(block("O", 8, cut))
        return tmp_path

    def test_missing_blocks_are_added(self, defaults):
        control = with_missing_species(Control(TEXT), ["O", "H", "O"], str(defaults / "light"))
        assert control.species == ["H", "O"]
        assert control.text.startswith(TEXT)
        assert control.block("O") == Control(block("O", 8)).block("O")
        refuse_unusable(control, Structure(None, ["O"], [[0, 0, 0]]), False)

    def test_nothing_is_added_to_a_complete_file(self, defaults):
        assert with_missing_species(Control(TEXT), ["H"], str(defaults / "nowhere")).text == TEXT

    def test_the_environment_serves_a_file_without_blocks(self, defaults, monkeypatch):
        monkeypatch.setenv(VARIABLE, str(defaults / "tight"))
        control = with_missing_species(Control(GENERAL), ["H"], None)
        assert "cut_pot 4.0" in control.block("H")
        # One that brings blocks is not completed from the environment.
        with pytest.raises(EngineError, match=r"no block 'species O' \(it has H\); add it, or set species_dir"):
            with_missing_species(Control(TEXT), ["H", "O"], None)

    def test_the_option_wins(self, defaults, monkeypatch):
        monkeypatch.setenv(VARIABLE, str(defaults / "tight"))
        assert "cut_pot 3.5" in with_missing_species(Control(GENERAL), ["H"], str(defaults / "light")).block("H")

    def test_neither(self):
        with pytest.raises(EngineError, match=f"set species_dir .or {VARIABLE}. to a folder") as caught:
            with_missing_species(Control(GENERAL), ["H"], None)
        assert kind_of(caught) == ("input", True)

    def test_what_a_folder_lacks(self, defaults):
        with pytest.raises(EngineError, match=r"06_C_default: the species defaults cannot be read \(No such file"):
            with_missing_species(Control(TEXT), ["C"], str(defaults / "light"))
        with pytest.raises(EngineError, match=r"holds the tiers light, tight; name one: species_dir = .*/light"):
            with_missing_species(Control(TEXT), ["C"], str(defaults))
        with pytest.raises(EngineError, match="there is no such folder here"):
            with_missing_species(Control(TEXT), ["C"], str(defaults / "nowhere"))
        (defaults / "light" / "06_C_default").write_text(block("O", 8))
        with pytest.raises(EngineError, match="06_C_default: there is no block 'species C' in it"):
            with_missing_species(Control(TEXT), ["C"], str(defaults / "light"))

    def test_the_defaults_are_part_of_the_settings(self, defaults, monkeypatch):
        light, tight = (digest_of(Control(GENERAL), str(defaults / tier)) for tier in ("light", "tight"))
        assert light and tight and light != tight
        monkeypatch.setenv(VARIABLE, str(defaults / "light"))
        assert digest_of(Control(GENERAL), None) == light
        # The environment does not touch a control.in that brings its blocks.
        assert digest_of(Control(TEXT), None) is None


class TestSettings:
    def test_the_text_wins_over_the_path(self, tmp_path):
        path = tmp_path / "control.in"
        path.write_text(TEXT)
        assert AimsSettings(control_path=str(path)).with_control().control == TEXT
        assert AimsSettings(control_path=str(path), control=GENERAL).with_control().control == GENERAL

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({}, "set control_path to the path of FHI-aims' control.in: it is needed"),
            ({"control_path": "/nowhere/control.in"}, "/nowhere/control.in: control.in cannot be read"),
            ({"control": TEXT, "aims_command": "a", "aims_lib_dir": "b"}, "both aims_command and aims_lib_dir"),
            ({"silence": 0.0}, "'silence' must be a number from 0.1"),
            ({"max_restarts": -1}, "'max_restarts' must be a whole number from 0"),
            ({"keep_files": ["../secret"]}, "of files without a folder"),
        ],
    )
    def test_refused(self, settings, message):
        with pytest.raises(InputError, match=message):
            AimsSettings.of("aims", settings).with_control()

    def test_how_it_is_run_does_not_change_the_hash(self):
        one = AimsSettings(control=TEXT, aims_command="a.x", auto_correct=True, omp_num_threads=4)
        assert one.of_the_energy() == AimsSettings(control="walltime 5\n" + TEXT).of_the_energy()


class TestRemedies:
    def corrections(self, text: str, structure: Structure, **settings) -> list[str]:
        job = AimsJob(structure, Control(text), False)
        failure = EngineError("no convergence", "scf")
        said = [one.correct(failure, job) for one in handlers(AimsSettings(**settings)) if one.kind == "scf"]
        self.control = job.control
        return said

    def test_each_changes_one_keyword(self):
        said = self.corrections(TEXT, CRYSTAL, auto_correct=True)
        # A crystal has Kerker's preconditioner by default (the tutorial's outputs show it at work).
        assert said == ["charge_mix_param 0.05", "sc_iter_limit 3000", "preconditioner kerker off"]
        assert [self.control.values(line.split()[0]) for line in said] == [[line.split()[1:]] for line in said]
        assert self.control.digest == Control(TEXT).digest

    def test_they_start_from_what_stands_there(self):
        text = "sc_iter_limit 50\npreconditioner kerker off\npreconditioner turnoff charge 1e-4\n" + TEXT
        said = self.corrections(text.replace("0.2", "1.d-1"), HYDROGEN, auto_correct=True)
        assert said == ["charge_mix_param 0.025", "sc_iter_limit 150", "preconditioner kerker 2.0"]

    def test_only_when_asked_for(self):
        assert self.corrections(TEXT, HYDROGEN) == []


@pytest.mark.parametrize("number", ["inf", "nan", "1e308", "-5", "x", ""])
def test_more_cycles_than_a_number_that_is_none(number):
    job = AimsJob(CRYSTAL, Control(f"xc pbe\nsc_iter_limit {number}\ncharge_mix_param {number}\n"), relax=False)
    for handler in handlers(AimsSettings(auto_correct=True)):
        if handler.kind == "scf":
            handler.correct(EngineError("no convergence", "scf"), job)
    assert job.control.value("sc_iter_limit") == ["3000"] and job.control.value("charge_mix_param") == ["0.05"]
