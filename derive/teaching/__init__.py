"""What a course needs: documents of blocks, lectures, figures, formats, languages."""
