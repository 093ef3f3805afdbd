"""The page of screen 9 about frames of programs and about how true the pictures of energy are."""
