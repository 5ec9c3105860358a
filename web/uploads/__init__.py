"""Files of visitors: weights that they trained, and pictures that become drawings. Nothing is kept after they leave."""
