"""Decisions without I/O: values in, values out. Nothing here may import boto3, httpx or pydantic."""
