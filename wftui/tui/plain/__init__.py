"""The line mode: sentences instead of a screen, for screen readers, dumb terminals and pipes. No toolkit in it."""
