"""Layouts: which panels stand where, as data that a person can write."""
