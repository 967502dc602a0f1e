"""The local AWS: a pinned ministack, and the deployment of template.yaml to it."""
