"""A training: how it ends, how it goes on after an interruption, what it keeps."""

import io
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.training.curve import COLUMNS, MOST_ROWS, Curve
from genarris_fw.studies.force_free.training.settings import Settings
from genarris_fw.studies.force_free.training.training import Training, train

OPTIMISERS = [
    Settings(optimiser="lbfgs", history=5),
    Settings(optimiser="bfgs"),
    Settings(optimiser="broyden"),
    Settings(optimiser="broyden", matrix="float32"),
]
START = np.tile([-1.2, 1.0], 5)


def rosenbrock(p):
    return float(rosen(p)), rosen_der(p)


def rough_rosenbrock(p):
    """The same with the errors of single precision."""
    p = p.astype(np.float32)
    return float(rosen(p)), rosen_der(p).astype(np.float64)


def with_settings(settings, **changes):
    return Settings(**{**vars(settings), **changes})


def stored(state):
    """What comes back of a state from a file."""
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def without_clock(rows):
    return np.delete(rows, COLUMNS.index("cpu_seconds"), axis=1)


@pytest.mark.parametrize("settings", OPTIMISERS, ids=lambda s: f"{s.optimiser}-{s.matrix}")
def test_rosenbrocks_minimum_is_found_with_few_evaluations(settings):
    trained = train(rosenbrock, START, settings)
    assert trained.parameters == pytest.approx(np.ones(10), abs=1e-6)
    iteration, evaluations = trained.curve[trained.curve[:, COLUMNS.index("value")] < 1e-20][0, :2]
    reference = minimize(rosenbrock, START, jac=True, method="BFGS", options={"gtol": 1e-10})
    assert evaluations < 1.5 * reference.nfev
    assert evaluations < 1.4 * iteration


def test_all_of_the_whole_matrix_is_learned_where_curvatures_differ_a_million_times():
    """What it is there for: L-BFGS with 20 steps does not get through in the same evaluations."""
    curvatures = np.logspace(0, 6, 100)

    def valley(p):
        return float(0.5 * p @ (curvatures * p)), curvatures * p

    values = {
        name: train(valley, np.ones(100), Settings(name, history=20, max_iterations=250, tolerance=0.0)).value
        for name in ("lbfgs", "bfgs", "broyden")
    }
    assert max(values["bfgs"], values["broyden"]) < 1e-2 * values["lbfgs"]


@pytest.mark.parametrize("interrupted", [1, 7, 30])
@pytest.mark.parametrize("settings", OPTIMISERS, ids=lambda s: f"{s.optimiser}-{s.matrix}")
def test_an_interrupted_training_goes_on_to_the_same_bits(settings, interrupted):
    losses, settings = [rough_rosenbrock, rosenbrock], with_settings(settings, tolerance=0.05, window=10)
    undisturbed = train(losses, START, settings)

    class Killed(Exception):
        pass

    kept = {}

    def kill(training):
        if training.iterations == interrupted:
            kept.update(stored(training.state()))
            raise Killed

    with pytest.raises(Killed):
        train(losses, START, settings, report=kill)
    # Another start shows that nothing is taken from there.
    resumed = train(losses, 0.0 * START, settings, state=kept)
    assert undisturbed.iterations > 30 and undisturbed.curve[-1, COLUMNS.index("stage")] == 1
    assert resumed.parameters.tobytes() == undisturbed.parameters.tobytes()
    assert without_clock(resumed.curve).tobytes() == without_clock(undisturbed.curve).tobytes()
    assert (resumed.value, resumed.why_ended) == (undisturbed.value, undisturbed.why_ended)
    assert (resumed.iterations, resumed.evaluations) == (undisturbed.iterations, undisturbed.evaluations)


def test_interrupted_after_each_iteration_it_is_still_the_same():
    settings = with_settings(OPTIMISERS[1], max_iterations=40)
    state, losses = None, [rough_rosenbrock, rosenbrock]
    for _ in range(40):
        training = Training(losses, START, settings)
        if state is not None:
            training.restore(state)
        training.advance()
        state = stored(training.state())
    assert training.parameters.tobytes() == train(losses, START, settings).parameters.tobytes()


def test_the_state_of_a_training_that_ended_ends_at_once():
    state = {}
    ended = train(rosenbrock, START, OPTIMISERS[0], report=lambda training: state.update(stored(training.state())))
    again = train(rosenbrock, START, OPTIMISERS[0], state=state)
    assert (again.why_ended, again.evaluations) == (ended.why_ended, ended.evaluations)


def test_more_iterations_than_before_go_on_where_it_ended():
    short, long = (with_settings(OPTIMISERS[1], max_iterations=count) for count in (20, 35))
    state = {}
    first = train(rosenbrock, START, short, report=lambda training: state.update(stored(training.state())))
    resumed, undisturbed = train(rosenbrock, START, long, state=state), train(rosenbrock, START, long)
    assert first.iterations == 20 and resumed.parameters.tobytes() == undisturbed.parameters.tobytes()


def test_precision_is_raised_when_single_precision_stagnates():
    settings = with_settings(OPTIMISERS[1], tolerance=1e-3, window=20)
    rough, both = train(rough_rosenbrock, START, settings), train([rough_rosenbrock, rosenbrock], START, settings)
    assert both.value < 1e-3 * rough.value
    stages = both.curve[:, COLUMNS.index("stage")]
    assert set(stages) == {0.0, 1.0} and (np.diff(stages) >= 0.0).all()


def test_a_line_search_that_gets_nowhere_raises_the_precision_at_once():
    def rough(p):
        noise = 1e-2 * np.sin(1e9 * p.sum())
        return rosenbrock(p)[0] + noise + 1.0, rosenbrock(p)[1]

    trained = train([rough, rosenbrock], START, Settings("bfgs", window=400))
    second = trained.curve[trained.curve[:, COLUMNS.index("stage")] == 1.0]
    assert second[0, 0] < 200 and trained.value < 1e-20


def test_where_values_are_too_rough_the_gradients_lead_on():
    """A value of single precision shows nothing of the last four digits of the parameters."""
    curvatures = np.array([1.0, 10.0, 100.0])

    def on_a_plateau(p):
        return float(np.float32(1000.0 + 0.5 * p @ (curvatures * p))), curvatures * p

    trained = train(on_a_plateau, np.ones(3), Settings("bfgs", tolerance=0.0, max_iterations=40))
    assert np.abs(trained.parameters).max() < 1e-6


def walled_up(p):
    """Its gradient leads astray: nothing lower is ever found."""
    return (1.0, np.ones(2)) if not p.any() else (2.0, np.ones(2))


def creeping(p):
    """Falls for ever, by less and less of itself."""
    return 1e6 + float(np.exp(-p).sum()), -np.exp(-p)


@pytest.mark.parametrize(
    ("loss", "changes", "why"),
    [
        (rosenbrock, {"max_iterations": 12}, "all 12 iterations are done"),
        (rosenbrock, {"max_cpu_seconds": 1e-9}, "1e-09 CPU seconds are spent"),
        (lambda p: (float(p @ p), 2.0 * p), {}, "the gradient is zero"),
        (walled_up, {}, "the line search found no lower loss"),
        (creeping, {"window": 5}, r"the loss fell by \S+ of itself in the last 5 iterations"),
        (rosenbrock, {"window": 5, "most_evaluations": 1.01}, r"\S+ evaluations per iteration in the last 5"),
    ],
)
def test_a_training_ends_with_its_reason_in_words(loss, changes, why):
    start = np.zeros(2) if loss is walled_up else np.array([-1.2, 1.0])
    trained = train(loss, start, Settings(**changes))
    assert re.fullmatch(why, trained.why_ended)
    assert math.isfinite(trained.value) or trained.evaluations == 0


def test_cpu_seconds_of_former_processes_count():
    training = Training([rosenbrock], START, Settings())
    training.advance()
    state = stored(training.state())
    state["numbers"][2] = 100.0
    trained = train(rosenbrock, START, Settings(max_cpu_seconds=50.0), state=state)
    assert trained.why_ended == "50 CPU seconds are spent" and trained.iterations == 1


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_start_where_the_loss_is_no_number_is_refused(bad):
    with pytest.raises(InputError, match=f"the loss at the start of the training is {bad}, .*: look at the field"):
        train(lambda p: (bad, p), START, Settings())
    with pytest.raises(InputError, match="or its gradient is not finite"):
        train(lambda p: (1.0, bad * np.ones_like(p)), START, Settings())


@pytest.mark.parametrize(
    ("start", "settings", "said"),
    [
        (START[:4], OPTIMISERS[0], "it has 10 parameters instead of 4"),
        (START, OPTIMISERS[1], "packed"),
        (START, Settings(history=3), "5 steps are remembered instead of at most 3|broadcast"),
    ],
)
def test_the_state_of_another_training_is_refused(start, settings, said):
    training = Training([rosenbrock], START, OPTIMISERS[0])
    for _ in range(8):
        training.advance()
    with pytest.raises(InputError, match=f"the state of the training does not fit its settings: .*({said})"):
        train(rosenbrock, start, settings, state=training.state())


def test_the_state_of_a_matrix_of_another_type_is_refused():
    training = Training([rosenbrock], START, OPTIMISERS[2])
    training.advance()
    with pytest.raises(InputError, match="its matrix is of float64 instead of float32"):
        train(rosenbrock, START, OPTIMISERS[3], state=training.state())


def test_the_state_of_more_stages_than_there_are_is_refused():
    training = Training([rough_rosenbrock, rosenbrock], START, with_settings(OPTIMISERS[0], tolerance=0.9, window=2))
    while not training.stage:
        training.advance()
    with pytest.raises(InputError, match="it is at stage 2 of 1"):
        train(rosenbrock, START, OPTIMISERS[0], state=training.state())


def test_terms_that_the_loss_remembers_are_in_the_curve():
    class Loss:
        def __call__(self, p):
            self.last_terms = {"boundary": float(p[0] ** 2), "divergence": float(p[1] ** 2), "force": 1.0}
            return sum(self.last_terms.values()), np.array([2 * p[0], 2 * p[1]])

    curve = train(Loss(), np.array([3.0, 1.0]), Settings()).curve
    value, parts = curve[:, COLUMNS.index("value")], curve[:, COLUMNS.index("boundary") : COLUMNS.index("force") + 1]
    assert parts[0].tolist() == [9.0, 1.0, 1.0] and parts.sum(axis=1) == pytest.approx(value)


@hypothesis_settings(deadline=None, max_examples=30)
@given(st.integers(1, 3 * MOST_ROWS), st.data())
def test_a_curve_is_thinned_evenly_and_goes_on_when_it_is_taken_up(length, data):
    cut = data.draw(st.integers(0, length))
    curve, other = Curve(), Curve()
    for iteration in range(length + 1):
        row = (float(iteration), *[0.0] * (len(COLUMNS) - 1))
        curve.add(row)
        other.add(row)
        if iteration == cut:
            other = Curve.of(other.rows(), other.stride)
    kept = curve.rows()[:, 0]
    assert len(kept) <= MOST_ROWS + 1 and kept[0] == 0 and kept[-1] == length
    assert set(np.diff(kept[:-1])) <= {curve.stride} and len(kept) >= min(length, MOST_ROWS // 2)
    assert other.rows().tobytes() == curve.rows().tobytes()
