"""Conformers from a formula of bonds (SMILES), by RDKit, which is an extra."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.units import kcal, kJ
from numpy.typing import NDArray

from genarris_fw.crystal.structure import Structure
from genarris_fw.errors import InputError

Floats = NDArray[np.float64]

MISSING = "SMILES need RDKit, which is not installed: pip install 'genarris-fw[rdkit]'"
SEED = 20231
# Conformers to begin with, by rotatable bonds: J.-P. Ebejer, G. M. Morris and C. M. Deane, J. Chem. Inf. Model. 52,
# 1146 (2012), who find most experimental conformers so.
_NUMBERS = ((0, 10), (7, 50), (12, 200))
_MOST = 300
# kJ/mol: conformers in crystals are rarely higher (H. P. G. Thompson and G. M. Day, Chem. Sci. 5, 3173 (2014)).
WINDOW = 25.0
SAME = 0.3  # Å: RMSD of the atoms other than hydrogen, and those on N, O and S, below which two conformers are one
ENERGY_SAME = 2.0  # kJ/mol: ... if their energies are as near
ISOMERS = 40  # conformers in which stereoisomers are looked for where SMILES leave them open
MOST_STEPS = 5000  # of a minimisation
POLAR = (7, 8, 16)  # N, O, S
MOST_MATCHES = 1000  # ways in which a symmetric molecule is laid on another


def from_smiles(text: str, where: str) -> tuple[list[Structure], list[str]]:
    """Return the conformers of a molecule that SMILES describe, lowest first.

    ETKDG version 3 with a fixed seed; MMFF94 minima, those of UFF where MMFF94 has no parameters; each once (RMSD
    0.3 Å), within 25 kJ/mol of the lowest.

    Parameters
    ----------
    text : str
        SMILES of one molecule.
    where : str
        What an error calls it.

    Returns
    -------
    (list of Structure, list of str)
        With the properties ``smiles`` and ``conformer_energy`` (kJ/mol, of a force field), and ``charge`` where there
        is one; and what a reader should know.

    Raises
    ------
    InputError
        Where RDKit is not installed, cannot read the text or find a geometry, or stereo centres are not given.
    """
    try:
        from rdkit import Chem, rdBase
    except ImportError:
        raise InputError(f"{where}: {MISSING}") from None
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(text)
        if molecule is None:
            raise InputError(f"{where}: {text!a} cannot be read as SMILES")
        if molecule.GetNumAtoms() == 0:
            raise InputError(f"{where}: no atoms in {text!a}")
        if any(atom.GetAtomicNum() == 0 for atom in molecule.GetAtoms()):
            raise InputError(f"{where}: {text!a} has a place (*) without an element; expected a whole molecule")
        _check_pieces(molecule, text, where)
        notes = _stereo(molecule, text, where)
        full = Chem.AddHs(molecule)
        energies, field = _conformers(full, molecule, where)
        kept = _each_once(molecule, full, energies)
        return _structures(full, energies, kept, field, text, notes)


def _check_pieces(molecule: Any, text: str, where: str) -> None:
    from rdkit import Chem
    from rdkit.Chem.rdMolDescriptors import CalcMolFormula

    pieces = Chem.GetMolFrags(molecule, asMols=True)
    if len(pieces) < 2:
        return
    charged = any(Chem.GetFormalCharge(piece) for piece in pieces)
    listed = " and ".join(CalcMolFormula(piece) for piece in pieces)
    what = "a salt" if charged else "several molecules"
    raise InputError(
        f"{where}: {text!a} is {what}: {listed}; crystals of several kinds of molecules or ions cannot be searched "
        "yet: give one neutral molecule"
    )


def _stereo(molecule: Any, text: str, where: str) -> list[str]:
    """Refuse SMILES of several diastereomers; say where one of two mirror images was chosen."""
    from rdkit import Chem

    centres = [
        info
        for info in Chem.FindPotentialStereo(molecule)
        if info.type in (Chem.StereoType.Atom_Tetrahedral, Chem.StereoType.Bond_Double)
    ]
    unknown = [info for info in centres if info.specified != Chem.StereoSpecified.Specified]
    if not unknown:
        return []
    isomers = _isomers(molecule)
    if len(isomers) == 1:  # in a cage, for example, there is no choice
        chiral = any(len(pair) > 1 for pair in isomers)
        return ["the stereo centre is not given: one of the mirror images is taken"] if chiral else []
    bonds = [info for info in unknown if info.type == Chem.StereoType.Bond_Double]
    atoms = [info.centeredOn for info in unknown if info not in bonds]
    atoms += [molecule.GetBondWithIdx(info.centeredOn).GetBeginAtomIdx() for info in bonds]
    names = ", ".join(f"{molecule.GetAtomWithIdx(k).GetSymbol()}{k + 1}" for k in sorted(atoms))
    raise InputError(
        f"{where}: {text!a} stands for several stereoisomers: none is given at {names}; write them with @, @@, / and \\"
    )


def _isomers(molecule: Any) -> set[frozenset[str]]:
    """The stereoisomers among some embedded conformers, each as its SMILES and those of its mirror image."""
    from rdkit import Chem
    from rdkit.Chem import rdDistGeom

    full = Chem.AddHs(molecule)
    how: Any = rdDistGeom.ETKDGv3()
    how.randomSeed, how.numThreads = SEED, 1
    found = set()
    for k in rdDistGeom.EmbedMultipleConfs(full, ISOMERS, how):
        pair = []
        for sign in (1.0, -1.0):
            one = Chem.Mol(full, False, k)
            conformer = one.GetConformer()
            conformer.SetPositions(sign * conformer.GetPositions())
            Chem.AssignStereochemistryFrom3D(one)
            pair.append(Chem.MolToSmiles(Chem.RemoveHs(one)))
        found.add(frozenset(pair))
    return found


def _conformers(full: Any, molecule: Any, where: str) -> tuple[dict[int, float], str]:
    """Energies in kJ/mol by number of conformer, after minimisation, and the force field's name."""
    from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolDescriptors

    turns = rdMolDescriptors.CalcNumRotatableBonds(molecule)
    number = next((count for most, count in _NUMBERS if turns <= most), _MOST)
    how: Any = rdDistGeom.ETKDGv3()
    how.randomSeed, how.numThreads = SEED, 1
    found = list(rdDistGeom.EmbedMultipleConfs(full, number, how))
    if not found:
        how.useRandomCoords = True
        found = list(rdDistGeom.EmbedMultipleConfs(full, number, how))
    if not found:
        raise InputError(f"{where}: RDKit finds no geometry; give a file with one")
    if full.GetNumAtoms() == 1:
        return {found[0]: 0.0}, ""
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(full):
        field = "MMFF94"
        ended = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(full, numThreads=1, maxIters=MOST_STEPS)
    elif rdForceFieldHelpers.UFFHasAllMoleculeParams(full):
        field = "UFF"
        ended = rdForceFieldHelpers.UFFOptimizeMoleculeConfs(full, numThreads=1, maxIters=MOST_STEPS)
    else:
        return dict.fromkeys(found[:1], 0.0), ""
    return {k: energy * kcal / kJ for k, (_, energy) in zip(found, ended, strict=True)}, field


def _each_once(molecule: Any, full: Any, energies: dict[int, float]) -> list[int]:
    """Numbers of the different conformers within the window, lowest first."""
    orders = _symmetry(molecule, full)
    forms = {k: np.array(full.GetConformer(k).GetPositions())[orders[0]] for k in energies}
    lowest = min(energies.values())
    kept: list[int] = []
    for k in sorted(energies, key=lambda one: (energies[one], one)):
        if energies[k] - lowest > WINDOW:
            break
        images = np.array(full.GetConformer(k).GetPositions())[orders]
        rivals = [one for one in kept if energies[k] - energies[one] < ENERGY_SAME]
        if all(_distance(images, forms[one]) >= SAME for one in rivals):
            kept.append(k)
    return kept


def _symmetry(molecule: Any, full: Any) -> NDArray[np.intp]:
    """The atoms that are compared, in each order that the bonds allow; the first is their own.

    All but hydrogen, and the hydrogens of OH, NH and SH, which tell where they point.
    """
    found = molecule.GetSubstructMatches(molecule, uniquify=False, maxMatches=MOST_MATCHES)
    identity = tuple(range(molecule.GetNumAtoms()))
    single = {}
    for atom in full.GetAtoms():
        beside = [other.GetIdx() for other in atom.GetNeighbors() if other.GetAtomicNum() == 1]
        if atom.GetAtomicNum() in POLAR and len(beside) == 1:
            single[atom.GetIdx()] = beside[0]
    orders = dict.fromkeys([identity, *found])
    return np.array([[*order, *(single[order[k]] for k in single)] for order in orders if _keeps(order, single)])


def _keeps(order: tuple[int, ...], single: dict[int, int]) -> bool:
    return all((order[k] in single) == (k in single) for k in range(len(order)))


def _distance(images: Floats, form: Floats) -> float:
    """The least RMSD of a conformer, in each order of its atoms, (m, n, 3), or its mirror image, from another one, Å.

    W. Kabsch, Acta Cryst. A 32, 922 (1976); of a turn and a turned mirror image the better one has the sum of the
    singular values.
    """
    one, other = images - images.mean(axis=1, keepdims=True), form - form.mean(axis=0)
    overlap = np.linalg.svd(np.einsum("mni,nj->mij", one, other), compute_uv=False).sum(axis=1)
    squares = (one**2).sum(axis=(1, 2)) + (other**2).sum() - 2.0 * overlap
    return float(np.sqrt(max(squares.min(), 0.0) / len(form)))


def _structures(
    full: Any, energies: dict[int, float], kept: list[int], field: str, text: str, notes: list[str]
) -> tuple[list[Structure], list[str]]:
    from rdkit import Chem

    species = [atom.GetSymbol() for atom in full.GetAtoms()]
    shared: dict[str, Any] = {"smiles": text}
    if charge := Chem.GetFormalCharge(full):
        shared["charge"] = charge
    unpaired = [float(atom.GetNumRadicalElectrons()) for atom in full.GetAtoms()]
    if any(unpaired):
        shared["initial_moments"] = unpaired
    found = []
    for k in kept:
        positions = np.array(full.GetConformer(k).GetPositions())
        found.append(Structure(None, species, positions, {**shared, "conformer_energy": energies[k]}))
    if not field and len(species) > 1:
        notes.append("no force field knows its elements: an estimate of the geometry; relax it")
    elif len(found) > 1:
        notes.append(
            f"{len(found)} conformers within {WINDOW:g} kJ/mol by {field}: a flexible molecule needs several of them "
            "searched, each relaxed"
        )
    elif len(species) > 1:
        notes.append(f"a geometry by {field}: relax it")
    return found, notes
