"""The dialog of `x`: an incident bundle of what is in view, looked at before it is written."""
