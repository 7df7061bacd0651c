"""Faults that the tests must notice, each a line of the code as it is and as it must not be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One line changed.

    Attributes
    ----------
    file : str
        From the root of the checkout.
    about : str
        What is wrong then.
    old, new : str
        The text as it stands, once in the file, and as it is planted.
    tests : str
        Which tests must notice: arguments of pytest.
    """

    file: str
    about: str
    old: str
    new: str
    tests: str


_EFFECT = "tests/procedures/test_options_take_effect.py"

# Once found to sleep.
_SLEPT = [
    Fault(
        "genarris_fw/views/report/page.py",
        "HTML in the names of a report is no text",
        "autoescape=True",
        "autoescape=False",
        "tests/views/test_report.py -k no_text_becomes",
    ),
    Fault(
        "genarris_fw/crystal/z_prime.py",
        "a translation may bring atoms onto those of another kind",
        "squares[:, kinds[:, None] != kinds[None]] = np.inf",
        "pass",
        "tests/crystal/test_z_prime.py",
    ),
    Fault(
        "genarris_fw/procedures/kit/matrices.py",
        "a part of a matrix is its top-left corner",
        "return matrix if rows == list(ids) else submatrix(matrix, rows, ids)",
        "return matrix[: len(ids), : len(ids)]",
        f"{_EFFECT} -k rows_of_its_structures",
    ),
    Fault(
        "genarris_fw/engines/aims/output.py",
        "the convergence of the self-consistent cycle is not looked at",
        "scf_converged = _scf_converged(text)",
        "scf_converged = True",
        "tests/engines/test_aims.py",
    ),
    Fault(
        "genarris_fw/engines/aims/output.py",
        "only the last cycle's convergence counts",
        "return all(SCF_CONVERGED in cycle or SCF_RESTARTED in cycle for cycle in cycles)",
        "return True",
        "tests/engines/test_aims.py",
    ),
    Fault(
        "genarris_fw/procedures/kit/energies.py",
        "the lattice energy is made from the cell's energy",
        'properties["lattice_energy"] = (record["per_molecule"] - molecule)',
        'properties["lattice_energy"] = (record["value"] - molecule)',
        f"{_EFFECT} -k lattice_energy",
    ),
    Fault(
        "genarris_fw/engines/relaxing/on_supercell.py",
        "the virial is not divided by the copies of a supercell",
        "np.asarray(virial) * Hartree / self.copies",
        "np.asarray(virial) * Hartree",
        "tests/engines/test_tblite_engine.py -k however_many",
    ),
    Fault(
        "genarris_fw/generation/effort.py",
        "a group is given up although it is as good as the others",
        "return min(1.0 / work_per_structure, usual / TIMES_THE_USUAL)",
        "return 1.0 / work_per_structure",
        "tests/generation/test_effort.py",
    ),
    Fault(
        "genarris_fw/procedures/kit/generation_account.py",
        "what lies beyond a gap counts",
        "self._sorted[: np.searchsorted(self._sorted[:, 0], self.through), 0]",
        "self._sorted[:, 0]",
        "tests/procedures/test_generation_rounds.py",
    ),
    Fault(
        "genarris_fw/procedures/kit/generation_rounds.py",
        "quotas are not refilled",
        "if missing <= 0 or not able:",
        "if True:",
        "tests/procedures/test_generation_rounds.py",
    ),
    Fault(
        "genarris_fw/procedures/kit/generation_rounds.py",
        "no group is given up",
        "if is_hopeless(drawn.tally, self.usual, limit):",
        "if False:",
        "tests/procedures/test_generation_rounds.py",
    ),
    Fault(
        "genarris_fw/procedures/pygenarris_structure_generation.py",
        "truncate_to_num_structures is ignored",
        "if options.truncate_to_num_structures and wanted",
        "if False and wanted",
        f"{_EFFECT} -k cut_to_the_number",
    ),
    Fault(
        "genarris_fw/procedures/pygenarris_structure_generation.py",
        "the pool is cut to its first structures",
        "ids, places = [ids[i] for i in chosen], [np.concatenate(places)[chosen]]",
        "ids, places = ids[: len(chosen)], [np.concatenate(places)[: len(chosen)]]",
        f"{_EFFECT} -k cut_to_the_number",
    ),
    Fault(
        "genarris_fw/procedures/estimate_unit_cell_volume.py",
        "volume_multiplier is ignored",
        "options.Z * options.volume_multiplier",
        "options.Z",
        f"{_EFFECT} -k multiplied",
    ),
    Fault(
        "genarris_fw/procedures/estimate_unit_cell_volume.py",
        "the volume's standard deviation is the error itself",
        "ERRORS_PER_STD = 3.0",
        "ERRORS_PER_STD = 1.0",
        f"{_EFFECT} -k volume",
    ),
    Fault(
        "genarris_fw/procedures/kit/generation_plan.py",
        "the generator's default standard deviation is another",
        "0.075 * mean if std is None",
        "0.025 * mean if std is None",
        f"{_EFFECT} -k volume",
    ),
    Fault(
        "genarris_fw/procedures/kit/contact_rules.py",
        "contact_rules is ignored",
        "ContactRules(options.contact_rules,",
        'ContactRules("2.0",',
        f"{_EFFECT} -k contact_rules",
    ),
    Fault(
        "genarris_fw/procedures/kit/contact_rules.py",
        "custom_radii is ignored",
        "options.custom_radii or {}",
        "{}",
        f"{_EFFECT} -k contact_rules",
    ),
    Fault(
        "genarris_fw/procedures/kit/contact_rules.py",
        "custom_radii_by_pairs is ignored",
        "options.custom_radii_by_pairs or {}",
        "{}",
        f"{_EFFECT} -k contact_rules",
    ),
    Fault(
        "genarris_fw/procedures/rigid_press.py",
        "[rigid_press] sr is ignored",
        "press_fully(parent, options.sr,",
        "press_fully(parent, 0.85,",
        f"{_EFFECT} -k press",
    ),
    Fault(
        "genarris_fw/procedures/rigid_press.py",
        "the press has rules of its own",
        "press_fully(parent, options.sr, rules,",
        "press_fully(parent, options.sr, type(rules)(),",
        f"{_EFFECT} -k press",
    ),
]

_GENERATION = [
    Fault(
        "genarris_fw/generation/union_of_balls.py",
        "corners of three spheres are only looked for on one side",
        "return np.concatenate([feet[crossing] + up, feet[crossing] - up])",
        "return feet[crossing] + up",
        "tests/generation/test_shortest_translation.py",
    ),
    Fault(
        "genarris_fw/generation/union_of_balls.py",
        "no corners of three spheres",
        "[alone, circles[near], centre + _corners(radius, offsets[near], heights[near])]",
        "[alone, circles[near]]",
        "tests/generation/test_shortest_translation.py",
    ),
    Fault(
        "genarris_fw/generation/asymmetric_unit.py",
        "inexact symmetry is not looked for",
        "LOOSER = (1e-2, 5e-2)",
        "LOOSER = ()",
        "tests/generation/test_known_crystals.py",
    ),
    Fault(
        "genarris_fw/generation/asymmetric_unit.py",
        "the centre of an independent molecule is not put on its site",
        "exact.append((images - np.rint(images - centres[m])).mean(axis=0))",
        "exact.append(centres[m] + 0.01)",
        "tests/generation/test_press.py tests/generation/test_known_crystals.py",
    ),
    Fault(
        "genarris_fw/generation/contacts.py",
        "hydrogen bonds have no fixed distances",
        'if donated[:1] == "H" and (donated[1:], acceptor) in bonded:',
        "if False:",
        "tests/generation/test_contacts.py",
    ),
    Fault(
        "genarris_fw/generation/contacts.py",
        "sr scales the pairs' own distances",
        "cutoffs[i, j] = rules.pairs.get(_pair(element, other), cutoffs[i, j])",
        "cutoffs[i, j] = sr * rules.pairs.get(_pair(element, other), cutoffs[i, j] / sr)",
        "tests/generation/test_contacts.py",
    ),
    Fault(
        "genarris_fw/generation/contacts.py",
        "a nitrogen with three neighbours accepts hydrogen bonds",
        "return len(neighbours) <= 2",
        "return len(neighbours) <= 3",
        "tests/generation/test_contacts.py",
    ),
    Fault(
        "genarris_fw/generation/volume.py",
        "the packing coefficient multiplies",
        "return self.vdw_volume / PACKING_COEFFICIENT",
        "return self.vdw_volume * PACKING_COEFFICIENT",
        "tests/generation/test_volume.py",
    ),
    Fault(
        "genarris_fw/generation/volume.py",
        "each fragment counts once",
        "count * FRAGMENT_COEFFICIENTS.get(name, 0.0)",
        "FRAGMENT_COEFFICIENTS.get(name, 0.0)",
        "tests/generation/test_volume.py",
    ),
    Fault(
        "genarris_fw/generation/group_choice.py",
        "quotas are rounded down",
        "math.ceil(total / len(numbers))",
        "total // len(numbers)",
        "tests/generation/test_group_choice.py",
    ),
    Fault(
        "genarris_fw/generation/effort.py",
        "what is left over goes to the smallest fractions",
        "(-(total * weights[group] % whole), group)",
        "(total * weights[group] % whole, group)",
        "tests/generation/test_group_choice.py tests/generation/test_effort.py",
    ),
    Fault(
        "genarris_fw/generation/group_choice.py",
        "one proper operation makes a Sohncke group",
        "return bool((np.linalg.det(space_group(number).rotations) > 0).all())",
        "return bool((np.linalg.det(space_group(number).rotations) > 0).any())",
        "tests/generation/test_group_choice.py",
    ),
    Fault(
        "genarris_fw/generation/freedom.py",
        "own translations count twice",
        "weight = len(chosen) * (1.0 if k == 0 else np.count_nonzero(alike == k) / 2)",
        "weight = len(chosen) * (2.0 if k == 0 else np.count_nonzero(alike == k) / 2)",
        "tests/generation/test_freedom.py tests/generation/test_press.py",
    ),
    Fault(
        "genarris_fw/generation/freedom.py",
        "turns are polar like shifts",
        "signs = np.linalg.det(turns) if axial else np.ones(len(turns))",
        "signs = np.ones(len(turns))",
        "tests/generation/test_freedom.py",
    ),
    Fault(
        "genarris_fw/generation/freedom.py",
        "a strain of constant volume changes it",
        "if keep_volume:",
        "if not keep_volume:",
        "tests/generation/test_freedom.py",
    ),
    Fault(
        "genarris_fw/crystal/cells.py",
        "degrees are radians",
        "angles = np.degrees(np.arccos(",
        "angles = (np.arccos(",
        "tests/generation/test_finishing.py tests/crystal",
    ),
    Fault(
        "genarris_fw/crystal/cells.py",
        "alpha and gamma change places",
        "one, other = [1, 0, 0], [2, 2, 1]",
        "one, other = [0, 0, 1], [1, 2, 2]",
        "tests/generation/test_finishing.py tests/crystal",
    ),
    Fault(
        "genarris_fw/generation/draws.py",
        "the draw that fills the quota is not counted",
        "return accepted, (number - first) * len(members) + k + 1",
        "return accepted, (number - first) * len(members) + k",
        "tests/generation/test_draws.py tests/generation/test_generator.py",
    ),
    Fault(
        "genarris_fw/generation/draws.py",
        "a bound under the volume is too high",
        ".max()) ** 3 / math.sqrt(2.0)",
        ".max()) ** 3",
        "tests/generation/test_draws.py tests/generation/test_generator.py",
    ),
    Fault(
        "genarris_fw/generation/duplicates.py",
        "a duplicate names the last of its equals",
        "first[i] = order[near].min()",
        "first[i] = order[near].max()",
        "tests/generation/test_duplicates.py",
    ),
    Fault(
        "genarris_fw/generation/duplicates.py",
        "one component within the tolerance is enough",
        "- sorted_rows[here]) <= tolerance).all(axis=1)]",
        "- sorted_rows[here]) <= tolerance).any(axis=1)]",
        "tests/generation/test_duplicates.py",
    ),
    Fault(
        "genarris_fw/generation/modes.py",
        "the worse mode is chosen",
        'return Pilot("rejection" if by_rejection >= by_packing else "packing"',
        'return Pilot("rejection" if by_rejection < by_packing else "packing"',
        "tests/generation/test_generator.py tests/generation/test_packing.py",
    ),
    Fault(
        "genarris_fw/generation/press.py",
        "pressed structures keep no space group of before",
        '"spg_before_press": unit.space_group,',
        '"spg_before_press": 1,',
        "tests/generation/test_press.py",
    ),
]

_DESCRIPTORS = [
    Fault(
        "genarris_fw/descriptors/rdf.py",
        "vectors are sums, not means over the atoms",
        "return vectors / np.diff(pool.starts)[:, None] if whole else vectors",
        "return vectors",
        "tests/descriptors/test_rdf.py",
    ),
    Fault(
        "genarris_fw/descriptors/rdf.py",
        "rows per atom come sorted by element",
        "rows[pool.places] = out.reshape(rows.shape)",
        "rows = out.reshape(rows.shape)",
        "tests/descriptors/test_rdf.py",
    ),
    Fault(
        "genarris_fw/descriptors/rdf.py",
        "a longer cell vector is taken first",
        "order = np.argsort(np.linalg.norm(short, axis=2), axis=1)",
        "order = np.argsort(-np.linalg.norm(short, axis=2), axis=1)[:, [0, 0, 2]]",
        "tests/descriptors/test_rdf.py",
    ),
    Fault(
        "genarris_fw/descriptors/distances.py",
        "the cosine distance is twice as large",
        '"cosine": ("squares", 0.5, False)',
        '"cosine": ("squares", 1.0, False)',
        "tests/descriptors/test_distances.py",
    ),
    Fault(
        "genarris_fw/descriptors/distances.py",
        "the variance is that of the population",
        "ddof=min(1, len(rows) - 1)",
        "ddof=0",
        "tests/descriptors/test_distances.py",
    ),
    Fault(
        "genarris_fw/descriptors/distances.py",
        "vectors that are not the pool's are compared",
        "or _checksum(rows) != self.sha256:",
        ":",
        "tests/descriptors/test_distances.py",
    ),
    Fault(
        "genarris_fw/descriptors/distances.py",
        "a column of zeros divides by 0",
        "return np.where(norms > 0, norms, 1.0)",
        "return norms",
        "tests/descriptors/test_distances.py",
    ),
]

_CLUSTERING = [
    Fault(
        "genarris_fw/clustering/affinity.py",
        "a power is a product",
        "similarities = -(block**a)",
        "similarities = -(block * a)",
        "tests/clustering/test_affinity.py",
    ),
    Fault(
        "genarris_fw/clustering/affinity.py",
        "an exponential falls",
        "similarities = -np.exp(a * block)",
        "similarities = -np.exp(-a * block)",
        "tests/clustering/test_affinity.py",
    ),
    Fault(
        "genarris_fw/clustering/diversity.py",
        "the row with the largest sum comes first",
        "first = int(np.argmin(row_sums(matrix)[0]))",
        "first = int(np.argmax(row_sums(matrix)[0]))",
        "tests/clustering/test_diversity.py",
    ),
    Fault(
        "genarris_fw/clustering/diversity.py",
        "a chosen structure can be chosen again",
        "nearest[row] = -np.inf",
        "nearest[row] = 0.0",
        "tests/clustering/test_diversity.py",
    ),
    Fault(
        "genarris_fw/clustering/duplicates.py",
        "the highest in energy survives",
        'return np.argsort(values, kind="stable")  # NaN',
        'return np.argsort(-values, kind="stable")  # NaN',
        "tests/clustering/test_duplicates.py",
    ),
    Fault(
        "genarris_fw/clustering/duplicates.py",
        "a duplicate of a duplicate goes too",
        "if place[int(j)] < place[i] and survivors[j] == j]",
        "if place[int(j)] < place[i]]",
        "tests/clustering/test_duplicates.py",
    ),
    Fault(
        "genarris_fw/clustering/duplicates.py",
        "rmsd_tolerance is ignored",
        'comparison.method == "rmsd" and found > comparison.rmsd_tolerance',
        'comparison.method == "rmsd" and found > 10',
        "tests/clustering/test_duplicates.py",
    ),
    Fault(
        "genarris_fw/clustering/duplicates.py",
        "volume_tolerance is ignored",
        "math.log1p(windows.volume_tolerance)",
        "math.log1p(0.5)",
        "tests/clustering/test_duplicates.py",
    ),
    Fault(
        "genarris_fw/clustering/propagation.py",
        "the worst member stands for a cluster",
        "best = members[sums == sums.max()][:_TIED]",
        "best = members[sums == sums.min()][:_TIED]",
        "tests/clustering/test_propagation.py tests/clustering/test_affinity.py",
    ),
    Fault(
        "genarris_fw/clustering/preference_search.py",
        "num_of_clusters_tolerance is ignored",
        "return abs(n_clusters - self.target) <= self.tolerance",
        "return n_clusters == self.target",
        "tests/clustering/test_preference_search.py tests/clustering/test_affinity.py",
    ),
]

_LEASES = "tests/catalogue/test_leases.py tests/catalogue/test_work_items.py"
_CATALOGUE = [
    Fault(
        "genarris_fw/catalogue/leases.py",
        "a lease lasts a thousandth",
        'return {"$add": ["$$NOW", int(lease_seconds * 1000)]}',
        'return {"$add": ["$$NOW", int(lease_seconds)]}',
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/leases.py",
        "taking a lease gives no new token",
        '"token": {"$add": ["$token", 1]},\n                        "expires": _expires(lease_seconds)',
        '"token": "$token",\n                        "expires": _expires(lease_seconds)',
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/leases.py",
        "a lease that lives is taken",
        '{"$expr": {"$lt": ["$expires", "$$NOW"]}},\n                ],',
        '{"$expr": {"$gt": ["$expires", "$$NOW"]}},\n                ],',
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/leases.py",
        "an overtaken holder commits",
        'held = {"_id": identifier, "token": token, "state": "open", "committed": {"$exists": False}}',
        'held = {"_id": identifier, "state": "open", "committed": {"$exists": False}}',
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/leases.py",
        "a lease in recovery is renewed",
        '{"owner": owner, "recoverer": {"$exists": False}},',
        '{"owner": owner},',
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/work_items.py",
        "the lowest priority comes first",
        'sort=[("priority", -1), ("rnd", 1)]',
        'sort=[("priority", 1), ("rnd", 1)]',
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/work_items.py",
        "the lowest priority comes first, of many",
        'key=lambda record: -int(record["priority"])',
        'key=lambda record: int(record["priority"])',
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/work_items.py",
        "an item gets one attempt more",
        'state = "failed" if attempts >= max_attempts',
        'state = "failed" if attempts > max_attempts',
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/work_items.py",
        "the rest does not grow",
        "rest_seconds * 2.0 ** (attempts - 1)",
        "rest_seconds * 1.0 ** (attempts - 1)",
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/work_items.py",
        "planned by a newer token, taken over by an older one",
        '{"planned.token": {"$lte": token}}',
        "{}",
        f"{_LEASES} tests/catalogue/test_rounds.py",
    ),
    Fault(
        "genarris_fw/catalogue/work_items.py",
        "what is planned under any token is released",
        '"planned": {"round": round_, "token": token}},',
        '"planned.round": round_},',
        f"{_LEASES} tests/catalogue/test_rounds.py",
    ),
    Fault(
        "genarris_fw/catalogue/work_items.py",
        "an item that was lost before takes others with it",
        'if found and found[0]["lost"]:',
        "if False:",
        _LEASES,
    ),
    Fault(
        "genarris_fw/catalogue/structures.py",
        "structures come in the database's order",
        'self.collection.find(query, {"_id": 0, "struct_id": 1}).sort("struct_id", 1)',
        'self.collection.find(query, {"_id": 0, "struct_id": 1}).sort("struct_id", -1)',
        "tests/catalogue/test_structures.py",
    ),
    Fault(
        "genarris_fw/catalogue/structures.py",
        "a write fenced by an equal token is refused",
        '{field: {"$lte": token}}',
        '{field: {"$lt": token}}',
        "tests/catalogue/test_structures.py",
    ),
]

_ENGINES = [
    Fault(
        "genarris_fw/engines/aims/output.py",
        "an output that has no end yields an energy",
        "if END not in text or not runs or text.rfind(END) < text.find(BEGINNING):",
        "if not runs:",
        "tests/engines/test_aims.py",
    ),
    Fault(
        "genarris_fw/engines/aims/output.py",
        "the first geometry is the last",
        "begin = max(text.rfind(title) for title in _GEOMETRIES)",
        "begin = text.find(_GEOMETRIES[1])",
        "tests/engines/test_aims.py",
    ),
    Fault(
        "genarris_fw/engines/aims/output.py",
        "the first forces are the last",
        "lines = text[blocks[-1].end() :]",
        "lines = text[blocks[0].end() - 400 :]",
        "tests/engines/test_aims.py tests/engines/test_aims_engine.py",
    ),
    Fault(
        "genarris_fw/engines/aims/output.py",
        "the first stress is the last",
        "begin = max(text.rfind(title) for title in _STRESSES)",
        "begin = max(text.find(title) for title in _STRESSES)",
        "tests/engines/test_aims.py tests/engines/test_aims_engine.py",
    ),
    Fault(
        "genarris_fw/engines/aims/output.py",
        "an unconverged relaxation is converged",
        "return yes > no",
        "return yes >= 0",
        "tests/engines/test_aims.py",
    ),
    Fault(
        "genarris_fw/engines/aims/output.py",
        "CPU time is wall time",
        "return float(found[-1][1])",
        "return float(found[-1][0])",
        "tests/engines/test_aims.py",
    ),
    Fault(
        "genarris_fw/engines/aims/failures.py",
        "a crash is told by SIGTERM",
        "crashed = _line_with(lines, _CRASHES)",
        'crashed = ""',
        "tests/engines/test_aims.py",
    ),
    Fault(
        "genarris_fw/engines/supercell.py",
        "forces are summed over the copies",
        "array.reshape(copies, -1, *array.shape[1:]).mean(axis=0)",
        "array.reshape(copies, -1, *array.shape[1:]).sum(axis=0)",
        "tests/engines/test_supercell.py tests/engines/test_tblite_engine.py",
    ),
    Fault(
        "genarris_fw/engines/gfnff/engine.py",
        "molecules are computed as the cell cuts them",
        "whole = structure.positions + self._shifts @ structure.lattice",
        "whole = structure.positions",
        "tests/engines/test_gfnff.py -k wrapped",
    ),
    Fault(
        "genarris_fw/engines/gfnff/process.py",
        "a process that died is waited for",
        "if not more:",
        "if not more and self._unread:",
        "tests/engines/test_gfnff.py -k fail",
    ),
    Fault(
        "genarris_fw/engines/ase/packaged_model.py",
        "the precision is that of whoever loaded last",
        "torch.set_default_dtype(getattr(torch, self.precision))",
        "torch.set_default_dtype(torch.float64)",
        "tests/engines/test_packaged_models.py",
    ),
    Fault(
        "genarris_fw/energetics/error_bars.py",
        "a spread of n instead of n - 1",
        "differences.std(axis=0, ddof=1)",
        "differences.std(axis=0)",
        "tests/engines/test_error_bars.py",
    ),
    Fault(
        "genarris_fw/engines/relaxing/on_supercell.py",
        "forces have the sign of the gradient",
        "forces = -mean_over_copies(gradient",
        "forces = mean_over_copies(gradient",
        "tests/engines/test_tblite_engine.py -k 'forces or slope'",
    ),
    Fault(
        "genarris_fw/energetics/equation_of_state.py",
        "the bulk modulus is 9/4 of itself",
        "bulk_modulus = 4 / 9 * x0**2",
        "bulk_modulus = x0**2",
        "tests/engines/test_equation_of_state.py",
    ),
    Fault(
        "genarris_fw/energetics/equation_of_state.py",
        "the Delta gauge does not lay the minima upon each other",
        "(first.energy(volumes) - first.E0) - (second.energy(volumes) - second.E0)",
        "first.energy(volumes) - second.energy(volumes)",
        "tests/engines/test_equation_of_state.py",
    ),
    Fault(
        "genarris_fw/energetics/convergence.py",
        "finer settings need not agree",
        "within = np.flip(np.logical_and.accumulate(np.flip(within, axis), axis=axis), axis)",
        "pass",
        "tests/engines/test_convergence.py",
    ),
    Fault(
        "genarris_fw/energetics/convergence.py",
        "the dearest settings are chosen",
        "np.argmin(np.where(converged, np.asarray(costs, dtype=float), np.inf))",
        "np.argmax(np.where(converged, np.asarray(costs, dtype=float), -np.inf))",
        "tests/engines/test_convergence.py",
    ),
]

_LOADING = "tests/options/test_loading.py"
_RUNS = [
    Fault(
        "genarris_fw/procedures/kit/energies.py",
        "a molecule's energy by another version counts",
        'summary.get("engine_version", record["engine_version"]) == record["engine_version"]',
        "True",
        "tests/procedures/test_comparable.py",
    ),
    Fault(
        "genarris_fw/procedures/kit/energies.py",
        "a molecule's energy by other settings counts",
        'and decisive in (summary.get("method"), summary.get("settings_hash"))',
        "",
        "tests/procedures/test_comparable.py",
    ),
    Fault(
        "genarris_fw/energetics/comparable.py",
        "energies of the cell are compared",
        "energy = of_cell / Z",
        "energy = of_cell",
        "tests/procedures/test_select_structures.py tests/procedures/test_remove_duplicates.py",
    ),
    Fault(
        "genarris_fw/procedures/kit/energies.py",
        "energies of several engines are compared",
        "refuse_several(campaign.step, name, (source_of(record, name) for record in records))",
        "pass",
        "tests/procedures/test_comparable.py tests/procedures/test_select_structures.py",
    ),
    Fault(
        "genarris_fw/procedures/options/estimate_unit_cell_volume.py",
        "the volume's spread is one error",
        'relative = 3 * draft.options["std_of_predicted_errors"]',
        'relative = draft.options["std_of_predicted_errors"]',
        _LOADING,
    ),
    Fault(
        "genarris_fw/procedures/options/pygenarris_structure_generation.py",
        "attempts per rank are not multiplied by the ranks",
        'draft.put("max_attempts", per_rank * cores,',
        'draft.put("max_attempts", per_rank,',
        _LOADING,
    ),
    Fault(
        "genarris_fw/procedures/options/pygenarris_structure_generation.py",
        "structures per rank are not multiplied by the ranks",
        'draft.put("structures_per_group", per_group * cores,',
        'draft.put("structures_per_group", per_group,',
        _LOADING,
    ),
    Fault(
        "genarris_fw/procedures/options/rigid_press.py",
        "the press has contact rules of its own",
        "given = bench.inherit(draft, name)",
        "given = None",
        _LOADING,
    ),
    Fault(
        "genarris_fw/procedures/options/engine_procedures.py",
        "engines take exemplars before what was selected",
        '"chosen", "exemplars",',
        '"exemplars", "chosen",',
        f"{_LOADING} tests/options/test_outputs.py",
    ),
    Fault(
        "genarris_fw/database/launchpads.py",
        "rockets write to a server of ours that is no primary yet",
        'fields["host"] = str(pad.host).replace(f"{DIRECTLY}&", "")',
        'fields["host"] = str(pad.host)',
        "tests/farm/test_patience.py -k no_primary",
    ),
]

_FILES = [
    Fault(
        "genarris_fw/crystal/formats/shelx_atoms.py",
        "a negative free variable counts as a positive one",
        "return rest * variable if which > 0 else rest * (variable - 1.0)",
        "return rest * variable",
        "tests/crystal/test_res.py",
    ),
    Fault(
        "genarris_fw/crystal/formats/shelx_symmetry.py",
        "rhombohedral lattices are reverse",
        '"R": ("x,y,z", "x+2/3,y+1/3,z+1/3", "x+1/3,y+2/3,z+2/3"),',
        '"R": ("x,y,z", "x+1/3,y+2/3,z+1/3", "x+2/3,y+1/3,z+2/3"),',
        "tests/crystal/test_res.py tests/crystal/test_settings_in_pdb_and_res.py",
    ),
    Fault(
        "genarris_fw/crystal/formats/res.py",
        "occupancies of special positions are not multiplied",
        "atom.factor * order for atom, order",
        "atom.factor for atom, order",
        "tests/crystal/test_res.py",
    ),
    Fault(
        "genarris_fw/crystal/formats/pdb.py",
        "SCALE's shift is left out",
        "np.asarray(places @ matrix.T + shift, dtype=float)",
        "np.asarray(places @ matrix.T, dtype=float)",
        "tests/crystal/test_pdb.py",
    ),
    Fault(
        "genarris_fw/crystal/formats/pdb_lines.py",
        "a cell of 1 Å is one",
        "and max(self.cell[:3]) > 1.001",
        "",
        "tests/crystal/test_pdb.py",
    ),
    Fault(
        "genarris_fw/engines/aims/output.py",
        "a molecular dynamics is read",
        "    _refuse_dynamics(text, where)\n",
        "",
        "tests/engines/test_aims_dynamics.py",
    ),
    Fault(
        "genarris_fw/pools/usable.py",
        "other molecules than the run's are taken",
        "return not rest and Z in (0, times) and all(atoms[name] == times * molecule[name] for name in molecule)",
        "return True",
        "tests/cli/test_import.py -k other_molecules",
    ),
    Fault(
        "genarris_fw/pools/importing.py",
        "another crystal of a known id is taken for the one that is there",
        'if not same_crystal(document["geometry"], there["geometry"]):',
        "if False:",
        "tests/cli/test_import.py -k another_crystal",
    ),
    Fault(
        "genarris_fw/pools/importing.py",
        "files of an interrupted import are read again",
        "return number > 0",
        "return False",
        "tests/cli/test_import_interrupted.py",
    ),
    Fault(
        "genarris_fw/pools/importing.py",
        "what a file knows beside a structure that is there is lost",
        "missing[name] = {key: value for key, value in given.items() if key not in had}",
        "missing[name] = {}",
        "tests/cli/test_import_foreign.py -k genarris_2",
    ),
    Fault(
        "genarris_fw/pools/reading.py",
        "all files are read ahead",
        "if len(waiting) > ahead:",
        "if len(waiting) > 10**9:",
        "tests/cli/test_import_interrupted.py -k memory",
    ),
    Fault(
        "genarris_fw/crystal/formats/ase_database.py",
        "a database of a newer ASE is read",
        "if version > VERSION:",
        "if version > 100 * VERSION:",
        "tests/cli/test_import_foreign.py -k newer_ase",
    ),
    Fault(
        "genarris_fw/pools/foreign_names.py",
        "a calculation of Genarris 3 that failed has the energy 0",
        "failed = [name for name in tasks if properties[name] == 0]",
        "failed = []",
        "tests/cli/test_import_foreign.py -k a_pool_of_genarris_3",
    ),
    Fault(
        "genarris_fw/pools/given_pool.py",
        "a run leaves out what it cannot read",
        "for left in found.left_out:",
        "for left in ():",
        "tests/procedures/test_given_pools.py -k not_left_out",
    ),
]

# The measured crystal.
_COMPARED = [
    Fault(
        "genarris_fw/comparing/powder.py",
        "the beam is polarised",
        "(1.0 + np.cos(2.0 * theta) ** 2) / (",
        "1.0 / (",
        "tests/comparing/test_powder.py -k gemmi",
    ),
    Fault(
        "genarris_fw/comparing/powder.py",
        "reflections at high angles are forgotten",
        "np.floor(radii[1] * np",
        "np.floor(0.8 * radii[1] * np",
        "tests/comparing/test_powder.py -k gemmi",
    ),
    Fault(
        "genarris_fw/comparing/powder.py",
        "a skew cell is taken as it is",
        "cell = reduced(structure.cell)",
        "cell = structure.cell @ np.diag([1.0, 1.0, 1.001])",
        "tests/comparing/test_powder.py -k written",
    ),
    Fault(
        "genarris_fw/comparing/powder.py",
        "the triangle is half as wide",
        "round(chosen.window / chosen.step)",
        "round(0.5 * chosen.window / chosen.step)",
        "tests/comparing/test_powder.py -k definition",
    ),
    Fault(
        "genarris_fw/comparing/variable_cell.py",
        "cells that are no primitive ones fit",
        "near[np.abs(volumes) == 1]",
        "near[np.abs(volumes) >= 1]",
        "tests/comparing/test_variable_cell.py",
    ),
    Fault(
        "genarris_fw/comparing/variable_cell.py",
        "both of a cell and its image are tried",
        "    a = a[len(numbers) - 1 - a > a]",
        "    a = a[a >= 0]",
        "tests/comparing/test_variable_cell.py -k tolerances",
    ),
    Fault(
        "genarris_fw/comparing/variable_cell.py",
        "a cell that was not reduced to the primitive one is compared",
        "primitive_cell(structure, SYMPREC)[0]",
        "structure",
        "tests/comparing/test_variable_cell.py -k multiple",
    ),
    Fault(
        "genarris_fw/comparing/pool.py",
        "the first structure decides how a pool is compared",
        "TRIED = 20",
        "TRIED = 1",
        "tests/comparing/test_form_of_a_pool.py",
    ),
    Fault(
        "genarris_fw/procedures/kit/measured.py",
        "a comparison that fails ends the run",
        "except Exception as error:",
        "except KeyError as error:",
        "tests/procedures/test_measured.py -k fails",
    ),
    Fault(
        "genarris_fw/procedures/kit/measured.py",
        "of a large pool any part is compared",
        "sorted(range(len(ids)), key=order.__getitem__)[:MOST]",
        "list(range(len(ids)))[:MOST]",
        "tests/procedures/test_measured.py -k large",
    ),
    Fault(
        "genarris_fw/procedures/kit/measured.py",
        "files are without the mark",
        'campaign.export([said["structure"]]',
        "campaign.export([]",
        "tests/procedures/test_measured.py -k every_pool",
    ),
    Fault(
        "genarris_fw/procedures/rigid_press.py",
        "a mark is inherited",
        '"duplicate_of", *MARKS)',
        '"duplicate_of")',
        "tests/procedures/test_measured.py -k inherited",
    ),
    Fault(
        "genarris_fw/procedures/kit/campaign.py",
        "a mark is imported",
        " if name not in MARKS}",
        "}",
        "tests/procedures/test_measured.py -k inherited",
    ),
    Fault(
        "genarris_fw/options/resolving/measured_crystal.py",
        "the molecule is not looked at",
        "if (molecule := _molecule(bench)) is not None:",
        "if (molecule := None) is not None:",
        "tests/options/test_experimental_structure.py",
    ),
]

FAULTS = [*_SLEPT, *_GENERATION, *_DESCRIPTORS, *_CLUSTERING, *_CATALOGUE, *_ENGINES, *_RUNS, *_FILES, *_COMPARED]
