"""PDF by Typst: slides and pages that need no LaTeX, tagged for those who listen to them."""
