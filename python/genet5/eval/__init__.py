"""How good an annotation is."""
