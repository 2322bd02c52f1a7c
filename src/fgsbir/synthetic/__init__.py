"""The default data set, drawn by program: products, their photos, and sketches of them by many hands."""
