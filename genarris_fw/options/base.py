"""The options of a section of ui.conf: what all of them share, and how a step is made of them."""

from __future__ import annotations

from typing import ClassVar

from genarris_fw.declaring.option import Declared, option
from genarris_fw.declaring.queueing import Duration, Memory, PlainName
from genarris_fw.declaring.types import Verbosity, Whole


class ProcedureOptions(Declared):
    """The options of one section; a model is filled with the texts of ui.conf and holds what was given."""

    procedure: ClassVar[str] = ""
    synonyms: ClassVar[tuple[str, ...]] = ()
    no_effect: ClassVar[dict[str, str]] = {}


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
