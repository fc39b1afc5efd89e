"""LaTeX and Beamer, with the pagination that slides need."""
