"""FHI-aims once more: remedies, restarts, the end of the time, and what an earlier attempt has left."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from aims_replayed import CRYSTAL, ENERGIES, MOLECULE, aims_run, engine, failure, geometry, program, starts
from ending import EndsWhen

from genarris_fw.crystal import Structure
from genarris_fw.crystal.formats.geometry_in import parse_geometry_in
from genarris_fw.engines.base import Context
from genarris_fw.errors import EngineError

SCF_UNTIL = """
fixed = {word!r} in Path('control.in').read_text()
sys.stdout.write(text if fixed else text.replace('Self-consistency cycle converged.', 'x'))
"""


class TestRemedies:
    @pytest.mark.parametrize(
        ("word", "number"), [("charge_mix_param 0.05", 1), ("sc_iter_limit 3000", 2), ("kerker off", 3)]
    )
    def test_a_cycle_that_converges_at_last(self, tmp_path, word, number):
        folder = tmp_path / "one"
        made = engine(CRYSTAL, program(tmp_path, CRYSTAL, SCF_UNTIL.format(word=word)), auto_correct=True)
        found = made.evaluate(geometry(CRYSTAL), context=Context(folder=folder))
        assert found.energy == ENERGIES[CRYSTAL]
        tried = ["scf: charge_mix_param 0.05", "scf: sc_iter_limit 3000", "scf: preconditioner kerker off"]
        assert found.details["corrections"] == tried[:number]
        assert found.details["attempts"] == number + 1 == starts(tmp_path)
        # The outputs of the attempts that failed are kept, each under its number.
        assert sorted(path.name for path in folder.glob("aims.out.*")) == [f"aims.out.{n + 1}" for n in range(number)]
        assert found.details["settings_hash"] == made.settings_hash

    def test_one_that_never_does(self, tmp_path):
        error = failure(tmp_path, CRYSTAL, SCF_UNTIL.format(word="never"), auto_correct=True)
        assert (error.kind, error.permanent, starts(tmp_path)) == ("scf", True, 4)
        assert "tried: scf: charge_mix_param 0.05, scf: sc_iter_limit 3000" in str(error)

    def test_only_when_asked_for(self, tmp_path):
        assert failure(tmp_path, CRYSTAL, SCF_UNTIL.format(word="never")).kind == "scf"
        assert starts(tmp_path) == 1


# A relaxation that stops before it is done, some times; the next step is a little away from where it was sent.
STOPS = """
if start <= {times}:
    lines = [line for line in Path('geometry.in').read_text().splitlines() if line.startswith('atom')]
    lines[0] = f'atom 0.0 1.40{{start}} 0.0 C'
    Path('geometry.in.next_step').write_text(chr(10).join(lines + ['trust_radius 0.2', 'hessian_file']) + chr(10))
    if {hessian}: Path('hessian.aims').write_text(f'hessian after {{start}}')
    text = text.replace('Present geometry is converged.', 'Present geometry is not yet converged.')
    sys.stdout.write({said})
else:
    sys.stdout.write(text)
"""
LIMIT = "text[: text.rindex('Have a nice')] + '* Maximum number of relaxation steps exceeded.'"
NICE_LIMIT = "text"
WALLTIME = "text[: text.rindex('Have a nice')] + '*** WARNING: FHI-aims is terminating due to walltime restrictions'"


class TestRestarts:
    @pytest.mark.parametrize(
        ("said", "kind"), [(LIMIT, "relaxation"), (NICE_LIMIT, "relaxation"), (WALLTIME, "walltime")]
    )
    @pytest.mark.parametrize("hessian", [True, False])
    def test_a_relaxation_is_gone_on_with(self, tmp_path, said, kind, hessian):
        folder = tmp_path / "one"
        made = engine(MOLECULE, program(tmp_path, MOLECULE, STOPS.format(times=2, said=said, hessian=hessian)))
        found = made.evaluate(geometry(MOLECULE), relax=True, context=Context(folder=folder))
        assert (found.energy, found.converged) == (ENERGIES[MOLECULE], True)
        with_it = " with its Hessian" if hessian else ""
        assert found.details["corrections"] == [f"{kind}: restart from geometry.in.next_step{with_it}"] * 2
        assert (found.details["attempts"], found.details["restarts"]) == (3, 2)
        sent = (folder / "geometry.in").read_text()
        assert "trust_radius 0.2\n" in sent and ("hessian_file\n" in sent) is hessian
        before = geometry(MOLECULE).positions
        assert not np.allclose(parse_geometry_in(sent.splitlines()).positions, before)
        assert not (folder / "hessian.aims").exists()  # only an unfinished relaxation keeps it

    def test_the_hessian_is_kept_on_request(self, tmp_path):
        command = program(tmp_path, MOLECULE, "Path('hessian.aims').write_text('H'); sys.stdout.write(text)")
        made = engine(MOLECULE, command, keep_files=["hessian.aims", "aims.out"])
        made.evaluate(geometry(MOLECULE), relax=True, context=Context(folder=tmp_path / "one"))
        assert (tmp_path / "one" / "hessian.aims").read_text() == "H" and (tmp_path / "one" / "aims.out").exists()

    def test_an_unfinished_relaxation_keeps_its_hessian(self, tmp_path):
        failure(tmp_path, MOLECULE, STOPS.format(times=1, said=LIMIT, hessian=True), relax=True, max_restarts=0)
        assert (tmp_path / "results" / "one" / "hessian.aims").read_text() == "hessian after 1"

    def test_within_a_cap(self, tmp_path):
        body = STOPS.format(times=9, said=LIMIT, hessian=False)
        error = failure(tmp_path, MOLECULE, body, relax=True, max_restarts=2)
        assert (error.kind, error.permanent, starts(tmp_path)) == ("relaxation", True, 3)
        assert "exceeded" in str(error)

    def test_not_where_it_does_not_move(self, tmp_path):
        body = f"sys.stdout.write({LIMIT})"  # its geometry.in.next_step is always the same
        assert failure(tmp_path, MOLECULE, body, relax=True).kind == "relaxation"
        assert starts(tmp_path) == 2

    def test_not_without_a_geometry_to_go_on_from(self, tmp_path):
        body = f"Path('geometry.in.next_step').unlink(); sys.stdout.write({LIMIT})"
        assert failure(tmp_path, MOLECULE, body, relax=True).kind == "relaxation"
        assert starts(tmp_path) == 1


RELAXES_FOR_EVER = """
print('Invoking FHI-aims', flush=True)
for step in range(1000):
    lines = [line for line in Path('geometry.in').read_text().splitlines() if line.startswith('atom')]
    words = lines[0].split(); words[1] = f'{float(words[1]) + 1e-3 * (step + 1):.8f}'
    Path('new').write_text(chr(10).join([' '.join(words), *lines[1:]]) + chr(10))
    os.replace('new', 'geometry.in.next_step'); print(step, flush=True); time.sleep(0.3)
"""


class TestTime:
    def test_the_deadline(self, tmp_path):
        reached: list[Structure] = []
        context = EndsWhen(folder=tmp_path / "one", checkpoint=reached.append, so=lambda: len(reached) >= 2)
        error = failure(tmp_path, MOLECULE, RELAXES_FOR_EVER, relax=True, context=context)
        assert (error.kind, error.permanent, starts(tmp_path)) == ("walltime", False, 1)
        moves = [one.positions[0, 0] for one in reached]
        assert len(moves) >= 2 and moves == sorted(moves)
        kept = parse_geometry_in((tmp_path / "one" / "geometry.in.next_step").read_text().splitlines())
        assert np.allclose(kept.positions, reached[-1].positions)

    def test_a_stop(self, tmp_path):
        context = Context(folder=tmp_path / "one", should_stop=lambda: starts(tmp_path) > 0)
        assert failure(tmp_path, MOLECULE, RELAXES_FOR_EVER, relax=True, context=context).kind == "walltime"
        assert starts(tmp_path) == 1

    def test_a_program_that_is_deaf_to_sigterm(self, tmp_path):
        body = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('Invoking FHI-aims', flush=True); time.sleep(600)"
        context = EndsWhen(folder=tmp_path / "one", so=lambda: starts(tmp_path) > 0)
        error = failure(tmp_path, CRYSTAL, body, context=context)
        assert (error.kind, error.permanent, starts(tmp_path)) == ("walltime", False, 1)

    def test_no_time_at_all(self, tmp_path):
        error = failure(tmp_path, CRYSTAL, "", context=Context(deadline=time.time() - 1))
        assert (error.kind, starts(tmp_path)) == ("walltime", 0)

    def test_the_next_attempt_goes_on_from_there(self, tmp_path):
        folder = tmp_path / "one"
        context = Context(
            folder=folder, should_stop=(tmp_path / "stop").exists, checkpoint=lambda s: (tmp_path / "stop").touch()
        )
        failure(tmp_path, MOLECULE, RELAXES_FOR_EVER, relax=True, context=context)
        left = parse_geometry_in((folder / "geometry.in.next_step").read_text().splitlines())
        found = engine(MOLECULE, program(tmp_path, MOLECULE)).evaluate(
            geometry(MOLECULE), relax=True, context=Context(folder=folder)
        )
        sent = parse_geometry_in((folder / "geometry.in").read_text().splitlines())
        assert np.allclose(sent.positions, left.positions) and sent.positions[0, 0] > geometry(MOLECULE).positions[0, 0]
        assert found.energy == ENERGIES[MOLECULE] and "earlier attempt" in found.details["reason"]

    @pytest.mark.parametrize("newer", [False, True])
    def test_with_a_checkpoint_too(self, tmp_path, newer):
        """The folder's Hessian is taken where it is of the checkpoint's geometry, not where the checkpoint is newer."""
        folder, first = tmp_path / "one", geometry(MOLECULE)
        body = STOPS.format(times=1, said=LIMIT, hessian=True)
        failure(tmp_path, MOLECULE, body, relax=True, context=Context(folder=folder), max_restarts=0)
        kept = parse_geometry_in((folder / "geometry.in.next_step").read_text().splitlines())
        kept = Structure(None, first.species, kept.positions + 0.01 * newer, struct_id=first.struct_id)
        made = engine(MOLECULE, program(tmp_path, MOLECULE, body))
        found = made.evaluate(kept, relax=True, context=Context(folder=folder, first=first))
        sent = (folder / "geometry.in").read_text()
        assert np.allclose(parse_geometry_in(sent.splitlines()).positions, kept.positions)
        assert ("hessian_file" in sent) is not newer
        assert found.energy == ENERGIES[MOLECULE]
        again = made.evaluate(kept, relax=True, context=Context(folder=folder, first=first))
        assert again.details["reason"].startswith("taken over") and starts(tmp_path) == 2

    def test_nor_is_it_lost_where_the_next_attempt_cannot_start(self, tmp_path):
        folder = tmp_path / "one"
        body = STOPS.format(times=1, said=LIMIT, hessian=True)
        failure(tmp_path, MOLECULE, body, relax=True, context=Context(folder=folder), max_restarts=0)
        left = (folder / "geometry.in.next_step").read_text()
        for _ in range(2):
            failure(
                tmp_path,
                MOLECULE,
                "Path('geometry.in.next_step').write_text('ato'); sys.exit(1)",
                relax=True,
                context=Context(folder=folder),
            )
        made = engine(MOLECULE, "/nowhere/aims.x")
        with pytest.raises(EngineError, match="no such file"):
            made.evaluate(geometry(MOLECULE), relax=True, context=Context(folder=folder))
        assert (folder / "geometry.in.next_step").read_text() == left


class TestTakenOver:
    """What an earlier attempt has left in the folder counts only when it is whole and of the same input."""

    def evaluate(self, tmp_path, run=CRYSTAL, structure=None, **settings):
        made = engine(run, program(tmp_path, run), **settings)
        context = Context(folder=tmp_path / "one")
        return made.evaluate(structure or geometry(run), relax=run != CRYSTAL, context=context)

    @pytest.mark.parametrize("run", ENERGIES)
    def test_a_finished_calculation(self, tmp_path, run):
        first = self.evaluate(tmp_path, run)
        again = self.evaluate(tmp_path, run)
        assert starts(tmp_path) == 1
        assert again.energy == first.energy and np.array_equal(again.structure.positions, first.structure.positions)
        assert "taken over" in again.details["reason"] and again.details["attempts"] == 0

    def test_one_that_was_corrected_or_gone_on_with(self, tmp_path):
        cases = [
            (CRYSTAL, SCF_UNTIL.format(word="sc_iter_limit 3000"), 3),
            (MOLECULE, STOPS.format(times=2, said=LIMIT, hessian=True), 3),
        ]
        for run, body, needed in cases:
            (tmp_path / run).mkdir(parents=True)
            context = Context(folder=tmp_path / run / "one")
            made = engine(run, program(tmp_path / run, run, body), auto_correct=True)
            found = [made.evaluate(geometry(run), relax=run == MOLECULE, context=context) for _ in range(2)]
            assert found[0].energy == found[1].energy and starts(tmp_path / run) == needed
            assert "taken over" in found[1].details["reason"]

    def test_not_one_computed_by_hand_with_another_control(self, tmp_path):
        self.evaluate(tmp_path)
        for name in ("control.in", "aims.out"):
            path = tmp_path / "one" / name
            path.write_text(path.read_text().replace("xc                 pbe", "xc                 pbe0"))
        self.evaluate(tmp_path)
        assert starts(tmp_path) == 2

    def test_not_of_another_control(self, tmp_path):
        self.evaluate(tmp_path)
        text = (aims_run(CRYSTAL) / "control.in").read_text()
        self.evaluate(tmp_path, control=text.replace("k_grid", "k_grid 4 4 4 #"))
        assert starts(tmp_path) == 2

    def test_not_of_another_geometry(self, tmp_path):
        self.evaluate(tmp_path)
        moved = geometry(CRYSTAL)
        moved.positions[0, 0] += 1e-3
        self.evaluate(tmp_path, structure=moved)
        assert starts(tmp_path) == 2

    @pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
    def test_not_a_part_of_one(self, tmp_path, part):
        self.evaluate(tmp_path)
        path = tmp_path / "one" / "aims.out"
        text = path.read_text()
        path.write_text(text[: int(part * len(text))])
        assert self.evaluate(tmp_path).energy == ENERGIES[CRYSTAL]
        assert starts(tmp_path) == 2

    def test_not_an_output_of_other_inputs_beside_the_same_ones(self, tmp_path):
        """As a crash between the moves of the files could leave it."""
        self.evaluate(tmp_path)
        path = tmp_path / "one" / "aims.out"
        for old, new in ((r"xc                 pbe", "xc                 pbe0"), (r"^( *atom +)\S+", r"\g<1>0.5")):
            text, found = re.subn(old, new, path.read_text(), count=1, flags=re.MULTILINE)
            assert found
            path.write_text(text)
            self.evaluate(tmp_path)
        assert starts(tmp_path) == 3

    def test_an_unfinished_relaxation_of_another_structure_is_not_gone_on_with(self, tmp_path):
        folder = tmp_path / "one"
        folder.mkdir()
        for name in ("control.in", "geometry.in.next_step"):
            (folder / name).write_text((aims_run(MOLECULE) / name).read_text())
        (folder / "geometry.in").write_text("atom 0 0 0 H\natom 0 0 0.74 H\n")
        assert self.evaluate(tmp_path, MOLECULE).details["reason"] == "converged"
