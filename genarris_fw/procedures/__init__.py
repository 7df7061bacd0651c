"""The steps that ui.conf can name, where the science and the catalogue meet."""
