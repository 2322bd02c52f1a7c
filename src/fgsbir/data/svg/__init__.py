"""SVG drawings, read as a browser shows them."""
