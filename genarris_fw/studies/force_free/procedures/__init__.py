"""The study's procedures: fields, trainings, what they are worth; the farm carries them out."""
