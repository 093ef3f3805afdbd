"""What the process list is worked with: its columns, order, filter language, tree, tags and the one followed."""
