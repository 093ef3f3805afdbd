"""Finding an action by typing: the command palette, and the search in help."""
