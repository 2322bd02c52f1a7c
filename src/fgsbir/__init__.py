"""Semi-supervised fine-grained sketch-based image retrieval (FG-SBIR)."""
