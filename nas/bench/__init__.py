"""Strategies against each other: many searches of one problem at equal evaluations."""
