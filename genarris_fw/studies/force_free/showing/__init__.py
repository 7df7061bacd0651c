"""Tables and pictures of fields and trainings."""
