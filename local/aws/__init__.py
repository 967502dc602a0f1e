"""The local AWS: a pinned ministack, and the deployer that puts template.yaml on it."""
