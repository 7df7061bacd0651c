"""What came out of a step, in the words that its procedure declares."""

from genarris_fw.declaring.results import in_words
from genarris_fw.options.registered import models
from genarris_fw.options.tables import model_named


def said(procedure: str, **summary: object) -> str:
    return in_words(model_named(procedure).results, summary)


def test_results() -> None:
    assert said("Run_FHI_Aims_Batch", relaxed=4, unconverged=0, failed=2, best="x") == "4 relaxed"
    assert said("Run_FHI_Aims_Batch", relaxed=4, unconverged=1) == "4 relaxed, 1 not converged"
    assert said("Estimate_Unit_Cell_Volume", volume_mean=145.513) == "cell of 145.5 Å³"
    assert said("Affinity_Propagation_Fixed_Clusters", structures=2, clusters=1) == "2 structures, 1 cluster"
    assert said("Relax_Single_Molecule", reacted=True, point_group_after="mm2") == "it reacted, point group mm2"
    generated = {"structures": 90, "space_groups": 3, "empty_groups": 1, "duplicates": 0, "relabelled": 7}
    words = "90 structures in 3 space groups, 1 group gave none, 7 relabelled to a larger group"
    assert said("Pygenarris_Structure_Generation", **generated, volume_mean=2.0) == words
    assert said("Pygenarris_Structure_Generation", structures=1, space_groups=1) == "1 structure in 1 space group"


def test_every_procedure_has_words_for_what_it_gives() -> None:
    for model in models()[1:]:
        assert model.results and all(isinstance(words, str) for words in model.results.values())
