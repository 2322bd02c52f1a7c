"""Searching one's own photos by drawing: the index of a gallery, queries of every form, and what is found."""
