"""What procedures ask a queue for, and the farm's options of the master section."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from ui_conf import ROBUST, generation, problems, resolve

from genarris_fw.options import difference, options_hash
from genarris_fw.options.base import QueueOptions

SECTION = 8  # the line of what `generation` adds to the procedure's section


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("walltime", "04:00:00", 14400),
        ("walltime", "'100:00:01'", 360001),
        ("walltime", "2-00:00:00", 172800),
        ("walltime", "2-12", 216000),
        ("walltime", "1-02:30", 95400),
        ("walltime", "90 min", 5400),
        ("walltime", "3600s", 3600),
        ("walltime", "1.5 h", 5400),
        ("walltime", "2 d", 172800),
        ("walltime", "None", None),
        ("memory", "4GB", 4096),
        ("memory", "4000MB", 4000),
        ("memory", "1.5 GiB", 1536),
        ("memory", "0.0001 GB", 1),
        ("memory", "2T", 2 * 1024**2),
        ("queue", "long@node-1.site:a_b", "long@node-1.site:a_b"),
        ("account", "007", "007"),
        ("category", '"cheap"', "cheap"),
    ],
)
def test_values(tmp_path, option, text, value):
    options = resolve(tmp_path, generation(f"{option} = {text}")).steps[0].options
    assert options[option] == value and type(options[option]) is type(value)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("walltime", "25 parsecs"),
        ("walltime", "3600"),  # minutes for SLURM, seconds for PBS
        ("walltime", "04:00"),
        ("walltime", "00:00:00"),
        ("walltime", "-1 h"),
        ("walltime", "04:60:00"),
        ("walltime", "1-24:00:00"),
        ("walltime", "400 d"),
        ("walltime", "inf h"),
        ("memory", "-3GB"),
        ("memory", "4"),
        ("memory", "4 kB"),
        ("memory", "0MB"),
        ("memory", "99999999TB"),
        ("queue", "long queue"),
        ("queue", "'long\\n#SBATCH --uid=root'"),
        ("queue", "long\n  --uid=root"),
        ("queue", "$(id)"),
        ("queue", "a;b"),
        ("queue", "-long"),
        ("account", "`id`"),
        ("account", "a/b"),
        ("category", "cheap|dear"),
        ("category", "__none__"),  # FireWorks' word for rockets that take only what has no category
        ("category", "bon" + chr(0x2A70D)),
        ("queue", "x" * 101),
    ],
)
def test_what_must_not_get_into_a_job_script(tmp_path, option, text):
    (line,) = problems(tmp_path, generation(f"{option} = {text}"))
    assert line.startswith(f"{SECTION}: [pygenarris_structure_generation] {option} = '") and ": expected " in line


def test_the_master_section_speaks_for_all_procedures(tmp_path):
    text = ROBUST.replace("engine = tblite", "engine = tblite\nwalltime = 4 h\nqueue = long\ncategory = dear")
    text = text.replace("num_structures = 10", "num_structures = 10\nwalltime = 30 min\nqueue = None")
    configuration = resolve(tmp_path, text + "queue_2 = short\n")
    steps = {step.name: step for step in configuration.steps}
    generator = steps.pop("pygenarris_structure_generation")
    assert (generator.options["walltime"], generator.origins["walltime"]) == (1800, "ui.conf line 16")
    assert generator.options["queue"] is None  # its own None: my_qadapter.yaml decides
    second = steps.pop("affinity_propagation_fixed_clusters_2")
    assert (second.options["queue"], second.options["category"]) == ("short", "dear")
    for step in steps.values():
        assert (step.options["walltime"], step.options["queue"], step.options["memory"]) == (14400, "long", None)
        assert step.origins["queue"] == "inferred from [Genarris_master] queue (line 7)"
        assert step.origins["memory"] == "default"
    assert configuration.master["walltime"] == 14400 and configuration.master["account"] is None
    assert ("Genarris_master", "queue", "long", "ui.conf line 7") in configuration.describe()


def test_one_procedure_does_not_speak_for_another(tmp_path):
    configuration = resolve(tmp_path, ROBUST.replace("num_structures = 10", "num_structures = 10\nqueue = long"))
    asked = {step.name for step in configuration.steps if step.options["queue"]}
    assert asked == {"pygenarris_structure_generation"} and configuration.master["queue"] is None


@pytest.mark.parametrize(
    "line",
    [
        *("walltime = 4 h", "memory = 4 GB", "queue = long", "account = me", "category = cheap"),
        *("idle_limit = 5", "quarantine_after = 2", "retry_delay = 0.5", "lease_seconds = 5", "max_attempts = 9"),
    ],
)
def test_none_of_them_changes_the_hash(tmp_path, line):
    plain, given = resolve(tmp_path, generation()), resolve(tmp_path, generation(master=line))
    assert options_hash(plain) == options_hash(given) and difference(plain.to_dict(), given.to_dict()) == []
    assert plain.master != given.master
    if line.split()[0] in QueueOptions.declared():
        assert options_hash(resolve(tmp_path, generation(line))) == options_hash(plain)


def test_the_farms_options(tmp_path):
    master = resolve(tmp_path, generation()).master
    assert (master["idle_limit"], master["quarantine_after"], master["retry_delay"]) == (600.0, 5, 1.0)
    lines = "idle_limit = 0\nquarantine_after = 0.5\nretry_delay = -1\nlease_seconds = ten"
    found = problems(tmp_path, generation(master=lines))
    assert [line.split()[2] for line in found] == ["idle_limit", "quarantine_after", "retry_delay", "lease_seconds"]
    assert "expected a number from 1 to 10000000 (s)" in found[0]


@pytest.mark.parametrize("text", [3, ["long"], b"long"])
def test_only_texts_are_names(text):
    with pytest.raises(ValidationError):
        QueueOptions.model_validate({"queue": text})


def test_what_is_read_is_read_again():
    """A step's resolved options are the model again: in the run's document 4 GB are 4096."""
    read = QueueOptions.model_validate({"walltime": "1-02:00:00", "memory": "4GB", "queue": "short"})
    assert QueueOptions.resolved(read.model_dump()) == read
    for wrong in ({"walltime": True}, {"walltime": 0}, {"memory": -1}, {"memory": 2.5}):
        with pytest.raises(ValidationError):
            QueueOptions.model_validate(wrong)
