"""Races: the best score for the time that there is, by a portfolio of configurations and the blend of those that ended."""
