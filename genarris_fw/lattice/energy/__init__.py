"""The energy of a crystal of rigid molecules, its minima, and what follows from its second derivatives."""
