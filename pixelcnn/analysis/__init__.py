"""Analysis of models and their pictures: receptive fields, and a digit classifier."""
