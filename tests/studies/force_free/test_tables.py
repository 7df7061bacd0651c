"""Tables 1 and 2: the published rows, and ours among them."""

import csv

import pytest

from genarris_fw.errors import InputError
from genarris_fw.studies.force_free.fields.grid import PAPER_GRID, Grid
from genarris_fw.studies.force_free.fields.low_lou import low_lou_field
from genarris_fw.studies.force_free.fields.potential import potential_field
from genarris_fw.studies.force_free.judging.metrics import metrics
from genarris_fw.studies.force_free.showing import CASES, as_csv, as_markdown, our_row, table

OURS = {"C_vec": 0.991, "C_CS": 0.974, "E_n": 0.863, "E_m": 0.784, "energy": 1.032, "energy_over_potential": 1.33}


def test_the_published_rows_agree_with_each_other():
    # The energy over the potential field's is the energy over that of the row "potential": to two digits.
    for case in CASES.values():
        potential = case.rows[-1].values[4]
        for row in case.rows:
            if row.model != "linear force-free":  # of its own, that number is another in both tables
                assert row.values[5] == pytest.approx(row.values[4] / potential, abs=0.07), row
        assert len(case.rows) == 9 and all(len(row.values) == 6 for row in case.rows)


@pytest.mark.parametrize(("case", "tolerances"), [(1, (0.015,) * 6), (2, (0.02, 0.02, 0.02, 0.1, 0.02, 0.02))])
def test_the_cases_are_those_whose_potential_field_was_published(case, tolerances):
    about = CASES[case]
    reference = low_lou_field(about.n, about.m, about.l, about.phi, PAPER_GRID)
    potential = potential_field(reference)
    found = our_row("potential", metrics(reference, potential, potential))
    for value, published, tolerance in zip(found.values, about.rows[-1].values, tolerances):
        assert value == pytest.approx(published, abs=tolerance)
    row = our_row("reference", metrics(reference, reference, potential))
    assert row.values[5] == pytest.approx(about.rows[0].values[5], abs=tolerances[5])


def test_our_row_stands_below_the_reference():
    rows = table(1, [our_row("ours", OURS, 287.4)])
    assert [row.model for row in rows[:4]] == ["Low and Lou (1990)", "ours", "Zhang, Xu, Yan", "Wiegelmann"]
    text = as_markdown(rows).splitlines()
    assert len({len(line) for line in text}) == 1  # columns stand below each other
    assert [cell.strip() for cell in text[3].split("|")[1:-1]] == [
        *("ours", "0.99", "0.97", "0.86", "0.78", "1.03", "1.33", "287"),
    ]
    assert len(text) == 2 + 10


def test_csv_keeps_more_digits():
    read = list(csv.DictReader(as_csv(table(2, [our_row("ours", OURS)])).splitlines()))
    assert read[1]["E_n"] == "0.863" and read[1]["cpu_seconds"] == ""
    assert read[7]["model"] == "Régnier" and float(read[7]["E_m"]) == -1.7


def test_metrics_without_a_potential_field_are_no_row():
    grid = Grid(((-1, 1), (-1, 1), (0, 2)), (4, 4, 4))
    field = low_lou_field(1, 1, 0.3, 0.5, grid)
    with pytest.raises(InputError, match="the row 'ours' has no energy_over_potential"):
        our_row("ours", metrics(field, field))


def test_a_case_that_is_none():
    with pytest.raises(InputError, match="case 3: the paper has the cases 1, 2"):
        table(3)
