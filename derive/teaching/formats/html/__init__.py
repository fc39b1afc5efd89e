"""A deck for the browser: one HTML file with its mathematics, fonts and figures inside."""
