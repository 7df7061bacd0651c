"""From a configuration of Genarris 3 to a ui.conf of this program, with a comment where the two differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genarris_fw.errors import InputError
from genarris_fw.names import made_safe
from genarris_fw.options.genarris3.configuration import Genarris3
from genarris_fw.options.genarris3.documented import TASKS_WITHOUT, why_without
from genarris_fw.showing import printable, shown

# The energy methods of Genarris 3 that no engine of this program is.
_POTENTIALS = {
    "maceoff": "MACE-OFF (engine = ase, calculator = mace.calculators:mace_off, where mace-torch is installed)",
    "uma": "UMA (engine = ase with a factory of fairchem's calculator)",
    "aimnet": "AIMNet2 (engine = ase with a factory of its calculator)",
    "vasp": "VASP (engine = ase, calculator = ase.calculators.vasp:Vasp)",
    "dftb": "DFTB+ (engine = ase, calculator = ase.calculators.dftb:Dftb)",
}
METHODS = (*_POTENTIALS, "aims")
_GENERATIONS = ("generation", "crystal_generation")


@dataclass(frozen=True)
class Surroundings:
    """What is known beside the configuration.

    Attributes
    ----------
    n_groups : callable
        Space groups that are asked for (``all``, or a list), molecules per cell and tolerance in Å -> how many of them
        have a site for the molecule; None where that cannot be said.
    engine : str
        An engine that can be used here in place of the potentials that this program has not got.
    matcher : bool
        Whether pymatgen is here, whose StructureMatcher Genarris 3 compares crystals with.
    settings : callable
        Path of a JSON file -> what it holds; None where it cannot be read.
    """

    n_groups: Callable[[Any, int, float], int | None]
    engine: str
    matcher: bool
    settings: Callable[[str], Mapping[str, Any] | None]


@dataclass
class _Step:
    """A procedure with its section: lines of option and value, and comments before them."""

    procedure: str
    options: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


@dataclass
class Translated:
    """A ui.conf, and further files that it names."""

    text: str
    files: dict[str, str]


def translate(conf: Genarris3, about: Surroundings, source: str) -> Translated:
    """Return the ui.conf of this program that does what a configuration of Genarris 3 asks for.

    Parameters
    ----------
    conf : Genarris3
        The configuration.
    about : Surroundings
        What is known beside it.
    source : str
        Its file's name, for the first comment.

    Returns
    -------
    Translated
        With a comment for every option that has no counterpart, and where two programs do the same differently.

    Raises
    ------
    InputError
        For a task that Genarris 3 does not know, and one that needs more than one molecule.
    """
    return _Translation(conf, about, source).result()


class _Translation:
    def __init__(self, conf: Genarris3, about: Surroundings, source: str) -> None:
        self.conf, self.about, self.source = conf, about, source
        self.steps: list[_Step] = []
        self.files: dict[str, str] = {}
        self.energies: list[str] = []  # names of the energies that the structures have as they are
        self.pool = ""  # what the last step made
        self.experiment: _Step | None = None

    def result(self) -> Translated:
        master = self.master()
        total, count = Counter(self.conf.tasks), Counter[str]()
        for task in self.conf.tasks:
            count[task] += 1
            self.task(task.lower(), count[task] if total[task] > 1 else 0)
        master.options = {"procedures": [step.procedure for step in self.steps], **master.options}
        lines = [
            f"# Translated from {printable(self.source)}, a configuration of Genarris 3, by genarris-fw convert.",
            "# What differs is said before each section; genarris-fw options shows all options.",
            "",
            *_section("Genarris_master", master),
        ]
        if self.experiment is not None:
            lines += ["", *_section(self.experiment.procedure.lower(), self.experiment)]
        seen, first = Counter[str](), dict[str, _Step]()
        for step in self.steps:
            seen[step.procedure] += 1
            number = f"_{seen[step.procedure]}" if seen[step.procedure] > 1 else ""
            # A later occurrence inherits what its own section does not give; None asks for the default.
            before = first.setdefault(step.procedure, step)
            step.options |= {name: None for name in before.options if name not in step.options}
            lines += ["", *_section(step.procedure.lower() + number, step)]
        left = self.conf.left()
        if left:
            lines += ["", "# Without a counterpart:"]
            lines += [
                f"#   [{printable(section)}] {printable(option)} = {printable(str(value))[:200]}"
                + (f": {why}" if (why := why_without(section, option)) else "")
                for section, option, value in left
            ]
        return Translated("\n".join(lines) + "\n", self.files)

    def master(self) -> _Step:
        step, take = _Step("Genarris_master"), self.conf.take
        name, paths = take(["master"], "name"), take(["master"], "molecule_path")
        step.options["run_name"] = made_safe(str(name or "genarris"), "run")
        paths = paths if isinstance(paths, list) else [paths] if paths else []
        if not paths:
            raise InputError(f"{self.source}: [master] names no molecule_path, which Genarris 3 requires")
        step.options["molecule_path"] = str(paths[0])
        if len(paths) > 1:
            step.comments.append(
                "Further conformers, each to be searched in a run of its own: " + ", ".join(map(str, paths[1:]))
            )
        self.Z = take(["master"], "z")
        if not isinstance(self.Z, int):
            raise InputError(f"{self.source}: [master] Z = {shown(self.Z)} is no number of molecules per cell")
        step.options["Z"] = self.Z
        seed = take(_GENERATIONS, "seed")
        step.options["seed"] = seed if isinstance(seed, int) else 42
        if seed is None:
            step.comments.append("seed = 42 is the default of Genarris 3.")
        if str(take(["master"], "log_level")).lower() == "debug":
            step.options["verbose"] = 3
        self.conf.take(["workflow"], "tasks")
        if path := take(["experimental_structure"], "path"):
            self.experiment = _Step("Experimental_Structure", {"path": str(path)})
        return step

    def task(self, task: str, number: int) -> None:
        places = [f"{task}_{number}", task] if number else [task]
        if task in _GENERATIONS:
            self.generation([*places, *(other for other in _GENERATIONS if other not in places)])
        elif task in ("rigid_press", "symm_rigid_press"):
            self.press(task, places)
        elif task == "dedup":
            self.duplicates(places)
        elif task == "acsf":
            self.descriptor(places)
        elif task.partition("_")[0] in ("ap", "kmeans") and task.partition("_")[2] in ("center", "window"):
            self.clustering(task, number)
        elif task in METHODS:
            self.energy(task, number)
        elif task.partition("_")[0] in ("bfgs", "lbfgs") and task.partition("_")[2] in METHODS:
            self.relaxation(task, number)
        else:
            why = f": {TASKS_WITHOUT[task]}" if task in TASKS_WITHOUT else ""
            raise InputError(
                f"{self.source}: [workflow] names the task {shown(task)}, which has no counterpart here{why}"
            )

    def add(self, step: _Step, reads: str | None = None, makes: str | None = None) -> None:
        """Add a step that works on the last pool, or on another one, and makes one that is called as the step is."""
        number = sum(one.procedure == step.procedure for one in self.steps) + 1
        name = step.procedure.lower() + (f"_{number}" if number > 1 else "")
        if self.pool:
            step.options = {"structure_dir": reads or self.pool, **step.options}
        self.steps.append(step)
        if step.procedure not in ("Estimate_Unit_Cell_Volume", "Run_Rdf_Calc"):
            self.pool = makes or name

    def generation(self, places: list[str]) -> None:
        take = self.conf.take
        volume, made = _Step("Estimate_Unit_Cell_Volume"), _Step("Pygenarris_Structure_Generation")
        mean = take(places, "ucv_mean", "unit_cell_volume_mean")
        spread = _number(take(places, "ucv_std", "unit_cell_volume_std"), 0.05)
        factor = _number(take(places, "ucv_mult", "volume_mult"), 1.5)
        if isinstance(mean, int | float):
            volume.options["volume_mean"] = float(mean)
            volume.options["volume_std"] = round(spread * float(mean), 6)
        else:
            volume.options["volume_multiplier"] = factor
            volume.options["std_of_predicted_errors"] = round(spread / 3, 6)
            volume.comments.append("The volume's standard deviation is 3 x std_of_predicted_errors of its mean.")
        wanted = _groups(take(places, "spg_distribution_type"))
        if take(places, "stoichiometry") not in (None, [1], (1,), 1):
            raise InputError(f"{self.source}: stoichiometry asks for several components, and there is one here")
        per_group = take(places, "num_structures_per_spg")
        if not isinstance(per_group, int) or per_group < 1:
            raise InputError(f"{self.source}: num_structures_per_spg = {shown(per_group)} is no number of structures")
        tol = _number(take(places, "tol"), 0.1)
        number = self.about.n_groups(wanted, self.Z, tol)
        if number:
            made.options["num_structures"] = per_group * number
            made.comments.append(f"num_structures is {per_group} for each of {number} space groups that have a site.")
        else:
            made.options |= {"num_structures_per_allowed_SG_per_rank": per_group, "num_cores": 1}
            made.comments.append(
                "The number for each space group holds for num_cores = 1: raise num_replicas, not that."
            )
        made.comments.append(
            "Genarris 3 asks for fewer structures on special positions; here every group gets as many."
        )
        made.options |= {"space_groups": wanted, "sr": _number(take(places, "sr", "specific_radius_proportion"), 0.95)}
        made.options["tol"] = tol
        made.options["max_attempts_per_spg"] = int(_number(take(places, "max_attempts_per_spg"), 10**7))
        made.options["contact_rules"] = "3.x"
        made.comments.append("contact_rules = 3.x: hydrogen bonds as short as Genarris 3 allows them.")
        self.add(volume)
        self.add(made)

    def press(self, task: str, places: list[str]) -> None:
        step, take = _Step("Rigid_Press"), self.conf.take
        step.options["sr"] = _number(take(places, "sr"), 0.85)
        if task == "rigid_press":
            step.options["max_steps"] = int(_number(take(places, "maxiter"), 400))
            step.comments.append("The press here keeps the space group, which rigid_press of Genarris 3 may lose.")
        else:
            step.comments.append("max_steps is the default: symm_rigid_press minimises by other means.")
        self.energies = []  # of other geometries
        self.add(step)

    def duplicates(self, places: list[str]) -> None:
        step, take = _Step("Remove_Duplicates"), self.conf.take
        tolerances = {
            "ltol": _number(take(places, "ltol"), 0.5),
            "stol": _number(take(places, "stol"), 0.5),
            "angle_tol": _number(take(places, "angle_tol"), 10.0),
        }
        if self.about.matcher:
            step.options |= {"method": "structure_matcher", **tolerances}
            step.comments.append("method = rmsd tells crystals apart that these loose tolerances take for one.")
        else:
            step.options["method"] = "rmsd"
            said = ", ".join(f"{name} = {value}" for name, value in tolerances.items())
            step.comments.append(
                f"pymatgen is not installed here; with it Genarris 3's way is method = structure_matcher, {said}."
            )
        self.name_energy(step, take(places, "energy_key"))
        self.add(step)

    def descriptor(self, places: list[str]) -> None:
        step = _Step("Run_Rdf_Calc")
        cutoff = self.conf.take(places, "r_cut")
        if isinstance(cutoff, int | float):
            step.options["cutoff"] = float(cutoff)
        step.comments.append(
            "Radial symmetry functions of pairs of elements stand for ACSF: no angular functions (g3, g4), no PCA; "
            "see n_D_inter and Rs_range for g2_params."
        )
        self.add(step)

    def clustering(self, task: str, number: int) -> None:
        take, (way, _, choice) = self.conf.take, task.partition("_")
        places, chosen = ([f"{name}_{number}", name] if number else [name] for name in (way, choice))
        self.describe_anew()
        step = _Step("Affinity_Propagation_Fixed_Clusters")
        wanted = take(places, "n_clusters")
        step.options["num_of_clusters"] = wanted if isinstance(wanted, int | float) else 0.1
        if way == "kmeans":
            step.options["cluster_method"] = "minibatch_kmeans"
        else:
            self.affinity(step, places, wanted)
        by = take(chosen, "filter")
        if choice == "center" and by not in (None, "center"):
            if self.energies:
                step.options["cluster_on_energy"] = True
            self.name_energy(step, by)
        number = sum(one.procedure == step.procedure for one in self.steps) + 1
        exemplars = "exemplars" + (f"_{number}" if number > 1 else "")
        step.options["exemplars_output_dir"] = exemplars
        if choice == "window":
            self.add(step)
            self.window(chosen, by)
        else:
            self.add(step, makes=exemplars)

    def describe_anew(self) -> None:
        """Have the structures that are to be clustered described, unless the step before has done that."""
        if self.steps and self.steps[-1].procedure == "Run_Rdf_Calc":
            return
        before = next((step for step in reversed(self.steps) if step.procedure == "Run_Rdf_Calc"), None)
        said = "The structures are others than those described before: their vectors, anew."
        comment = said if before else "The vectors that are clustered."
        options = {name: value for name, value in before.options.items() if name != "structure_dir"} if before else {}
        self.add(_Step("Run_Rdf_Calc", options, [comment]))

    def affinity(self, step: _Step, places: list[str], wanted: Any) -> None:
        take = self.conf.take
        step.options["affinity_type"] = ["power", 2]
        step.comments.append("affinity_type: the negative square of the distance, as scikit-learn has it.")
        for name, option, default in (("damping", "damping", 0.5), ("max_iter", "max_iter", 200)):
            step.options[option] = _number(take(places, name), default)
        step.options["max_iter"] = int(step.options["max_iter"])
        step.options["convergence_iter"] = int(_number(take(places, "convergence_iter"), 15))
        if isinstance(allowed := take(places, "clusters_tol"), int) or (
            isinstance(allowed, float) and isinstance(wanted, int)
        ):
            within = allowed if isinstance(allowed, int) else round(allowed * wanted)
            step.options["num_of_clusters_tolerance"] = within
        elif allowed is not None:
            step.comments.append(f"clusters_tol = {printable(str(allowed))} of a fraction: as many as asked for.")
        limits = take(places, "preference_range")
        if isinstance(limits, list):
            step.options["preference_range"] = limits
        elif limits is not None:
            step.comments.append(
                f"preference_range = {printable(str(limits))}: the range follows from the similarities."
            )

    def window(self, places: list[str], by: Any) -> None:
        take, step = self.conf.take, _Step("Select_Structures")
        energies = bool(self.energies)
        width, most = take(places, "energy_window"), take(places, "n_structs_per_cluster")
        if energies and isinstance(width, int | float):
            step.options["energy_window"] = float(width)
            step.comments.append(
                "energy_window is above the lowest of all, in Genarris 3 above the lowest of its cluster."
            )
            self.name_energy(step, by)
        if energies and isinstance(most, int):
            step.options["best_per_cluster"] = most
        if not step.options:
            step.options["most_diverse"] = most if isinstance(most, int) else 100
            why = (
                "There is no energy_window" if energies else "No task before makes energies, which energy_window needs"
            )
            step.comments.append(f"{why}: the most diverse instead.")
        self.add(step)

    def energy(self, method: str, number: int) -> None:
        step = _Step("FHI_Aims_Energy_Evaluation")
        self.engine(step, method, relax=None)
        self.store(step, f"{method}_{number}" if number else method)

    def relaxation(self, task: str, number: int) -> None:
        way, _, method = task.partition("_")
        take, places = self.conf.take, [f"{way}_{number}", way] if number else [way]
        step = _Step("Run_FHI_Aims_Batch")
        fmax, cell = _number(take(places, "fmax"), 0.01), take(places, "cell_opt") is not False
        steps, keep = int(_number(take(places, "steps"), 500)), take(places, "fix_sym") is not False
        if method == "aims":
            self.engine(step, method, relax=(fmax, cell))
        else:
            self.engine(step, method, relax=None)
            step.options |= {"fmax": fmax, "max_steps": steps, "relax_cell": cell, "keep_symmetry": keep}
            step.comments.append(f"optimizer = model instead of {way.upper()}: fewer steps to the same minimum.")
        self.energies = []  # of the geometries before
        self.store(step, f"{task}_{number}" if number else task)

    def store(self, step: _Step, energy: str) -> None:
        step.options["energy_name"] = energy
        self.energies.append(energy)
        self.add(step)

    def engine(self, step: _Step, method: str, relax: tuple[float, bool] | None) -> None:
        if method != "aims":
            step.options["engine"] = self.about.engine
            step.comments.append(f"Genarris 3 was told {_POTENTIALS[method]}; {self.about.engine} is what is here.")
            return
        take = self.conf.take
        command, launcher = take(["aims"], "command"), str(take(["aims"], "mpi_launcher") or "mpirun")
        before = {"mpirun": "mpirun -np {cores} ", "srun": "srun -n {cores} ", "ibrun": "ibrun "}.get(launcher, "")
        step.options |= {"engine": "aims", "aims_command": f"{before}{command or 'aims.x'}"}
        if species := take(["aims"], "species_dir"):
            step.options["species_dir"] = str(species)
        if isinstance(cores := take(["aims"], "num_cores"), int):
            step.options["num_cores"] = cores
        path = take(["aims"], "energy_settings_path")
        control = "control_relax.in" if relax else "control_scf.in"
        settings = self.about.settings(str(path)) if path else None
        step.options["control_path"] = control
        if settings is None:
            step.comments.append(
                f"{control} is to be written: {path or 'no energy_settings_path'} cannot be read here."
            )
        else:
            self.files[control] = _control(settings, relax, str(path))

    def name_energy(self, step: _Step, wanted: Any) -> None:
        if wanted in (None, "None", "center"):
            return
        name = str(wanted).removesuffix("_energy")
        if name in self.energies:
            step.options["energy_name"] = name
        elif self.energies:
            step.options["energy_name"] = self.energies[-1]
            step.comments.append(f"{printable(str(wanted))} is no energy of a task before; the last one is taken.")
        else:
            step.comments.append(f"{printable(str(wanted))}: no task before makes an energy.")


def _section(name: str, step: _Step) -> list[str]:
    comments = [f"# {printable(line)}" for line in step.comments]
    return [*comments, f"[{name}]", *(f"{option} = {_text(value)}" for option, value in step.options.items())]


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, list | tuple) else printable(str(value))


def _number(value: Any, default: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def _groups(value: Any) -> str | list[int]:
    if isinstance(value, list | tuple) and all(isinstance(number, int) for number in value):
        return list(value)
    word = str(value).lower()
    return word if word in ("chiral", "racemic", "csd") else "all"


def _control(settings: Mapping[str, Any], relax: tuple[float, bool] | None, source: str) -> str:
    """Return the control.in of the settings that ASE's calculator is given."""
    lines = [f"# From {printable(source)}, by genarris-fw convert."]
    for name, value in settings.items():
        words = value if isinstance(value, list | tuple) else [value]
        text = " ".join(".true." if word is True else ".false." if word is False else str(word) for word in words)
        lines.append(f"{printable(str(name))} {printable(text)}".rstrip())
    if relax:
        lines.append(f"relax_geometry bfgs {relax[0]:g}")
        if relax[1]:
            lines.append("relax_unit_cell full")
    return "\n".join(lines) + "\n"
