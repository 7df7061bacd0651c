"""The options of a section of ui.conf: what all of them share, and the shapes that most procedures have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import Self

from genarris_fw.declaring.option import Declared, derived, option
from genarris_fw.declaring.queueing import Duration, Memory, PlainName
from genarris_fw.declaring.types import DisorderName, Format, InputFile, InputFolder, OutputFolder, Verbosity, Whole
from genarris_fw.options.sizes import UNKNOWN, Count

if TYPE_CHECKING:
    from genarris_fw.options.resolving.draft import Bench, Draft


class ProcedureOptions(Declared):
    """The options of one section.

    Attributes
    ----------
    procedure : str
        The procedure's name in the manual's spelling.
    order : int
        Where the procedure stands in the workflow: sections and tables are listed so.
    synonyms : tuple of str
        Further names of the procedure.
    no_effect : dict
        Known options of other versions that have no effect -> why.
    of_rigid_molecules : bool
        Whether it needs the molecule in one complete piece, with charges and types of atoms; `check` looks at that.
    makes_molecule : bool
        Whether later steps build on the molecule that this one makes.
    makes : str
        Which structures its output pool has: 'new' ones, or all ('same') or 'some' of its input's.
    results : dict
        Field of the step's summary -> words for status and closing table, ``{}`` for its number
        (`genarris_fw.declaring.results`).
    prefers_exemplars : bool
        Whether it works on the exemplars of a clustering before it rather than on all structures.
    a_replica_a_rank : bool
        Whether it has, without num_replicas, a replica for each of the manual's MPI ranks.
    """

    procedure: ClassVar[str] = ""
    order: ClassVar[int] = 1000
    synonyms: ClassVar[tuple[str, ...]] = ()
    no_effect: ClassVar[dict[str, str]] = {}
    of_rigid_molecules: ClassVar[bool] = False
    makes_molecule: ClassVar[bool] = False
    makes: ClassVar[str] = "new"
    results: ClassVar[dict[str, str]] = {"structures": "{} structures"}
    prefers_exemplars: ClassVar[bool] = False
    a_replica_a_rank: ClassVar[bool] = False

    @classmethod
    def resolve(cls, bench: Bench, draft: Draft) -> None:
        """Complete a step's options from what ui.conf says elsewhere: molecule, Z, engine and pools by their shapes."""
        from genarris_fw.options.resolving.usual import resolve

        resolve(bench, draft)

    def structures_made(self, before: Count, groups: int | None) -> Count:
        """Return how many structures the output pool will have.

        Parameters
        ----------
        before : Count
            Of the input pool.
        groups : int or None
            How many space groups the run's generator uses, where that is known.
        """
        return before.at_most() if self.makes == "some" else before

    def exemplars_made(self, before: Count) -> Count:
        """Return how many exemplars there will be, of a step that chooses some."""
        return UNKNOWN

    def problems_here(self) -> list[str]:
        """Return what would stop the step on this machine, one line each: what it lacks, input that cannot be used.

        Asked by check, and before a run begins; the files that options name may be read.
        """
        return []

    @classmethod
    def resolved(cls, options: dict[str, Any]) -> Self:
        """Return the model of a step's resolved options; what another version knew and this one does not is left out.

        Raises
        ------
        pydantic.ValidationError
            When a value is none of its option's.
        """
        return cls.model_validate({name: value for name, value in options.items() if name in cls.model_fields})


_FROM_QADAPTER = "from [Genarris_master], else my_qadapter.yaml"


class QueueOptions(ProcedureOptions):
    """What a queueing system is asked for, for every replica: of a procedure, or in the master section of all."""

    walltime: Duration | None = option(
        "Time limit of each replica's job (stored in s)",
        category="inferred",
        default_words=_FROM_QADAPTER,
        changes_results=False,
    )
    memory: Memory | None = option(
        "Memory of each replica's job, 1 GB = 1024 MB (stored in MB); PBS and SGE get it per core",
        category="inferred",
        default_words=_FROM_QADAPTER,
        changes_results=False,
    )
    queue: PlainName | None = option(
        "Queue or partition of the jobs", category="inferred", default_words=_FROM_QADAPTER, changes_results=False
    )
    account: PlainName | None = option(
        "Account that pays for the jobs", category="inferred", default_words=_FROM_QADAPTER, changes_results=False
    )
    category: PlainName | None = option(
        "FireWorks' _category: only rockets whose my_fworker.yaml has this category, or none, do the work",
        category="inferred",
        default_words="from [Genarris_master], else every rocket but those of a category",
        changes_results=False,
    )


class SharedOptions(QueueOptions):
    """The options that every procedure's section takes."""

    num_cores: Whole | None = option(
        "Number of cores this procedure is laid out for, shared by its replicas; each replica's job asks for its share",
        ge=1,
        le=10**7,
        default_words="what the machine has",
        changes_results=False,
    )
    num_replicas: Whole = option(
        "Number of replicas that share the procedure's work items", 1, ge=1, le=10**6, changes_results=False
    )
    omp_num_threads: Whole = option(
        "Number of OpenMP threads of each process of a replica", 1, ge=1, le=10**4, changes_results=False
    )
    verbose: Verbosity = option(
        "How much is logged: True, False or a level", False, aliases=("verbose_output",), changes_results=False
    )


def pool_option(*takes: str, default_words: str = "the output of the previous procedure", holds: str = "") -> Any:
    """Declare ``structure_dir``: what it `takes`, first what is wanted most, and what others find in it."""
    return option(
        "Pool, folder or file of structures, or RUN:POOL of the database, to work on",
        category="inferred",
        again="reset",
        default_words=default_words,
        takes=takes,
        holds=holds,
    )


class OnStructures(SharedOptions):
    """A procedure that works on a pool of structures."""

    structure_dir: InputFolder | None = pool_option("energies", "pressed", "generated")
    input_pool: str = derived("The pool that it works on", "")
    import_folder: str | None = derived("Folder whose files, or file whose structures, become the input pool first")
    import_pool: str | None = derived("RUN:POOL of the same database whose structures become the input pool first")


class MakesPool(SharedOptions):
    """A procedure whose structures are a pool of their own, and are written to a folder."""

    output_dir: OutputFolder | None = option(
        "Folder, and name of the pool, of the resulting structures", again="suffix", default_words="the step's name"
    )
    output_format: Format = option("Format of the exported structures", "json", changes_results=False)
    output_pool: str = derived("The pool that it makes", "", changes_results=False)


def molecule_option(lends: int = 0) -> Any:
    """Declare ``molecule_path``; a section with a higher `lends` is asked before others."""
    return option(
        "Geometry file of the molecule",
        category="inferred",
        default_words="the relaxed molecule of an earlier Relax_Single_Molecule, else from any section",
        changes_results=False,  # its content does
        lends=lends,
    )


def cell_option(default_words: str = "from any section that gives it", lends: int = 0) -> Any:
    """Declare ``Z``, with at most the operations of the largest space groups; `lends` as of the molecule."""
    return option("Molecules per cell", category="inferred", ge=1, le=192, default_words=default_words, lends=lends)


def record_option() -> Any:
    """Declare ``record``, which goes with ``molecule_path``."""
    return option(
        "Which record of molecule_path (molecules of an sdf, frames of an xyz, conformers of SMILES) is the molecule, "
        "from 1",
        category="inferred",
        ge=1,
        le=10**9,
        default_words="that of the section that gives molecule_path; else the only one",
        changes_results=False,  # it counts with the file's content
    )


def component_option() -> Any:
    """Declare ``component``, which goes with ``molecule_path``."""
    return option(
        "Which of the different molecules in molecule_path (a hydrate's crystal, for example) is the molecule, from 1",
        category="inferred",
        ge=1,
        le=10**6,
        default_words="that of the section that gives molecule_path; else the only one",
        changes_results=False,  # as above
    )


def disorder_option() -> Any:
    """Declare ``disorder``, which goes with ``molecule_path``."""
    return option(
        "Of a disordered crystal in molecule_path: refuse it, or take the major part",
        category="inferred",
        default_words="that of the section that gives molecule_path; else refuse",
        changes_results=False,  # as above
    )


class OnMolecule(SharedOptions):
    """A procedure that needs the molecule."""

    molecule_path: InputFile | None = molecule_option()
    record: Whole | None = record_option()
    component: Whole | None = component_option()
    disorder: DisorderName | None = disorder_option()
    molecule_step: str | None = derived("The earlier step that relaxes the molecule")


class OnCells(SharedOptions):
    """A procedure that needs to know how many molecules a cell holds."""

    Z: Whole = cell_option()
