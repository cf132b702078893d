"""What a training does against model inversion: one defence per file, chosen by name.

All start from the same weights, see the same pictures in the same order, and follow the same
schedule of learning rates; ``registry`` lists them.
"""
