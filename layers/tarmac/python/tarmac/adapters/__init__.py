"""The ports on AWS, each over one boto3 client. Nothing here decides."""
