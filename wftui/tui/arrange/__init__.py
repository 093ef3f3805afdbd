"""Arranging the overview on the overview itself: what keys make of a layout. Loaded when somebody does."""
