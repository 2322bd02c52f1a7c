"""The page and its HTTP API: people search their own photos by drawing, on their own machine."""
