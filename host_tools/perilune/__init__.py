"""Perilune's ground side: link, client, archive and console for boards that run the flight software."""
