"""Atom-atom potentials: types of atoms, parameters, files; the json files are those that come with the package."""
