"""Scores that need no training; each is measured against trainings, none is believed."""
