"""Pages for any browser: HTML, pictures and charts in one file."""
