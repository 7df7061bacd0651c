"""The model of trips: a problem, its trips, the general form, what cannot be, problems made up."""
