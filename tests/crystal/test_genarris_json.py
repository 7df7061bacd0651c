import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import shared

from genarris_fw.crystal import Structure, from_record, niggli_reduce, read, read_folder, space_group, to_record, write
from genarris_fw.crystal.formats.genarris_json import format_json
from genarris_fw.errors import InputError

RECORD = {
    "properties": {
        "Z": 1,
        "lattice_vector_a": [5.0, 0.0, 0.0],
        "lattice_vector_b": [0.0, 6.0, 0.0],
        "lattice_vector_c": [1.0, 0.0, 7.0],
        "energy": None,
        "spg": 6,
    },
    "struct_id": "geometry_1",
    "input_ref": None,
    "geometry": [[0.0, 0.0, 0.0, "O", None, None, False], [0.0, 0.0, 1.0, "H", 1.0, -0.5, True]],
}


def changed(**changes):
    record = json.loads(json.dumps(RECORD))
    for key, value in changes.items():
        if value is None:
            record.pop(key)
        else:
            record[key] = value
    return record


def agrees_with_what_it_states(structure: Structure, stated: dict) -> bool:
    """Check cell, volume, space group and Niggli form; tell whether the record states lengths and angles."""
    assert structure.species == 2 * (6 * ["C"] + 6 * ["H"])
    assert structure.cell_volume == pytest.approx(stated["cell_vol"], abs=1e-8)
    assert structure.cell_volume == pytest.approx(stated["unit_cell_volume"], rel=1e-5)
    assert space_group(structure, symprec=1e-4) == stated["spg"] == structure.properties["spg"]
    reduced = niggli_reduce(structure, 2)
    assert reduced.cell_volume == pytest.approx(structure.cell_volume, rel=1e-10)
    # The files hold Niggli cells: reducing them again changes nothing.
    assert reduced.cell_parameters == pytest.approx(structure.cell_parameters, abs=1e-5)
    if "a" not in stated:
        return False
    expected = [stated[name] for name in ("a", "b", "c", "alpha", "beta", "gamma")]
    assert structure.cell_parameters == pytest.approx(expected, abs=1e-6)
    return True


def test_four_records_of_the_tutorial():
    """Golden: records of the Genarris 2.0 benzene tutorial (BSD 3-Clause, timcrose), with their bare NaN."""
    file = Path(__file__).parents[1] / "data" / "crystal_tutorial_records.json"
    assert "NaN" in file.read_text()
    records = json.loads(file.read_text())
    pool = read(file)
    stated = [agrees_with_what_it_states(x, record["properties"]) for x, record in zip(pool, records, strict=True)]
    assert stated == [True, True, False, True]


def test_all_records_of_the_tutorial():
    folder = shared("benzene_tutorial/raw_jsons")
    pool = read_folder(folder)
    assert [structure.struct_id for structure in pool] == sorted(file.stem for file in folder.glob("*.json"))
    records = [json.loads((folder / f"{structure.struct_id}.json").read_text()) for structure in pool]
    stated = [agrees_with_what_it_states(x, record["properties"]) for x, record in zip(pool, records)]
    assert (len(stated), sum(stated)) == (89, 79)


def test_a_record_keeps_what_it_holds():
    structure = from_record(changed())
    assert structure.struct_id == "geometry_1"
    assert structure.properties == {
        "Z": 1,
        "energy": None,
        "spg": 6,
        "initial_moments": [None, 1.0],
        "initial_charges": [None, -0.5],
        "fixed_atoms": [1],
    }
    record = to_record(structure)
    assert record["geometry"] == RECORD["geometry"]
    assert RECORD["properties"].items() <= record["properties"].items()
    assert record["properties"]["cell_vol"] == pytest.approx(210.0)
    assert record["properties"]["beta"] == pytest.approx(math.degrees(math.atan2(7, 1)))
    assert list(record) == ["properties", "struct_id", "input_ref", "geometry"]
    assert structure.to_dict() == record
    assert Structure.from_dict(record).properties.keys() >= structure.properties.keys()


def test_bare_nan_is_read_and_never_written(tmp_path):
    text = json.dumps(changed()).replace("null", "NaN").replace('"spg": 6', '"spg": 6, "big": [1.0, -Infinity]')
    file = tmp_path / "one.json"
    file.write_text(text)
    (structure,) = read(file)
    assert structure.properties["energy"] is None
    assert structure.properties["big"] == [1.0, None]
    structure.properties |= {"new": float("nan"), "table": np.array([1.0, np.inf]), "deep": {"x": (np.nan,)}}
    written = format_json(structure)

    def refuse(name):
        raise AssertionError(name)

    record = json.loads(written, parse_constant=refuse)
    assert record["properties"]["new"] is None
    assert record["properties"]["table"] == [1.0, None]
    assert record["properties"]["deep"] == {"x": [None]}


def test_a_value_that_json_cannot_hold_is_refused():
    structure = from_record(changed())
    structure.properties["thing"] = object()
    with pytest.raises(InputError, match="'thing' is a object"):
        to_record(structure)
    structure.properties = {"initial_moments": [1.0]}
    with pytest.raises(InputError, match="1 values for 2 atoms"):
        to_record(structure)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "expected 'geometry'"),
        ("text", "expected 'geometry'"),
        (changed(geometry=None), "expected 'geometry'"),
        (changed(geometry=[]), "no atoms"),
        (changed(geometry=[[0, 0, 0]]), "row 1"),
        (changed(geometry=[[0, 0, 0, 6]]), "row 1"),
        (changed(geometry=[[0, 0, "0", "H"]]), "atom 1 is not three numbers"),
        (changed(geometry=[[0, True, 0, "H"]]), "atom 1 is not three numbers"),
        (changed(geometry=[[0, 0, 0, "H"], [0, math.nan, 0, "H"]]), "atom 2 is not finite"),
        (changed(geometry=[[0, 0, 10**400, "H"]]), "atom 1 is not finite"),
        (changed(geometry=[[0, 0, 0, "Xx"]]), "unknown element"),
        (changed(properties=[1]), "'properties' is not an object"),
        (changed(properties={"lattice_vector_a": [1, 0, 0], "lattice_vector_b": [0, 1, 0]}), "three vectors; missing"),
        (changed(properties={f"lattice_vector_{x}": [1, 0, 0] for x in "abc"}), "plane"),
        (changed(properties={f"lattice_vector_{x}": [1, 0] for x in "abc"}), "lattice_vector_a is not three numbers"),
        (changed(properties={f"lattice_vector_{x}": 5 for x in "abc"}), "lattice_vector_a is not three numbers"),
    ],
)
def test_records_that_are_no_structures(record, message):
    with pytest.raises(InputError, match=message) as caught:
        from_record(record, "some.json")
    assert str(caught.value).startswith("some.json")
    assert "\n" not in str(caught.value)


def deep(levels):
    return json.loads("[" * levels + "]" * levels)


def text_of(**properties):
    return json.dumps(changed(properties=RECORD["properties"] | properties))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (text_of(**{"a\0b": 1}), "cannot be called"),
        (text_of(**{"": 1}), "cannot be called ''"),
        (text_of(**{"$set": 1}), "not beginning with \\$"),
        (text_of(**{"\ud800": 1}), "cannot be called"),
        (text_of(**{"x" * 3000: 1}), "cannot be called"),
        (text_of(x={"a\0": 1}), "property 'x': a property cannot be called"),
        (text_of(x="\ud800"), "property 'x' holds half a character"),
        (text_of(x=["\udfff"]), "property 'x' holds half a character"),
        (text_of(x=2**63), "property 'x' holds a whole number beyond"),
        (text_of(x=[[-(2**63)]]), "property 'x' holds a whole number beyond"),
        (text_of(x=deep(30)), "nested more than 20 levels"),
        (text_of(x=deep(500)), "nested more than 20 levels"),
        ("[" * 100_000, "nested too deeply"),
        (text_of(x=1)[:-1] + ', "struct_id": "twice"}', "'struct_id' stands twice"),
        (text_of(x=1).replace('"Z": 1', '"Z": 1, "Z": 2'), "'Z' stands twice"),
        (text_of(x=1).replace('"x": 1', '"x": 1e999'), "the number '1e999' is too large"),
        (text_of(x=1).replace("5.0", "1e99999999999"), "is too large"),
        (text_of(x=1).replace("5.0", "1e200"), "a lattice vector is longer than 100000 Å"),
        (text_of(x=1).replace("5.0", "true"), "lattice_vector_a is not three numbers"),
        (text_of(x=1).replace('1.0, "H"', '1e300, "H"'), "more than 1000000 Å from the origin"),
        (text_of(Z="many"), "property 'Z' is not a whole number"),
        (text_of(Z=True), "property 'Z' is not a whole number"),
        (text_of(Z=-1), "property 'Z' is not a whole number"),
        (text_of(Z=10**18), "property 'Z' is not a whole number"),
        (text_of(spg="P1"), "property 'spg' is not a whole number up to 230"),
        (text_of(spg=231), "property 'spg' is not a whole number up to 230"),
        (text_of(fixed_atoms="all").replace("true]", "false]"), "'fixed_atoms' is not a list of numbers of atoms"),
        (text_of(fixed_atoms=[True]).replace("true]]", "false]]"), "'fixed_atoms' is not"),
        (text_of(fixed_atoms=[2]).replace("true]]", "false]]"), "from 0 to 1"),
        (text_of(fixed_lattice_vectors={"a": 1}), "'fixed_lattice_vectors' is not a list"),
        (text_of(initial_moments=3).replace("1.0, -0.5", "null, -0.5"), "'initial_moments' is not a list"),
        (text_of(initial_charges=[1]).replace("-0.5", "null"), "'initial_charges' is not a list"),
        (text_of(x=1).replace("-0.5", '"big"'), "'initial_charges' is not a list"),
        (text_of(x=1).replace("-0.5", "[1]"), "'initial_charges' is not a list"),
        (text_of(x=1).replace("true]", '"yes"]'), "fixed.* is neither true nor false"),
    ],
)
def test_what_no_document_can_hold_is_one_line(tmp_path, text, words):
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read(file)
    message = str(caught.value)
    assert message.startswith(str(file)) and message.isprintable() and len(message) < 500


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(properties=st.dictionaries(st.text(min_size=1, max_size=6), values, max_size=4))
def test_any_plain_properties_survive_as_strict_json(properties):
    structure = Structure(np.eye(3) * 9, ["C"], [[0.1, 0.2, 0.3]], properties, "x")
    text = format_json(structure)
    assert format_json(from_record(json.loads(text))) == text


@settings(max_examples=60, deadline=None)
@given(content=st.recursive(values, lambda inner: st.fixed_dictionaries({"geometry": inner, "properties": inner})))
def test_any_json_is_a_structure_or_one_input_error(content):
    try:
        from_record(content)
    except InputError as error:
        assert "\n" not in str(error)


def test_json_files_are_written_and_read_back_exactly(tmp_path):
    structure = from_record(changed())
    (file,) = write(structure, tmp_path / "pool", "json")
    assert file.name == "geometry_1.json"
    (again,) = read(file)
    assert (again.positions == structure.positions).all()
    assert (again.lattice == structure.lattice).all()
    assert format_json(again) == file.read_text()
