"""What must not get out: secrets and prompts are planted, and searched for wherever the product writes."""
