"""Frame interpolation by adaptive convolution: the networks, the local convolution, their training."""
