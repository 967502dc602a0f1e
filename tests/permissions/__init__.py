"""The recorded calls of the functions, judged by @cloud-copilot/iam-simulate, a second evaluator of IAM policies."""
