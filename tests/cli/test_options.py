import json
import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner

from genarris_fw.cli.main import main
from genarris_fw.cli.options import command

DOCS = Path(__file__).parents[2] / "docs"


def test_table_of_one_procedure():
    result = CliRunner().invoke(command, ["RUN_RSF_CALC"])
    assert result.exit_code == 0
    for words in ("Run_Rdf_Calc", "[run_rdf_calc]", "Rs_range", "[0.1, 12.0]", "[1.0, 10.0]", "normalize_rsf_vectors"):
        assert words in result.output


def test_all_as_json_and_markdown():
    result = CliRunner().invoke(command, ["--json"])
    records = json.loads(result.output)
    options = {row["option"]: row for row in records["Pygenarris_Structure_Generation"]["options"]}
    assert options["tol"]["unit"] == "Å" and options["Z"]["category"] == "inferred"
    result = CliRunner().invoke(command, ["--markdown", "relax_single_molecule"])
    assert result.output.startswith("# Relax_Single_Molecule\n") and "\n## molecule_symmetry\n" in result.output
    assert CliRunner().invoke(command, ["--markdown", "--json"]).exit_code == 2


def test_unknown_procedure_is_one_line_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["options", "Run_Rdf_Clac"])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "did you mean 'Run_Rdf_Calc'?" in error


def test_the_list_of_sections_is_made_from_the_models():
    program = runpy.run_path(str(DOCS / "developing" / "write_options.py"))
    text = (DOCS / "options.md").read_text()
    assert program["page"](text) == text, "run: python docs/developing/write_options.py"
