"""Documents printed: text for terminals, Markdown, LaTeX."""
