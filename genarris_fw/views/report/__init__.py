"""The report of a run: one HTML file that holds everything, and its pictures in a folder beside it.

`content` gathers what the catalogue knows, `figures` draws it, `points` packs the landscape for the page's own
JavaScript, `thumbnails` draws crystals, `page` puts the file together, and `write` is what the command calls.
"""
